/** Judging a window: service level, canary against baseline, objective per channel (observability.md 3). */
import { percentile, sortSamples } from "../../core/percentile.ts";
import type { KpiStats } from "./kpi.ts";

const SLACK = 1e-9;
const MIN_SAMPLES = 20;
/** A p99 of fewer samples is a maximum by another name. */
const MIN_SAMPLES_P99 = 100;

/** The numbers of a window that are judged. */
export interface WindowView {
  readonly count: number;
  readonly p95: number | null;
  readonly p99: number | null;
  readonly errorRate: number | null;
  readonly deniedRate: number | null;
  readonly rps: number | null;
}

export const viewOf = (stats: KpiStats): WindowView => ({
  count: stats.count,
  p95: stats.latency?.p95 ?? null,
  p99: stats.latency?.p99 ?? null,
  errorRate: stats.errorRate,
  deniedRate: stats.deniedRate,
  rps: stats.rps,
});

export interface Sla {
  readonly p95Ms: number;
  readonly p99Ms: number | null;
  readonly maxErrorRate: number;
  readonly maxDeniedRate: number;
  readonly minRps: number | null;
  readonly minSamples: number;
}

export interface SlaCheck {
  readonly ok: boolean;
  readonly actual: number | null;
  readonly limit: number;
}

export interface SlaVerdict {
  readonly ok: boolean;
  readonly failed: readonly string[];
  readonly checks: Readonly<Record<string, SlaCheck>>;
}

const atMost = (actual: number | null, limit: number): SlaCheck => ({
  ok: actual !== null && actual <= limit + SLACK,
  actual,
  limit,
});
const atLeast = (actual: number | null, limit: number): SlaCheck => ({
  ok: actual !== null && actual >= limit - SLACK,
  actual,
  limit,
});

/** Codes in order: insufficient_data, p95, p99, error_rate, denied_rate, rps. Bounds inclusive, null fails. */
export function evaluateSla(stats: WindowView, sla: Sla): SlaVerdict {
  const checks: Record<string, SlaCheck> = { insufficient_data: atLeast(stats.count, sla.minSamples) };
  checks.p95 = atMost(stats.p95, sla.p95Ms);
  if (sla.p99Ms !== null && stats.count >= MIN_SAMPLES_P99) checks.p99 = atMost(stats.p99, sla.p99Ms);
  checks.error_rate = atMost(stats.errorRate, sla.maxErrorRate);
  checks.denied_rate = atMost(stats.deniedRate, sla.maxDeniedRate);
  if (sla.minRps !== null) checks.rps = atLeast(stats.rps, sla.minRps);
  const failed = Object.entries(checks).flatMap(([code, check]) => (check.ok ? [] : [code]));
  return { ok: failed.length === 0, failed, checks };
}

export interface CompareOptions {
  readonly requireImprovement?: boolean;
  readonly minRelImprovement?: number;
  readonly minSamples?: number;
}

export interface Comparison {
  readonly ok: boolean;
  readonly reason: "insufficient_data" | "worse" | "not_improved" | null;
  readonly notWorse: boolean;
  readonly improved: boolean;
}

const notAbove = (a: number | null, b: number | null): boolean => a !== null && b !== null && a <= b + SLACK;

/** Canary against baseline; a gain in speed never pays for more errors. */
export function compareWindows(
  baseline: WindowView,
  canary: WindowView,
  options: CompareOptions = {},
): Comparison {
  const { requireImprovement = false, minRelImprovement = 0.05, minSamples = MIN_SAMPLES } = options;
  if (
    !(Math.min(baseline.count, canary.count) >= minSamples) ||
    baseline.p95 === null ||
    canary.p95 === null
  ) {
    return { ok: false, reason: "insufficient_data", notWorse: false, improved: false };
  }
  const ratesHold =
    notAbove(canary.errorRate, baseline.errorRate) && notAbove(canary.deniedRate, baseline.deniedRate);
  const notWorse = ratesHold && notAbove(canary.p95, baseline.p95);
  const gain = (baseline.p95 - canary.p95) / Math.max(1, baseline.p95);
  const improved = ratesHold && gain >= minRelImprovement - SLACK;
  const ok = requireImprovement ? improved : notWorse;
  const reason = ok ? null : requireImprovement ? "not_improved" : "worse";
  return { ok, reason, notWorse, improved };
}

export type SloState =
  | { readonly state: "warming_up" }
  | { readonly state: "ok"; readonly p95: number }
  | { readonly state: "breach"; readonly p95: number; readonly limit: number };

/** The objective of a channel at run time; silent while the window is too small to say anything. */
export function sloState(latencies: readonly number[], limitMs: number, minSamples = MIN_SAMPLES): SloState {
  const { sorted } = sortSamples(latencies);
  const p95 = percentile(sorted, 0.95);
  if (sorted.length < minSamples || p95 === null) return { state: "warming_up" };
  return p95 > limitMs + SLACK ? { state: "breach", p95, limit: limitMs } : { state: "ok", p95 };
}

/** Limits of the channels when policy names none, ms. */
export function channelLimitMs(channel: string): number {
  const limits: Readonly<Record<string, number>> = { realtime: 120, interactive: 250, batch: 5000 };
  return Object.hasOwn(limits, channel) ? (limits[channel] ?? 200) : 200;
}
