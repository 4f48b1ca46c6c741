/** From a genome to what runs: a document, its payload, its limits and the script of the host. */
import type { Json, JsonObject } from "../../../firmware/core/json.ts";
import { type Limits, TIER_LIMITS } from "../../../firmware/vm/index.ts";
import { Writer } from "./blocks.ts";
import { endBody } from "./endings.ts";
import { Frame, LabelNames } from "./frame.ts";
import type { FunctionHead } from "./genes.ts";
import { Choices, type Genome, SETUP_LENGTH } from "./genome.ts";
import { anObject, CONSTANTS, FUNCTIONS, PAYLOADS } from "./values.ts";

export interface Scenario {
  readonly document: Json;
  readonly payload: Json;
  readonly trigger: Json;
  readonly limits: Limits;
  readonly answers: readonly number[];
}

/** Roomy enough for most programs to end by themselves, small enough for a run to take a millisecond. */
const USUAL: Partial<Limits> = {
  cpuSteps: 3000,
  memKb: 64,
  callDepth: 12,
  valueBytes: 4096,
  claims: 16,
  tasks: 6,
};

/** One in two programs has a limit so small that it strikes at any instruction. */
const TIGHT: readonly ((choices: Choices) => Partial<Limits>)[] = [
  (c) => ({ cpuSteps: 1 + c.below(120) }),
  (c) => ({ cpuSteps: 3000 + c.below(2000), valueBytes: 65_536, memKb: 1024 }),
  (c) => ({ memKb: 1 + c.below(4) }),
  (c) => ({ valueBytes: 1 + c.below(200) }),
  (c) => ({ callDepth: 1 + c.below(4) }),
  (c) => ({ ioCalls: c.below(3) }),
  (c) => ({ tasks: c.below(2) }),
  (c) => ({ claims: c.below(2) }),
  (c) => ({ sleepMs: c.below(12) }),
  (c) => ({ sleepTotalMs: c.below(20) }),
  (c) => ({ outputBytes: c.below(60) }),
  (c) => ({ ioReadBytes: c.below(60) }),
  (c) => ({ ioWriteBytes: c.below(30) }),
  (c) => ({ netOutBytes: c.below(60) }),
  (c) => ({ ioReadBytes: 1000, ioWriteBytes: c.below(80), netOutBytes: c.below(120) }),
  (c) => ({ inputBytes: 1 + c.below(400) }),
];

const TRIGGERS: readonly Json[] = [
  { kind: "command", name: "go" },
  { kind: "boot" },
  anObject([
    ["kind", "mqtt"],
    ["__proto__", 1],
  ]),
];

/** Jumps by index instead of label, in every third place. */
function withIndexes(code: readonly JsonObject[], choices: Choices): JsonObject[] {
  return code.map((instr) => {
    if (typeof instr.label !== "string" || choices.below(3) < 2) return instr;
    const to = code.findIndex(({ op, name }) => op === "LABEL" && name === instr.label);
    const { label: _, ...rest } = instr;
    return to < 0 ? instr : { ...rest, to };
  });
}

function heads(genome: Genome, choices: Choices): readonly FunctionHead[] {
  return genome.functions.map((_, i): FunctionHead => {
    const params = choices.pick<readonly string[] | null>([null, ["n"], ["n", "__proto__"], null]);
    return { name: FUNCTIONS[i] ?? `f${i}`, params };
  });
}

function functionCode(
  head: FunctionHead,
  genes: Genome["main"],
  all: readonly FunctionHead[],
  labels: LabelNames,
): readonly JsonObject[] {
  const frame = new Frame(labels, head.name, 0);
  for (const param of head.params ?? ["n"]) frame.registers.set(param, "any");
  const params: JsonObject = head.params === null ? {} : { params: head.params };
  frame.emit("FUNC", { name: head.name, ...params });
  new Writer(frame, all).write(genes, false, 1);
  const result = genes.length % 3;
  if (result === 1) frame.emit("RET", { value: frame.registerOperands(true) });
  if (result === 2) frame.emit("RET");
  frame.emit("ENDFUNC");
  return frame.code;
}

function codeOf(genome: Genome, choices: Choices): readonly JsonObject[] {
  const labels = new LabelNames();
  const functions = heads(genome, choices);
  const main = new Frame(labels, null, 0);
  const written = functions.map((head, i) =>
    functionCode(head, genome.functions[i] ?? [], functions, labels),
  );
  new Writer(main, functions).write(
    genome.main,
    choices.oneIn(2),
    choices.oneIn(4) ? choices.pick([3, 30, 300]) : 1,
  );
  if (choices.below(8) < 7) endMain(main, choices);
  const before = choices.below(written.length + 1);
  const code = [...written.slice(0, before).flat(), ...main.code, ...written.slice(before).flat()];
  return withIndexes(code, choices);
}

/** Mostly everything the program knows leaves it, so that any difference is seen. */
function endMain(frame: Frame, choices: Choices): void {
  if (choices.oneIn(6)) endBody(frame, choices);
  frame.emit("EVIDENCE", { claim: "end" });
  const body: Json = choices.oneIn(3)
    ? { r: frame.registerOperands(false), p: "$.payload" }
    : frame.registerOperands(choices.oneIn(10));
  frame.emit("RESPOND", { body });
}

export function scenarioOf(genome: Genome): Scenario {
  const choices = new Choices(genome.setup.slice(SETUP_LENGTH / 2));
  const code = codeOf(genome, new Choices(genome.setup.slice(0, SETUP_LENGTH / 2)));
  const payload = choices.below(2) === 0 ? (PAYLOADS[0] as Json) : choices.pick(PAYLOADS);
  const tight = choices.below(2) === 0 ? {} : choices.pick(TIGHT)(choices);
  const claims: JsonObject = choices.oneIn(4)
    ? {
        claims: anObject([
          ["ok", { sources: ["vm://t"], minTrust: 0.7 }],
          ["__proto__", { schema: {} }],
        ]),
      }
    : {};
  const contracts: JsonObject = choices.oneIn(8)
    ? choices.pick<JsonObject>([
        { response: { type: "array" } },
        { payload: { type: "object" }, response: { type: "object" } },
      ])
    : {};
  return {
    document: {
      format: "imu.program/1",
      name: "t",
      version: "1.0.0",
      isa: 1,
      capabilities: ["f", "sensor.read", "gpio_write"],
      outputs: ["led"],
      constants: CONSTANTS,
      ...claims,
      ...contracts,
      code,
    },
    payload,
    trigger: choices.pick(TRIGGERS),
    limits: { ...TIER_LIMITS.low, ...USUAL, ...tight },
    answers: genome.answers,
  };
}
