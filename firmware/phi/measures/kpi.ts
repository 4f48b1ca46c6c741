/** KPI windows: what happened in the last minutes and how fast (observability.md 2). Times are monotonic ms. */
import { PHI_LIMITS } from "../../core/limits.ts";
import { isSample, percentile, sortSamples } from "../../core/percentile.ts";

export type KpiOutcome = "ok" | "refused" | "error";
export type KpiBucket = "default" | "baseline" | "canary" | "shadow";
export const DEFAULT_WINDOW_MS = PHI_LIMITS.windowMs;

export interface KpiSample {
  readonly at: number;
  readonly outcome: KpiOutcome;
  readonly latencyMs: number | null;
  readonly schemaErrors?: number;
}

export interface LatencyStats {
  readonly avg: number;
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** Rates are null without samples, latency without a timed answer; nothing is ever NaN. */
export interface KpiStats {
  readonly name: string;
  readonly bucket: KpiBucket;
  readonly windowMs: number;
  readonly coveredMs: number;
  readonly count: number;
  readonly ok: number;
  readonly refused: number;
  readonly errors: number;
  readonly errorRate: number | null;
  readonly deniedRate: number | null;
  readonly schemaErrorRate: number | null;
  readonly rps: number;
  readonly latencyCount: number;
  readonly latency: LatencyStats | null;
}

export interface KpiKey {
  readonly name: string;
  readonly bucket: KpiBucket;
}

export interface KpiPeriod {
  readonly now: number;
  readonly windowMs: number;
  /** When counting began; a young daemon does not divide by the whole window. */
  readonly startedAt: number;
}

/** How an outcome of a run counts: refused and denied are refusals, everything else but ok is an error. */
export function outcomeOfRun(
  outcome: "ok" | "refused" | "denied" | "failed" | "timeout" | "quota",
): KpiOutcome {
  if (outcome === "ok") return "ok";
  return outcome === "refused" || outcome === "denied" ? "refused" : "error";
}

/** Statistics of unsorted latencies; unusable values are left out; null without any. */
export function latencyStats(latencies: readonly number[]): LatencyStats | null {
  const { sorted } = sortSamples(latencies);
  if (sorted.length === 0) return null;
  const at = (p: number): number => percentile(sorted, p) ?? 0;
  const avg = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
  return { avg, p50: at(0.5), p90: at(0.9), p95: at(0.95), p99: at(0.99), max: at(1) };
}

export interface Counts {
  readonly ok: number;
  readonly refused: number;
  readonly errors: number;
  readonly schemaErrors: number;
}

/** Statistics out of counts and latencies that belong to the window already. */
export function statsOf(
  key: KpiKey,
  period: KpiPeriod,
  counts: Counts,
  latencies: readonly number[],
): KpiStats {
  const { now, windowMs, startedAt } = period;
  const { ok, refused, errors, schemaErrors } = counts;
  const count = ok + refused + errors;
  const coveredMs = Math.max(1000, Math.min(windowMs, now - startedAt));
  const rate = (n: number): number | null => (count === 0 ? null : n / count);
  const timed = latencies.filter(isSample);
  return {
    ...key,
    windowMs,
    coveredMs,
    count,
    ok,
    refused,
    errors,
    errorRate: rate(errors + refused),
    deniedRate: rate(refused),
    schemaErrorRate: rate(schemaErrors),
    rps: count / (coveredMs / 1000),
    latencyCount: timed.length,
    latency: latencyStats(timed),
  };
}

/** Statistics of a list of samples. A fast refusal must not look like speed, so its latency is left out. */
export function kpiStats(
  samples: readonly KpiSample[],
  period: KpiPeriod,
  key: KpiKey = { name: "", bucket: "default" },
): KpiStats {
  const inside = samples.filter(({ at }) => period.now - period.windowMs <= at && at <= period.now);
  const tally = (outcome: KpiOutcome): number => inside.filter((s) => s.outcome === outcome).length;
  const counts = {
    ok: tally("ok"),
    refused: tally("refused"),
    errors: tally("error"),
    schemaErrors: inside.reduce((sum, sample) => sum + (sample.schemaErrors ?? 0), 0),
  };
  const latencies = inside.flatMap((s) =>
    s.outcome === "refused" || s.latencyMs === null ? [] : [s.latencyMs],
  );
  return statsOf(key, period, counts, latencies);
}
