/** Trust of subjects as an integer 0 to 100 (policy.md 5): a subject's tag scores, a rule's tag is a threshold. */
import type { TrustName } from "./types.ts";

const scores: Readonly<Record<TrustName, number>> = {
  unknown: 0,
  low: 25,
  medium: 60,
  high: 85,
  system: 100,
};
const thresholds: Readonly<Record<TrustName, number>> = {
  unknown: 0,
  low: 10,
  medium: 50,
  high: 80,
  system: 100,
};

/** Score of a subject or item; a number stands for itself. */
export const scoreOf = (trust: TrustName | number): number =>
  typeof trust === "number" ? trust : scores[trust];

/** Threshold of a rule's `minTrust`; a number stands for itself. */
export const thresholdOf = (trust: TrustName | number): number =>
  typeof trust === "number" ? trust : thresholds[trust];
