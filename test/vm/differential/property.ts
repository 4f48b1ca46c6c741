/** The property: the interpreter, two thousand steps at a time, is right; every other way gives the same. */
import { isDeepStrictEqual } from "node:util";
import { replayJournal, type VerifiedProgram } from "../../../firmware/vm/index.ts";
import { execute, executeAndCut, executeJournal, type Snapshot, snapshotOf, type Way } from "./execution.ts";
import { checkSchema } from "./host.ts";
import { brokenLaw } from "./invariants.ts";
import type { Scenario } from "./program.ts";
import { PAYLOADS } from "./values.ts";

export const ORACLE: Way = { executor: "interpreter", slice: 2000 };
const HUGE = Number.MAX_SAFE_INTEGER / 4;

export const WAYS: readonly Way[] = [
  { executor: "interpreter", slice: 1 },
  { executor: "compiled", slice: HUGE },
  { executor: "compiled", slice: 2000 },
  { executor: "compiled", slice: 64 },
  { executor: "compiled", slice: 7 },
  { executor: "compiled", slice: 1 },
  { executor: "tiered", slice: 2000 },
  { executor: "tiered", slice: 13 },
  { executor: "compiled", slice: HUGE, pauseEvery: 2 },
];
/** With other inputs, on code that the first inputs have made. */
const WARM: readonly Way[] = [
  { executor: "compiled", slice: 2000 },
  { executor: "tiered", slice: 2000 },
];
const REPLAYED: readonly Way[] = [
  ORACLE,
  { executor: "compiled", slice: 2000 },
  { executor: "tiered", slice: 7 },
];
const CUT: readonly Way[] = [
  { executor: "interpreter", slice: 1 },
  { executor: "compiled", slice: HUGE },
  { executor: "compiled", slice: 7 },
  { executor: "tiered", slice: 64 },
];

/** Where two values first differ, as a person reads it; null if they are the same. */
export function firstDifference(expected: unknown, got: unknown, path = "$"): string | null {
  if (isDeepStrictEqual(expected, got)) return null;
  const isTree = (v: unknown): v is Readonly<Record<string, unknown>> => typeof v === "object" && v !== null;
  if (isTree(expected) && isTree(got)) {
    for (const key of new Set([...Object.keys(expected), ...Object.keys(got)])) {
      const [a, b] = [expected, got].map((o) => (Object.hasOwn(o, key) ? o[key] : undefined));
      const found = firstDifference(a, b, `${path}.${key}`);
      if (found !== null) return found;
    }
  }
  const text = (v: unknown): string => (Object.is(v, -0) ? "-0" : (JSON.stringify(v) ?? String(v)));
  return `${path}: expected ${text(expected)}, got ${text(got)}`;
}

const named = ({ executor, slice }: Way): string =>
  `${executor} in slices of ${slice === HUGE ? "any size" : slice}`;

/** A host exception is a difference like any other. */
function attempt(way: Way, what: string, work: () => string | null): string | null {
  try {
    const difference = work();
    return difference === null ? null : `${named(way)}${what}: ${difference}`;
  } catch (error) {
    return `${named(way)}${what} threw ${error instanceof Error ? error.stack : String(error)}`;
  }
}

export interface Judgement {
  readonly oracle: Snapshot;
  /** Null if every way agrees. */
  readonly difference: string | null;
}

/** Bytes that capabilities moved are counted outside the program and stand in no journal. */
const replayable = (result: Snapshot): Snapshot => ({
  ...result,
  metrics: { ...result.metrics, ioReadBytes: 0, ioWriteBytes: 0, netOutBytes: 0 },
});

function replays(program: VerifiedProgram, scenario: Scenario, run: Snapshot): string | null {
  const oracle = replayable(run);
  for (const way of REPLAYED) {
    const found = attempt(way, " from the journal", () =>
      firstDifference(oracle, replayable(executeJournal(program, scenario, way, oracle.journal))),
    );
    if (found !== null) return found;
  }
  const { outputHash, metrics } = oracle;
  const expected = { outputHash, steps: metrics.cpuSteps, memBytes: metrics.memBytes };
  for (const { executor } of REPLAYED) {
    const replayed = replayJournal(program, oracle, expected, { checkSchema, executor });
    const found = replayed.ok
      ? firstDifference(oracle, replayable(snapshotOf(replayed.result)))
      : JSON.stringify(replayed);
    if (found !== null) return `replayJournal, ${executor}: ${found}`;
  }
  return null;
}

function cuts(program: VerifiedProgram, scenario: Scenario, steps: number): string | null {
  const expected = executeAndCut(program, scenario, ORACLE, steps);
  for (const way of CUT) {
    const found = attempt(way, ` cut after ${steps} steps`, () =>
      firstDifference(expected, executeAndCut(program, scenario, way, steps)),
    );
    if (found !== null) return found;
  }
  return null;
}

function warm(program: VerifiedProgram, scenario: Scenario): string | null {
  for (const payload of PAYLOADS.slice(0, 3)) {
    const other = { ...scenario, payload, answers: scenario.answers.map((answer) => answer + 1) };
    const expected = execute(program, other, ORACLE);
    for (const way of WARM) {
      const found = attempt(way, ` with payload ${JSON.stringify(payload)}`, () =>
        firstDifference(expected, execute(program, other, way)),
      );
      if (found !== null) return found;
    }
  }
  return null;
}

/** Runs the scenario in every way. `cutAt` chooses where it is cut, as a share of its steps. */
export function judge(program: VerifiedProgram, scenario: Scenario, cutAt: number): Judgement {
  const oracle = execute(program, scenario, ORACLE);
  const broken = brokenLaw(oracle);
  if (broken !== null) return { oracle, difference: `interpreter: ${broken}` };
  for (const way of WAYS) {
    const difference = attempt(way, "", () => firstDifference(oracle, execute(program, scenario, way)));
    if (difference !== null) return { oracle, difference };
  }
  const steps = Math.floor(oracle.metrics.cpuSteps * cutAt);
  return {
    oracle,
    difference:
      replays(program, scenario, oracle) ?? cuts(program, scenario, steps) ?? warm(program, scenario),
  };
}
