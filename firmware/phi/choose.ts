/** Choosing among candidates: gates, Pareto front, smallest Φ, ceiling (phi.md 7). */
import { type Refusal, refusal } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import { multiScore, type WindowMetrics } from "./score.ts";
import type { Norms, Weights } from "./weights.ts";

const SLACK = 1e-12;
const TIE = 1e-9;
const DEFAULT_CEILING = 0.5;

export interface Candidate {
  readonly id: string;
  readonly metrics: WindowMetrics;
  /** Codes of the gates it failed; absent or empty if none. */
  readonly failedGates?: readonly string[];
}

export interface PhiContext {
  readonly weights: Weights;
  readonly norms: Norms;
  /** Default 0.5; equality passes. */
  readonly ceiling?: number;
}

export interface Rejected {
  readonly id: string;
  readonly reasons: readonly string[];
}

export type Choice =
  | {
      readonly ok: true;
      readonly chosen: string;
      readonly phi: number;
      readonly front: readonly string[];
      readonly rejected: readonly Rejected[];
    }
  | (Refusal & { readonly phi?: number });

function dominates(a: readonly number[], b: readonly number[]): boolean {
  let smaller = false;
  for (const [i, value] of b.entries()) {
    const own = a[i] ?? Number.POSITIVE_INFINITY;
    if (own > value + SLACK) return false;
    if (own < value - SLACK) smaller = true;
  }
  return smaller;
}

/** Indices of the vectors that no other dominates (minimising), in input order; duplicates stay. */
export function front(vectors: readonly (readonly number[])[]): number[] {
  const finite = vectors.map((vector) => vector.every(Number.isFinite));
  return vectors.flatMap((vector, i) => {
    const beaten = vectors.some((other, j) => j !== i && finite[j] && dominates(other, vector));
    return finite[i] && !beaten ? [i] : [];
  });
}

/** The order of phi.md 7. What is missing here has weight 0; it counts as the worst finite value. */
function vectorOf({ metrics }: Candidate): number[] {
  const trust = metrics.sessionTrust;
  const distrust = typeof trust === "number" && trust >= 0 && trust <= 1 ? 1 - trust : null;
  return [
    metrics.p95Ms,
    metrics.costUnits,
    metrics.errorRate,
    distrust,
    metrics.energyUnits,
    metrics.memKb,
  ].map((value) =>
    typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : Number.MAX_VALUE,
  );
}

/**
 * Chooses the best of the incumbent and its candidates. Refused with `no_candidates {failures}` or
 * `phi_ceiling_exceeded` (412); a tie within 1e-9 goes to the incumbent, then to the order given.
 */
export function choose(
  incumbent: Candidate | null,
  candidates: readonly Candidate[],
  context: PhiContext,
): Choice {
  const rejected: Rejected[] = [];
  const sound: { readonly candidate: Candidate; readonly phi: number }[] = [];
  for (const candidate of incumbent ? [incumbent, ...candidates] : candidates) {
    const gates = candidate.failedGates ?? [];
    const { phi, missing } = multiScore(candidate.metrics, context.weights, context.norms);
    const reasons = gates.length > 0 ? gates : missing.map((metric) => `phi_metric_missing:${metric}`);
    if (reasons.length > 0) rejected.push({ id: candidate.id, reasons });
    else sound.push({ candidate, phi });
  }
  const members = front(sound.map(({ candidate }) => vectorOf(candidate))).flatMap((i) => sound[i] ?? []);
  let best = members[0];
  if (!best) {
    const failures: Json = rejected.map(({ id, reasons }) => ({ id, reasons }));
    return refusal("no_candidates", 412, { failures });
  }
  for (const member of members) if (member.phi + TIE < best.phi) best = member;
  const ceiling = context.ceiling ?? DEFAULT_CEILING;
  if (best.phi > ceiling) {
    return { ...refusal("phi_ceiling_exceeded", 412, { phi: best.phi, ceiling }), phi: best.phi };
  }
  const ids = members.map(({ candidate }) => candidate.id);
  return { ok: true, chosen: best.candidate.id, phi: best.phi, front: ids, rejected };
}
