/** Runs one scenario in one way: an executor, a slice, and perhaps a cut or a journal instead of the host. */
import {
  createMachine,
  type Executor,
  type JournalEntry,
  type MachineInputs,
  type MachineResult,
  type MachineView,
  type VerifiedProgram,
} from "../../../firmware/vm/index.ts";
import { checkSchema, ScriptedHost } from "./host.ts";
import { JournalPlayer } from "./journal-player.ts";
import type { Scenario } from "./program.ts";

export interface Way {
  readonly executor: Executor;
  readonly slice: number;
  /** Asked inside slices; every so many times the slice ends early. */
  readonly pauseEvery?: number;
}

/** Everything a run came to, as plain data, with its hashes made. */
export type Snapshot = Omit<MachineResult, "withWall">;

export function snapshotOf(result: MachineResult): Snapshot {
  const { ended, status, outcome, journal, limits, payload, trigger } = result;
  const { metrics, error, programHash, inputHash, outputHash } = result;
  return {
    ...{ ended, status, outcome, journal, limits, payload, trigger },
    ...{ metrics, error, programHash, inputHash, outputHash },
  };
}

export interface CutRun {
  /** The task that runs, directly before the cut. */
  readonly view: MachineView | null;
  readonly result: Snapshot;
}

/** No program of a scenario makes as many slices; more is a machine that does not move on. */
const MOST_SLICES = 100_000;

function machineFor(
  program: VerifiedProgram,
  { payload, trigger, limits }: Scenario,
  way: Way,
  inputs: MachineInputs,
) {
  return createMachine(program, { payload, trigger, limits, inputs, checkSchema, executor: way.executor });
}

export function execute(program: VerifiedProgram, scenario: Scenario, way: Way): Snapshot {
  const host = new ScriptedHost(scenario.answers);
  const machine = machineFor(program, scenario, way, host);
  host.attach(machine);
  const { pauseEvery } = way;
  let asked = 0;
  const pause = pauseEvery === undefined ? undefined : () => ++asked % pauseEvery === 0;
  for (let slices = 0; slices < MOST_SLICES; slices++) {
    const state = machine.runSlice(way.slice, pause);
    if (machine.result !== null) return snapshotOf(machine.result);
    if (state === "waiting") host.advance();
  }
  throw new Error("The machine does not end.");
}

/** Stops after `steps`; null if the program has ended before. */
export function executeAndCut(
  program: VerifiedProgram,
  scenario: Scenario,
  way: Way,
  steps: number,
): CutRun | null {
  const host = new ScriptedHost(scenario.answers);
  const machine = machineFor(program, scenario, way, host);
  host.attach(machine);
  while (machine.result === null && machine.steps < steps) {
    const state = machine.runSlice(Math.min(way.slice, steps - machine.steps));
    if (state === "waiting" && machine.steps < steps) host.advance();
  }
  if (machine.result !== null) return null;
  return { view: machine.inspect(), result: snapshotOf(machine.cut("shutdown")) };
}

export function executeJournal(
  program: VerifiedProgram,
  scenario: Scenario,
  way: Way,
  journal: readonly JournalEntry[],
): Snapshot {
  const machine = machineFor(program, scenario, way, new JournalPlayer(journal));
  for (let slices = 0; slices < MOST_SLICES; slices++) {
    const state = machine.runSlice(way.slice);
    if (machine.result !== null) return snapshotOf(machine.result);
    if (state === "waiting") throw new Error("The journal leaves the machine waiting.");
  }
  throw new Error("The machine does not end.");
}
