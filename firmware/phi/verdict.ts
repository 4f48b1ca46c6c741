/** Comparing two sides: A/B verification, objective and tail rule (phi.md 4, 10). */
import { type Refusal, refusal } from "../core/errors.ts";
import { suiteScore } from "./score.ts";

const MIN_SAMPLES = 20;
const SLACK = 1e-9;

/** What A/B verification reads of a side's window. */
export interface AbSide {
  readonly count: number;
  readonly errorRate: number | null;
  readonly p95Ms: number | null;
}

/** Thresholds of the active policy, `/rollout/ab`. */
export interface AbThresholds {
  readonly maxErrorRate?: number;
  readonly maxP95Ms?: number;
  readonly maxRegressionP95Ms?: number;
  readonly minSamples?: number;
}

export type AbVerdict = { readonly ok: true } | (Refusal & { readonly deltaMs?: number });

const side = ({ count, errorRate, p95Ms }: AbSide) => ({ count, errorRate, p95Ms });

/** `threshold_missing`, `insufficient_data`, `error_rate_exceeded`, `p95_latency_exceeded`, `p95_regression` or ok. */
export function abVerify(baseline: AbSide, candidate: AbSide, thresholds: AbThresholds): AbVerdict {
  const { maxErrorRate, maxP95Ms, maxRegressionP95Ms, minSamples = MIN_SAMPLES } = thresholds;
  if (maxErrorRate === undefined || maxP95Ms === undefined || maxRegressionP95Ms === undefined) {
    return refusal("threshold_missing", 412, { ...thresholds });
  }
  const details = { baseline: side(baseline), candidate: side(candidate), thresholds: { ...thresholds } };
  const fewest = Math.min(baseline.count, candidate.count);
  const { errorRate, p95Ms } = candidate;
  if (!(fewest >= minSamples) || baseline.p95Ms === null || p95Ms === null || errorRate === null) {
    return refusal("insufficient_data", 412, details);
  }
  if (errorRate > maxErrorRate + SLACK) return refusal("error_rate_exceeded", 412, details);
  if (p95Ms > maxP95Ms + SLACK) return refusal("p95_latency_exceeded", 412, details);
  const deltaMs = p95Ms - baseline.p95Ms;
  if (deltaMs > maxRegressionP95Ms + SLACK) {
    return { ...refusal("p95_regression", 412, { ...details, deltaMs }), deltaMs };
  }
  return { ok: true };
}

export type Objective = "no_regression" | "improve";

/** True iff ΔΦ reaches the objective: at most +ε, or at most −ε. */
export const meetsObjective = (deltaPhi: number, objective: Objective, epsilon = 0.001): boolean =>
  deltaPhi <= (objective === "improve" ? -epsilon : epsilon) + SLACK;

export type SuiteVerdict =
  | { readonly ok: true; readonly deltaPhi: number; readonly tailDelta: number }
  | Refusal;

/**
 * Judges a candidate on the same runs as the active policy: `insufficient_data` for different or no runs,
 * `phi_metric_missing`, `phi_regression` against the objective, `phi_tail_regression` of the tail rule.
 */
export function suitePass(
  active: readonly (number | null)[],
  candidate: readonly (number | null)[],
  objective: Objective,
  epsilon = 0.001,
): SuiteVerdict {
  if (active.length !== candidate.length || active.length === 0) {
    return refusal("insufficient_data", 412, { active: active.length, candidate: candidate.length });
  }
  const before = suiteScore(active);
  const after = suiteScore(candidate);
  if (before.phi === null || after.phi === null) {
    return refusal("phi_metric_missing", 412, { active: before.phi, candidate: after.phi });
  }
  const deltaPhi = after.phi - before.phi;
  const tailDelta = after.tail - before.tail;
  const details = { activePhi: before.phi, candidatePhi: after.phi, deltaPhi, objective, epsilon };
  if (!meetsObjective(deltaPhi, objective, epsilon)) return refusal("phi_regression", 412, details);
  const allowed = Math.max(0.001, 0.01 * before.tail);
  if (tailDelta > allowed + SLACK) {
    const tails = { activeTail: before.tail, candidateTail: after.tail, allowed };
    return refusal("phi_tail_regression", 412, { ...details, ...tails });
  }
  return { ok: true, deltaPhi, tailDelta };
}
