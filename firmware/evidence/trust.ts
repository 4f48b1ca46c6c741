/**
 * The arithmetic of trust (evidence.md 6). Trust is a number 0..1; a value that is not finite counts as 0.
 */

/** Threshold test with the one tolerance of evidence.md. */
export const meetsTrust = (trust: number, minimum: number): boolean => trust + 1e-9 >= minimum;

export const clamp01 = (x: number): number => (x > 0 ? Math.min(1, x) : 0);

/** Never above the source, never from the claim. */
export const baseTrust = (declared: number | undefined, sourceTrust: number): number =>
  Math.min(declared ?? sourceTrust, sourceTrust);

const DAY_MS = 86_400_000;

/** Trust at the moment of use: base, lowered by reputation, less decay of at most 0.99. */
export function trustNow(input: {
  readonly base: number;
  readonly ageMs: number;
  readonly profileDecayPerDay: number;
  readonly levelDecayPerDay?: number;
  readonly reputation?: number;
}): number {
  const perDay = Math.max(input.profileDecayPerDay, input.levelDecayPerDay ?? 0);
  const decay = Math.min(0.99, (Math.max(0, input.ageMs) / DAY_MS) * perDay);
  return clamp01(input.base * Math.min(1, input.reputation ?? 1) - decay);
}

export interface TrustedWitness {
  readonly trust: number;
  readonly origin: string;
}

/** Mean trust plus a small bonus for independent origins, at most 0.1; 0 for no evidence. */
export function aggregateTrust(evidence: readonly TrustedWitness[]): number {
  if (evidence.length === 0) return 0;
  const mean = evidence.reduce((sum, { trust }) => sum + trust, 0) / evidence.length;
  const origins = new Set(evidence.filter(({ trust }) => trust > 0).map(({ origin }) => origin));
  return Math.min(1, mean + Math.min(0.1, 0.03 * Math.max(0, origins.size - 1)));
}

export interface SessionSample {
  readonly sourceTrust: number;
  readonly declared?: number;
  readonly ageMs: number;
  readonly ttlMs: number;
}

/** Weighted trust of what a run has seen; feeds Φ and the run record, decides nothing. */
export function sessionTrust(samples: readonly SessionSample[]): number {
  let weights = 0;
  let sum = 0;
  for (const { sourceTrust, declared, ageMs, ttlMs } of samples) {
    const age = Math.max(0, ageMs);
    if (age > ttlMs) continue;
    const weight = sourceTrust * Math.max(0, 1 - age / Math.max(1, ttlMs));
    weights += weight;
    sum += weight * Math.min(sourceTrust, declared ?? 0.5);
  }
  return weights <= 1e-12 ? 0 : sum / weights;
}

/** Words in hand-written files (evidence.md 4). */
export type TrustWord = "unknown" | "low" | "medium" | "high" | "system";
export const TRUST_WORDS: Readonly<Record<TrustWord, number>> = {
  unknown: 0,
  low: 0.25,
  medium: 0.6,
  high: 0.85,
  system: 1,
};
export const MINIMUM_WORDS: Readonly<Record<Exclude<TrustWord, "unknown">, number>> = {
  low: 0.1,
  medium: 0.5,
  high: 0.8,
  system: 1,
};
