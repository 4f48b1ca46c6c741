/** Whether the path to the broker and back and the programs' dry runs are good enough (rollout.md 9). */
import type { JsonObject } from "../../firmware/core/json.ts";
import { PROBE_LIMITS } from "../../firmware/core/limits.ts";

export interface Echo {
  readonly seq: number;
  readonly nonce: string;
  /** Monotonic ms of its return. */
  readonly atMs: number;
}

export interface ProbeLimits {
  readonly count: number;
  readonly windowMs: number;
  readonly maxErrorRate: number;
  readonly maxP95Ms: number;
}

export const DEFAULT_PROBE: ProbeLimits = {
  count: PROBE_LIMITS.count,
  windowMs: PROBE_LIMITS.windowMs,
  maxErrorRate: PROBE_LIMITS.errorRate,
  maxP95Ms: PROBE_LIMITS.p95Ms,
};

export interface ProbeViolation {
  readonly code: "echo_missing" | "error_rate" | "p95";
  readonly details: JsonObject;
}

/**
 * The window is inclusive, the limits of the dry runs are strict. Duplicates and other nonces do not count.
 * @param errorRate and p95Ms of the dry runs, null if there were none to make.
 */
export function judgeProbe(
  given: {
    readonly nonce: string;
    readonly sentAtMs: number;
    readonly received: readonly Echo[];
    readonly errorRate: number | null;
    readonly p95Ms: number | null;
  },
  limits: ProbeLimits = DEFAULT_PROBE,
): readonly ProbeViolation[] {
  const { count, windowMs, maxErrorRate, maxP95Ms } = limits;
  const returned = new Set(
    given.received
      .filter(({ nonce, atMs }) => nonce === given.nonce && atMs - given.sentAtMs <= windowMs)
      .map(({ seq }) => seq)
      .filter((seq) => Number.isInteger(seq) && seq >= 0 && seq < count),
  );
  const found: ProbeViolation[] = [];
  if (returned.size < count) {
    found.push({ code: "echo_missing", details: { have: returned.size, need: count } });
  }
  const { errorRate, p95Ms } = given;
  if (errorRate !== null && !(errorRate < maxErrorRate)) {
    found.push({ code: "error_rate", details: { value: errorRate, limit: maxErrorRate } });
  }
  if (p95Ms !== null && !(p95Ms < maxP95Ms)) {
    found.push({ code: "p95", details: { value: p95Ms, limit: maxP95Ms } });
  }
  return found;
}
