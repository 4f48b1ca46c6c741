/** Builders for machine tests: what a case does not care about. */
import type { Json, JsonObject } from "../../firmware/core/json.ts";
import {
  type CapabilitySignature,
  type CapabilityView,
  createMachine,
  type Limits,
  type MachineResult,
  TIER_LIMITS,
  type VerifiedProgram,
  verifyProgram,
} from "../../firmware/vm/index.ts";

const signature = (id: string, kind: CapabilitySignature["class"]): CapabilitySignature => ({
  id,
  class: kind,
  positional: ["a", "b"],
  outputParam: kind === "effect" ? "output" : null,
  normalise: (args) => args,
  checkLiterals: () => null,
});

export const view: CapabilityView = {
  resolve: (name) => {
    if (name === "f") return signature("f", "local");
    return name === "gpio.write" || name === "gpio_write" ? signature("gpio.write", "effect") : null;
  },
};

export const aDocument = (code: readonly unknown[], more: JsonObject = {}): Json =>
  ({
    format: "imu.program/1",
    name: "t",
    version: "1.0.0",
    isa: 1,
    capabilities: ["f"],
    ...more,
    code,
  }) as Json;

export function aProgram(code: readonly unknown[], more: JsonObject = {}): VerifiedProgram {
  const program = verifyProgram(aDocument(code, more), view);
  if (!program.ok) throw new Error(JSON.stringify(program.issues));
  return program;
}

export interface RunOptions {
  readonly payload?: Json;
  readonly limits?: Partial<Limits>;
  readonly slice?: number;
}

/** Runs with virtual time and calls that answer the number of calls before them. */
export function runToEnd(program: VerifiedProgram, options: RunOptions = {}): MachineResult {
  let now = 0;
  let calls = 0;
  const due: { at: number; id: number }[] = [];
  const machine = createMachine(program, {
    payload: options.payload ?? {},
    trigger: { kind: "command" },
    limits: { ...TIER_LIMITS.medium, ...options.limits },
    inputs: { elapsedMs: () => now },
  });
  for (;;) {
    const state = machine.runSlice(options.slice ?? 2000);
    if (machine.result) return machine.result;
    if (state !== "waiting") continue;
    for (const request of machine.takeRequests()) {
      if (request.kind !== "call") due.push({ at: now + request.ms, id: request.id });
      else {
        const answer = { ok: true as const, result: calls++, evidence: [] };
        machine.complete({ kind: "call", request: request.id, answer });
        due.push({ at: now, id: -1 });
      }
    }
    const next = due.sort((a, b) => a.at - b.at || a.id - b.id).shift();
    if (!next) throw new Error("waits for nothing");
    now = next.at;
    machine.complete({ kind: "wake", request: next.id });
  }
}
