import type { Json, JsonObject } from "../../../firmware/core/json.ts";
import {
  type CapabilitySignature,
  type CapabilityView,
  createMachine,
  type Executor,
  effectiveLimits,
  type Limits,
  type Machine,
  type MachineResult,
  replayJournal,
  replyGate,
  tierOf,
  traceOf,
  type VerifiedProgram,
  verifyProgram,
} from "../../../firmware/vm/index.ts";
import type { Given, OpModule } from "../registry.ts";

const known: Readonly<
  Record<string, { class: CapabilitySignature["class"]; output?: string; aliases: string[] }>
> = {
  f: { class: "local", aliases: [] },
  "gpio.read": { class: "read", aliases: ["gpio_read"] },
  "gpio.write": { class: "effect", output: "output", aliases: ["gpio_write"] },
  "sensor.read": { class: "read", aliases: [] },
};

const view: CapabilityView = {
  resolve(name) {
    const found = Object.entries(known).find(([id, { aliases }]) => id === name || aliases.includes(name));
    if (!found) return null;
    const [id, { class: kind, output }] = found;
    return {
      id,
      class: kind,
      positional: id === "f" ? Array.from({ length: 64 }, (_, i) => `p${i}`) : ["input"],
      outputParam: output ?? null,
      normalise: (args) => args,
      checkLiterals: () => null,
    };
  },
};

function verified(document: Json): VerifiedProgram {
  const program = verifyProgram(document, view);
  if (!program.ok) throw new Error(`does not verify: ${JSON.stringify(program.issues)}`);
  return program;
}

interface Driven {
  readonly result: MachineResult;
  readonly elapsedMs: number;
}

/** A virtual clock that only advances when nothing is ready. */
function drive(program: VerifiedProgram, given: Given, limits: Limits, executor: Executor): Driven {
  let now = 0;
  let order = 0;
  const served = new Map<string, number>();
  const due: { at: number; order: number; finish: () => void }[] = [];
  const machine: Machine = createMachine(program, {
    payload: given.payload ?? {},
    trigger: given.trigger ?? { kind: "command" },
    limits,
    inputs: { elapsedMs: () => now },
    executor,
  });
  const answerOf = (capability: string): Given => {
    const answers = given.capabilities?.[capability] ?? [{ result: null }];
    const count = served.get(capability) ?? 0;
    served.set(capability, count + 1);
    return answers[Math.min(count, answers.length - 1)];
  };
  for (;;) {
    const state = machine.runSlice(2000);
    for (const request of machine.takeRequests()) {
      if (request.kind !== "call") {
        const finish = () => machine.complete({ kind: "wake", request: request.id });
        due.push({ at: now + request.ms, order: order++, finish });
        continue;
      }
      const answer = answerOf(request.capability);
      const evidence = answer.evidence ?? [];
      const error = answer.error && { details: {}, ...answer.error };
      const finish = () =>
        machine.complete({
          kind: "call",
          request: request.id,
          answer: error ? { ok: false, error, evidence } : { ok: true, result: answer.result, evidence },
        });
      due.push({ at: now + (answer.latencyMs ?? 0), order: order++, finish });
    }
    if (machine.result) return { result: machine.result, elapsedMs: now };
    if (state !== "waiting") continue;
    const next = due.sort((a, b) => a.at - b.at || a.order - b.order).shift();
    if (!next) throw new Error("the machine waits for nothing");
    now = next.at;
    next.finish();
  }
}

function runCase(given: Given, executor: Executor): unknown {
  const tier = given.tier ?? "medium";
  const limits = effectiveLimits({ tier, document: given.program.limits });
  const { result, elapsedMs } = drive(
    verified(given.program),
    given,
    { ...limits, ...given.limits },
    executor,
  );
  const { status, body, claims, effects } = result.outcome;
  const refused = replyGate(result, { allowCompute: given.allowCompute === true });
  return {
    ...result.metrics,
    ended: result.ended,
    status,
    body,
    claims: claims.map((claim) => claim.id),
    effects,
    error: result.error,
    details: result.error?.details,
    release: refused && { ok: false, status: refused.status, reason: refused.reason },
    calls: result.journal.flatMap((entry) =>
      entry.t === "call" ? [{ capability: entry.capability, args: entry.args, ok: entry.ok }] : [],
    ),
    elapsedMs,
  };
}

function opCase(given: Given, executor: Executor): unknown {
  const document = {
    format: "imu.program/1",
    name: "t",
    version: "1.0.0",
    isa: 1,
    ...(given.constants ? { constants: given.constants } : {}),
    code: [given.instr, { op: "SLEEP_MS", ms: 0 }, { op: "HALT" }],
  };
  const stack: readonly Json[] = given.stack ?? [];
  const program = verifyProgram(document, view, { entryDepth: stack.length });
  if (!program.ok) return { error: { code: "program_invalid", reason: program.issues[0]?.code } };
  const machine = createMachine(program, {
    payload: given.payload ?? {},
    trigger: { kind: "command" },
    limits: { ...effectiveLimits({ tier: given.tier ?? "medium" }), ...given.limits },
    inputs: { elapsedMs: () => 0 },
    entryStack: stack,
    executor,
  });
  const before = machine.memoryBytes;
  // The sleep behind the instruction costs one step and stops the machine inside a slice as long as usual.
  const state = machine.runSlice(2000);
  if (machine.result) return { error: machine.result.error };
  if (state !== "waiting") throw new Error("the instruction does not lead to the next one");
  return { stack: machine.peekStack(), steps: machine.steps - 1, allocBytes: machine.memoryBytes - before };
}

function verifyCase(given: Given): unknown {
  const result = verifyProgram(given.program, view);
  return result.ok
    ? { ok: true, errors: [], warnings: result.warnings }
    : { ok: false, errors: result.issues };
}

function traceCase(given: Given, executor: Executor): unknown {
  const { result } = drive(verified(given.program), given, given.limits, executor);
  const trace = traceOf(result);
  return {
    journal: result.journal,
    outcome: result.outcome,
    programHash: result.programHash,
    inputHash: result.inputHash,
    outputHash: result.outputHash,
    steps: result.metrics.cpuSteps,
    memBytes: result.metrics.memBytes,
    trace: trace.payload,
    traceHash: trace.hash,
    computeClaimId: trace.computeClaimId,
  };
}

function replayCase(given: Given, executor: Executor): unknown {
  const { journal, limits, payload, trigger, recordedOutputHash } = given;
  const inputs = { journal, limits, payload: payload ?? {}, trigger };
  return replayJournal(verified(given.program), inputs, { outputHash: recordedOutputHash }, { executor });
}

function limitsCase({ op: _, ...sources }: Given): unknown {
  return effectiveLimits(sources);
}

function tierCase({ trust }: Given): JsonObject {
  const tier = tierOf(trust);
  return tier === null ? { refused: "trust_below_min" } : { tier };
}

export const modules: readonly OpModule[] = [
  {
    area: "vm",
    ops: { "vm.verify": verifyCase, "vm.limits": limitsCase, "vm.tier": tierCase },
    machineOps: { "vm.run": runCase, "vm.op": opCase, "vm.trace": traceCase, "vm.replay": replayCase },
  },
];
