/** One run as a job that this process or a child of it does: the outcome is the same either way. */

import { executeTwice } from "../../../sim/harness/determinism.ts";
import { type ExecuteOptions, execute, type RunOutcome } from "../../../sim/harness/outcome.ts";
import type { Sim, SimHost } from "../../../sim/harness/sim.ts";
import { type CutPlan, prepareCut } from "../../../sim/harness/sweep.ts";
import { expandRuns } from "../../../sim/scenario/expand-runs.ts";
import { parseScenario } from "../../../sim/scenario/parse-scenario.ts";
import type { Run, Scenario } from "../../../sim/scenario/types.ts";
import { nextTurn } from "../../adapters/event-loop.ts";
import { NodeFiles } from "../../adapters/node-files.ts";
import { fromUtf8 } from "../../core/bytes.ts";
import { CodedError } from "../../core/errors.ts";
import { FILE_LIMITS, SCENARIO_LIMITS } from "../../core/limits.ts";
import { keepDisks } from "./keep.ts";
import { TraceFile } from "./trace-file.ts";

export interface Job {
  readonly file: string;
  readonly seed: string;
  /** Which of the scenario's grid of `vary`. */
  readonly variant: number;
  readonly untilUs: number | null;
  readonly isTwice: boolean;
  readonly traceFile: string | null;
  readonly keepDir: string | null;
  readonly cut: CutPlan | null;
}

const files = new NodeFiles();

/** The host that commands run simulations on. */
export const commandHost: SimHost = {
  turn: nextTurn,
  read: (path) => files.read(path, FILE_LIMITS.exportBytes),
};

/** @throws ScenarioError; CodedError `not_found` (404), `too_large` (422). */
export async function readScenarioFile(path: string): Promise<Scenario> {
  return parseScenario(fromUtf8(await files.read(path, SCENARIO_LIMITS.textBytes)), path);
}

/** @throws CodedError `not_found` (404) for a variant that the scenario does not have. */
export function runOf(scenario: Scenario, { seed, variant }: Pick<Job, "seed" | "variant">): Run {
  const run = expandRuns(scenario, [seed])[variant];
  if (run) return run;
  throw new CodedError("not_found", `${scenario.name} has no variant ${variant}.`, { status: 404 });
}

export interface JobWatch {
  readonly signal?: AbortSignal;
  /** Share of the run that is done, 0..1. */
  readonly onProgress?: (share: number) => void;
}

/** @throws ScenarioError, and what documents of the scenario are refused with. */
export async function doJob(job: Job, watch: JobWatch = {}): Promise<RunOutcome> {
  const run = runOf(await readScenarioFile(job.file), job);
  using trace = job.traceFile === null ? null : TraceFile.create(job.traceFile, run);
  let last: Sim | null = null;
  const options: ExecuteOptions = {
    host: commandHost,
    untilUs: job.untilUs,
    elapsedMs: () => performance.now(),
    prepare: (sim) => {
      last = sim;
      if (job.cut) prepareCut(sim, job.cut);
      if (trace) sim.trace.onRecord((record) => trace.add(record));
    },
    onProgress: (sim, endUs) => watch.onProgress?.(sim.time.nowUs / endUs),
    ...(watch.signal ? { signal: watch.signal } : {}),
  };
  const outcome = await (job.isTwice ? executeTwice(run, options) : execute(run, options));
  trace?.end(outcome);
  if (job.keepDir !== null && last) await keepDisks(last, job.keepDir);
  return outcome;
}
