/** How far a window is from its limits, and how fast a rollout may go on (rollout.md 13). */
import type { JsonObject } from "../../firmware/core/json.ts";
import { roundHalfEven } from "../../firmware/core/round.ts";

export interface SlaLimits {
  readonly p95Ms?: number | null;
  readonly p99Ms?: number | null;
  readonly maxErrorRate?: number | null;
  readonly minRps?: number | null;
}

export interface Measured {
  readonly p95Ms?: number | null;
  readonly p99Ms?: number | null;
  readonly errorRate?: number | null;
  readonly rps?: number | null;
}

export interface Breach {
  readonly code: "sla_breach" | "sla_no_data";
  readonly metric: string;
  readonly value: number | null;
  readonly limit: number;
}

export interface Headroom {
  readonly ok: boolean;
  readonly breaches: readonly Breach[];
  /** Smallest ratio of limit to value; null without any limit or data, Infinity if every value is 0. */
  readonly headroom: number | null;
  readonly nearMiss: boolean;
}

const SLACK = 1e-9;
const DEFAULT_NEAR_MISS = 1.1;

/** Limits are inclusive; a limit without data is a breach of its own kind. */
export function headroomOf(sla: SlaLimits, measured: Measured, nearMissFactor = DEFAULT_NEAR_MISS): Headroom {
  const rows = [
    ["p95", sla.p95Ms, measured.p95Ms, "upper"],
    ["p99", sla.p99Ms, measured.p99Ms, "upper"],
    ["errorRate", sla.maxErrorRate, measured.errorRate, "upper"],
    ["rps", sla.minRps, measured.rps, "lower"],
  ] as const;
  const breaches: Breach[] = [];
  let worst: number | null = null;
  for (const [metric, limit, value, kind] of rows) {
    if (limit === undefined || limit === null) continue;
    if (value === undefined || value === null) {
      breaches.push({ code: "sla_no_data", metric, value: null, limit });
      continue;
    }
    const isOver = kind === "upper" ? value > limit + SLACK : value < limit - SLACK;
    if (isOver) breaches.push({ code: "sla_breach", metric, value, limit });
    const ratio =
      kind === "upper" ? (value === 0 ? Number.POSITIVE_INFINITY : limit / value) : ratioOf(value, limit);
    worst = worst === null ? ratio : Math.min(worst, ratio);
  }
  const factor = nearMissFactor > 1 ? nearMissFactor : DEFAULT_NEAR_MISS;
  const nearMiss = breaches.length === 0 && worst !== null && worst < factor;
  return { ok: breaches.length === 0, breaches, headroom: worst, nearMiss };
}

const ratioOf = (value: number, limit: number): number =>
  limit === 0 ? Number.POSITIVE_INFINITY : value / limit;

export interface AutotuneConfig {
  readonly accelThreshold?: number;
  readonly decelThreshold?: number;
  readonly accelFactor?: number;
  readonly decelFactor?: number;
  readonly minStep?: number;
  readonly maxStep?: number;
}

/** The next stage's percent by headroom: whole, 1 to 100. */
export function autotune(percent: number, headroom: number, config: AutotuneConfig = {}): number {
  const { accelThreshold = 1.3, decelThreshold = 1, accelFactor = 2, decelFactor = 0.5 } = config;
  const { minStep = 1, maxStep = 100 } = config;
  let next: number;
  if (headroom >= accelThreshold) {
    const step = Math.min(maxStep, Math.max(minStep, roundHalfEven(percent * (accelFactor - 1))));
    next = Math.max(percent + step, percent + minStep);
  } else if (headroom < decelThreshold) next = Math.max(minStep, roundHalfEven(percent * decelFactor));
  else next = percent + Math.max(minStep, roundHalfEven(0.25 * percent));
  return Math.min(100, Math.max(1, next));
}

export interface TunedStage {
  readonly suggested: number;
  readonly percent: number;
  readonly mode: "adaptive" | "near_miss_conservative" | "planned";
}

/** Keeps the applied percent between the stage just passed and the stage after the next one. */
export function tuneStage(given: {
  readonly plannedPercent: number;
  readonly headroom: number | null;
  readonly nearMiss: boolean;
  readonly passedPercent: number;
  readonly followingPercent?: number | null;
  readonly config?: AutotuneConfig;
}): TunedStage {
  const { plannedPercent, headroom, nearMiss, passedPercent } = given;
  const mode = nearMiss ? "near_miss_conservative" : headroom === null ? "planned" : "adaptive";
  const suggested =
    mode === "near_miss_conservative"
      ? Math.min(100, plannedPercent + 1)
      : headroom === null
        ? plannedPercent
        : autotune(plannedPercent, headroom, given.config);
  const percent = Math.max(passedPercent, Math.min(given.followingPercent ?? 100, suggested));
  return { suggested, percent, mode };
}

export interface LiveViolation {
  readonly gate: "runtime_budget" | "link";
  readonly code: string;
  readonly details: JsonObject;
}

const over = (
  key: string,
  value: number | null | undefined,
  limit: number,
  code: "p95" | "counter",
): readonly LiveViolation[] => {
  if (value === undefined || value === null) {
    return [{ gate: "runtime_budget", code: "no_data", details: { key, limit } }];
  }
  return value > limit ? [{ gate: "runtime_budget", code, details: { key, value, limit } }] : [];
};

/** Budgets per key of the active policy, strict (rollout.md 6.3). A key without data is a violation. */
export function judgeRuntimeBudget(given: {
  readonly p95MaxMs?: Readonly<Record<string, number>>;
  readonly p95Ms?: Readonly<Record<string, number | null>>;
  readonly countersMax?: Readonly<Record<string, number>>;
  readonly counters?: Readonly<Record<string, number | null>>;
}): readonly LiveViolation[] {
  const at = (table: Readonly<Record<string, number | null>> | undefined, key: string): number | null =>
    table && Object.hasOwn(table, key) ? (table[key] ?? null) : null;
  return [
    ...Object.entries(given.p95MaxMs ?? {}).flatMap(([key, limit]) =>
      over(key, at(given.p95Ms, key), limit, "p95"),
    ),
    ...Object.entries(given.countersMax ?? {}).flatMap(([key, limit]) =>
      over(key, at(given.counters, key), limit, "counter"),
    ),
  ];
}

const LINK_RTT_MS = 200;
const LINK_QUEUE_DEPTH = 200;

/** The link to the broker: round trip and waiting messages, inclusive limits (rollout.md 6.3). */
export function judgeLink(link: {
  readonly p95RttMs?: number | null;
  readonly queueDepth?: number | null;
}): readonly LiveViolation[] {
  const rows = [
    ["rtt", link.p95RttMs, LINK_RTT_MS],
    ["queue_depth", link.queueDepth, LINK_QUEUE_DEPTH],
  ] as const;
  return rows.flatMap(([code, value, limit]): readonly LiveViolation[] => {
    if (value === undefined || value === null)
      return [{ gate: "link", code: "no_data", details: { key: code } }];
    return value > limit ? [{ gate: "link", code, details: { value, limit } }] : [];
  });
}
