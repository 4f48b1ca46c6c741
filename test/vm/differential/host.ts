/** A deterministic world for one run: capabilities, answers, time. Everything depends on turns, never on slices. */
import type { Json, JsonObject } from "../../../firmware/core/json.ts";
import { isJsonObject } from "../../../firmware/core/json.ts";
import type {
  CallAnswer,
  CapabilitySignature,
  CapabilityView,
  Completion,
  Machine,
  MachineInputs,
  MachineRequest,
  SchemaCheck,
} from "../../../firmware/vm/index.ts";
import { anObject } from "./values.ts";

function signature(id: string, kind: CapabilitySignature["class"]): CapabilitySignature {
  const positional = kind === "effect" ? ["output", "value"] : ["a", "b"];
  return {
    id,
    class: kind,
    positional,
    outputParam: kind === "effect" ? "output" : null,
    normalise: (args) => {
      const named = Array.isArray(args)
        ? anObject((args as readonly Json[]).map((v, i) => [positional[i] ?? "", v]))
        : args;
      return { unit: "C", ...(isJsonObject(named) ? named : {}) };
    },
    checkLiterals: () => null,
  };
}

const CAPABILITIES: ReadonlyMap<string, CapabilitySignature> = new Map([
  ["f", signature("f", "local")],
  ["sensor.read", signature("sensor.read", "read")],
  ["gpio.write", signature("gpio.write", "effect")],
  ["gpio_write", signature("gpio.write", "effect")],
]);

export const view: CapabilityView = { resolve: (name) => CAPABILITIES.get(name) ?? null };

/** Knows one word of a schema: `type`. */
export const checkSchema: SchemaCheck = (schema, value) => {
  const type = value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
  return type === schema.type ? null : { reason: "type_mismatch", path: "$" };
};

const deep = (levels: number): Json => (levels === 0 ? 1 : [deep(levels - 1)]);
const ok = (result: Json, evidence: readonly string[] = [], bytes: object = {}): CallAnswer => ({
  ok: true,
  result,
  evidence,
  ...bytes,
});
const refused = (code: string, status: number, details: JsonObject = {}): CallAnswer => ({
  ok: false,
  error: { code, reason: `${code}_reason`, status, details },
  evidence: [],
});

/** The plainest first. Some cannot be recorded, some do not fit a value, some are never catchable. */
const ANSWERS: readonly CallAnswer[] = [
  ok(0),
  ok(21.5, ["ev-1"], { readBytes: 30, writtenBytes: 20, netBytes: 40 }),
  ok("warm 😀", ["ev-1", "ev-2"], { netBytes: 100 }),
  ok(
    anObject([
      ["a", 1],
      ["__proto__", { b: [null, -0] }],
    ]),
    ["ev-3"],
    { readBytes: 100 },
  ),
  ok([1, [2, "x"], { $bytes: "00ff" }], [], { writtenBytes: 50, netBytes: 50 }),
  ok(null, [], { writtenBytes: 64 }),
  ok("y".repeat(500), ["e".repeat(300)], { readBytes: 500 }),
  ok(Array.from({ length: 100 }, (_, i) => i)),
  ok(deep(34)),
  ok({ [`k${"x".repeat(256)}`]: 1 }),
  ok(Number.NaN),
  ok("\ud800"),
  ok({ $bytes: "zz" }),
  refused("policy_denied", 403, { need: ["a", { b: 1 }] }),
  refused("io_error", 502),
  refused("rate_limited", 429, anObject([["__proto__", "p"]])),
  refused("quota_exceeded", 429, { limit: 1, used: 1, needed: 1 }),
  refused("vm_internal", 500),
];

interface Due {
  readonly request: MachineRequest;
  /** Turn before which it is answered; 0 when nothing else can go on. */
  turn: number;
}

/** Answers some turns after the request, or when the machine has nothing else to do. */
export class ScriptedHost implements MachineInputs {
  readonly #answers: readonly number[];
  readonly #due: Due[] = [];
  #machine: Machine | null = null;
  #served = 0;
  #now = 0;

  constructor(answers: readonly number[]) {
    this.#answers = answers;
  }

  attach(machine: Machine): void {
    this.#machine = machine;
  }

  elapsedMs(task: number): number {
    return this.#now++ * 3 + task;
  }

  take(turn: number): readonly Completion[] {
    this.#collect(turn);
    const taken = this.#due.filter((due) => due.turn <= turn);
    for (const due of taken) this.#due.splice(this.#due.indexOf(due), 1);
    return taken.map(({ request }) => this.#completion(request));
  }

  /** Time passes until the next thing is due. */
  advance(): void {
    this.#collect(Number.MAX_SAFE_INTEGER / 2);
    const next = this.#due.reduce<Due | null>(
      (first, due) => (first === null || due.turn < first.turn ? due : first),
      null,
    );
    if (next === null) throw new Error("The machine waits for nothing.");
    next.turn = 0;
  }

  #collect(turn: number): void {
    for (const request of this.#machine?.takeRequests() ?? []) {
      const script = this.#answers[request.id % Math.max(1, this.#answers.length)] ?? 0;
      const later = request.kind === "call" ? Math.floor(script / 64) % 4 : Math.min(6, request.ms);
      this.#due.push({ request, turn: turn + later });
    }
  }

  #completion(request: MachineRequest): Completion {
    if (request.kind !== "call") return { kind: "wake", request: request.id };
    const script = this.#answers[this.#served++] ?? 0;
    return { kind: "call", request: request.id, answer: ANSWERS[script % ANSWERS.length] as CallAnswer };
  }
}
