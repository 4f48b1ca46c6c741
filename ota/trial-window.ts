/** What the runs since activation, or before it, say (rollout.md 10, 14). */
import { TRIAL_LIMITS } from "../firmware/core/limits.ts";
import {
  compareWindows,
  evaluateSla,
  type KpiSample,
  type KpiStats,
  kpiStats,
  type RegressionSide,
  viewOf,
} from "../firmware/phi/index.ts";
import type { RecordedRun, RunHistory } from "./ports.ts";
import { headroomOf } from "./rules/headroom.ts";
import type { Evaluation } from "./rules/hold.ts";
import type { OtaSettings } from "./settings.ts";

const WEEK_MS = 604_800_000;

export const sampleOf = (run: RecordedRun): KpiSample => ({
  at: run.startedAt,
  outcome:
    run.state === "refused" ? "refused" : run.state === "failed" || run.state === "cut" ? "error" : "ok",
  latencyMs: run.wallMs,
});

/** Runs of one policy since a wall time, as samples. */
export async function samplesSince(
  history: RunHistory,
  policyHash: string,
  since: number,
  max: number = TRIAL_LIMITS.windowRuns,
): Promise<readonly KpiSample[]> {
  const samples: KpiSample[] = [];
  for await (const run of history.latest(max)) {
    if (run.policyHash === policyHash && run.startedAt >= since) samples.push(sampleOf(run));
  }
  return samples;
}

const statsFor = (
  samples: readonly KpiSample[],
  now: number,
  since: number,
  bucket: "baseline" | "canary",
): KpiStats =>
  kpiStats(
    samples,
    { now, windowMs: Math.max(1000, now - since), startedAt: since },
    { name: "release", bucket },
  );

/** The window that is frozen before activation; null without a run. */
export async function baselineOf(
  history: RunHistory,
  policyHash: string,
  now: number,
  maxRuns: number,
): Promise<KpiStats | null> {
  const samples = await samplesSince(history, policyHash, now - WEEK_MS, maxRuns);
  return samples.length === 0 ? null : statsFor(samples, now, now - WEEK_MS, "baseline");
}

export const trialStats = (samples: readonly KpiSample[], now: number, since: number): KpiStats =>
  statsFor(samples, now, since, "canary");

export const sideOfStats = (stats: KpiStats): RegressionSide => ({
  count: stats.count,
  p95: stats.latency?.p95 ?? null,
  errorRate: stats.errorRate,
  schemaErrorRate: stats.schemaErrorRate,
});

/** One evaluation of the hold. A window too small to be judged is no data. */
export function evaluateWindow(given: {
  readonly stats: KpiStats;
  readonly baseline: KpiStats | null;
  readonly settings: OtaSettings;
  readonly heldMs: number;
  readonly hard: string | null;
}): Evaluation {
  const { stats, baseline, settings, heldMs, hard } = given;
  const { sla } = settings;
  const view = viewOf(stats);
  const verdict = evaluateSla(view, sla);
  const noData = verdict.failed.includes("insufficient_data") || view.p95 === null;
  const { nearMiss } = headroomOf(
    { p95Ms: sla.p95Ms, p99Ms: null, maxErrorRate: sla.maxErrorRate, minRps: sla.minRps },
    { p95Ms: view.p95, errorRate: view.errorRate, rps: view.rps },
    sla.nearMissFactor,
  );
  const notWorse =
    baseline !== null && compareWindows(viewOf(baseline), view, { minSamples: sla.minSamples }).notWorse;
  return { heldMs, samples: stats.count, hard, noData, breach: !noData && !verdict.ok, nearMiss, notWorse };
}
