/** Our machine, by executor, in one piece or in the slices of the daemon. */
import type { Json, JsonObject } from "../../../../firmware/core/json.ts";
import {
  type CapabilityView,
  createMachine,
  type Executor,
  type Limits,
  type Machine,
  type MachineResult,
  parseProgram,
  TIER_LIMITS,
  type VerifiedProgram,
  VM_VERSION,
  verifyProgram,
} from "../../../../firmware/vm/index.ts";
import type { Workload } from "../workloads/workload.ts";
import type { Engine } from "./engine.ts";

/** Wide enough that no workload meets a limit; every one is charged and compared all the same. */
export const BENCH_LIMITS: Limits = {
  ...TIER_LIMITS.system,
  cpuSteps: 2_000_000_000,
  memKb: 4_000_000,
  callDepth: 128,
};

/** Steps and milliseconds of one slice in the daemon (vm.md 9). */
const SLICE_STEPS = 2000;
const SLICE_MS = 2;

const NO_CAPABILITIES: CapabilityView = { resolve: () => null };
const inputs = { elapsedMs: () => 0 };
const trigger = { kind: "command" };

/** @throws Error with the issues of a document that does not verify. */
export function verified(document: Json, view: CapabilityView = NO_CAPABILITIES): VerifiedProgram {
  const program = verifyProgram(document, view);
  if (!program.ok) throw new Error(`does not verify: ${JSON.stringify(program.issues.slice(0, 4))}`);
  return program;
}

export const machineOf = (
  program: VerifiedProgram,
  payload: Json,
  executor: Executor,
  limits = BENCH_LIMITS,
): Machine => createMachine(program, { payload, trigger, limits, inputs, executor });

/** @throws Error if the program waits for something. */
export function runWhole(machine: Machine): MachineResult {
  machine.runSlice(Number.MAX_SAFE_INTEGER);
  if (machine.result === null) throw new Error("The program waits.");
  return machine.result;
}

/** As `RunScheduler` does it, without giving the event loop its turn in between. */
export function runSliced(machine: Machine): MachineResult {
  for (;;) {
    const until = performance.now() + SLICE_MS;
    const state = machine.runSlice(SLICE_STEPS, () => performance.now() >= until);
    if (machine.result !== null) return machine.result;
    if (state === "waiting") throw new Error("The program waits.");
  }
}

/** @throws Error if the run did not answer. */
export function bodyOf(result: MachineResult): Json {
  if (result.ended !== "responded" || result.status !== 200) {
    throw new Error(`${result.ended} ${result.status} ${JSON.stringify(result.error)}`);
  }
  return result.outcome.body;
}

export function imuEngine(executor: Executor, drive: (machine: Machine) => MachineResult): Engine {
  return {
    version: VM_VERSION,
    prepare: (workload: Workload) => {
      const program = verified(workload.document);
      return {
        run: (payload: JsonObject) => bodyOf(drive(machineOf(program, payload, executor))),
        dispose: () => undefined,
      };
    },
    loadOnce: ({ document, payload }) => {
      const text = JSON.stringify(document);
      let count = 0;
      // Another name, so another program each time: nothing kept by hash can help.
      const bytes = (): Buffer => Buffer.from(text.replace('"name":"', `"name":"n${count++}.`));
      return () => bodyOf(drive(machineOf(verified(parseProgram(bytes())), payload, executor)));
    },
    compile: null,
    dispose: () => undefined,
  };
}
