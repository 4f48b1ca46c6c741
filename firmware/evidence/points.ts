/** Integer points of a claim (evidence.md 6). */
import { roundHalfEven } from "../core/round.ts";
import type { Check } from "./check.ts";
import { failed } from "./check.ts";

export interface PointWitness {
  readonly origin: string;
  /** 0..5, of the source's rule. */
  readonly points: number;
  /** Reputation factor; above 1 it has no effect. */
  readonly reputation?: number;
}

export interface PointRule {
  readonly minDistinctSources: number;
  readonly minTotalTrust: number;
  readonly minPointsPerClaim: number;
  readonly maxPointsPerSource: number;
}

/** Refusals: `not_enough_sources` {need, have, origins}, `low_total_trust` {need, got}. */
export function countPoints(
  witnesses: readonly PointWitness[],
  rule: PointRule,
): Check<{ readonly total: number; readonly distinct: number }> {
  const perOrigin = new Map<string, number>();
  for (const { origin, points, reputation } of witnesses) {
    const gained = roundHalfEven(points * Math.min(1, reputation ?? 1));
    perOrigin.set(origin, Math.min(rule.maxPointsPerSource, (perOrigin.get(origin) ?? 0) + gained));
  }
  const counted = [...perOrigin].filter(([, points]) => points > 0 && points >= rule.minPointsPerClaim);
  const total = counted.reduce((sum, [, points]) => sum + points, 0);
  if (counted.length < rule.minDistinctSources) {
    const origins = counted.map(([origin]) => origin).sort();
    return failed("not_enough_sources", { need: rule.minDistinctSources, have: counted.length, origins });
  }
  if (total < rule.minTotalTrust) return failed("low_total_trust", { need: rule.minTotalTrust, got: total });
  return { ok: true, total, distinct: counted.length };
}
