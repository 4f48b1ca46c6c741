/** Rates of the engines at one workload, interleaved round by round, every body compared with the expected one. */
import { isDeepStrictEqual } from "node:util";
import type { Json, JsonObject } from "../../../../firmware/core/json.ts";
import { type Contender, measureInterleaved, type RoundSettings } from "../../../lib/rounds.ts";
import type { Summary } from "../../../lib/statistics.ts";
import type { Progress } from "../../../lib/suite.ts";
import type { LoadedEngine, Runner } from "../engines/engine.ts";
import type { Workload } from "../workloads/workload.ts";

export interface RateReport {
  readonly id: string;
  readonly title: string;
  readonly what: string;
  /** Rates are these per second. */
  readonly unit: string;
  readonly rates: Readonly<Record<string, Summary>>;
}

/** @throws Error naming the contender that computed something else. */
export function checked(id: string, body: Json, expected: JsonObject): void {
  if (!isDeepStrictEqual(body, expected)) {
    throw new Error(`${id} gives ${JSON.stringify(body)}, not ${JSON.stringify(expected)}`);
  }
}

/** Compares the first body in full and every later one by its first member, which costs next to nothing. */
export function checkingContender(
  id: string,
  units: number,
  expected: JsonObject,
  runOnce: () => Json,
): Contender {
  checked(id, runOnce(), expected);
  const [key = "", value] = Object.entries(expected)[0] ?? [];
  return {
    id,
    units,
    run: () => {
      const body = runOnce() as JsonObject;
      if (body[key] !== value) checked(id, body, expected);
    },
  };
}

/** Measures one workload on the engines that are there, every run with a payload object of its own. */
export function measureWorkload(
  workload: Workload,
  engines: readonly LoadedEngine[],
  settings: RoundSettings,
  progress: Progress,
  more: readonly Contender[] = [],
): RateReport {
  progress(`${workload.id}: ${workload.title}`);
  const { id, title, what, unit, units, payload, expected } = workload;
  const runners: Runner[] = [];
  try {
    const contenders = engines.flatMap(({ id: name, engine }) => {
      if (engine === null) return [];
      const runner = engine.prepare(workload);
      runners.push(runner);
      return [checkingContender(name, units, expected, () => runner.run({ ...payload }))];
    });
    const rates = Object.fromEntries(measureInterleaved([...contenders, ...more], settings, progress));
    return { id, title, what, unit: `${unit}/s`, rates };
  } finally {
    for (const runner of runners) runner.dispose();
  }
}
