/** What is at stake when an output is driven (evidence.md 7). */
import type { RiskLevel } from "./types.ts";

export interface RiskRule {
  readonly minTrust: number;
  readonly maxAgeMs: number;
  readonly minSources: number;
  readonly decayPerDay: number;
}

export const RISK_LEVELS: readonly RiskLevel[] = ["low", "medium", "high", "prod"];

export const RISK_RULES: Readonly<Record<RiskLevel, RiskRule>> = Object.freeze({
  low: { minTrust: 0.65, maxAgeMs: 604_800_000, minSources: 1, decayPerDay: 0.1 },
  medium: { minTrust: 0.75, maxAgeMs: 259_200_000, minSources: 2, decayPerDay: 0.15 },
  high: { minTrust: 0.85, maxAgeMs: 86_400_000, minSources: 3, decayPerDay: 0.2 },
  prod: { minTrust: 0.9, maxAgeMs: 21_600_000, minSources: 3, decayPerDay: 0.25 },
});

export interface RiskDecision {
  readonly risk: RiskLevel;
  /** A hint that names no level changes nothing; the caller records it. */
  readonly hintIgnored: boolean;
}

/** max(domain, hint); a domain that policy does not name is `medium`. */
export function decideRisk(domain: RiskLevel | null, hint?: string | null): RiskDecision {
  const base = RISK_LEVELS.indexOf(domain ?? "medium");
  const levels: readonly string[] = RISK_LEVELS;
  const raised = levels.indexOf(hint ?? "");
  return {
    risk: RISK_LEVELS[Math.max(base, raised)] ?? "prod",
    hintIgnored: hint !== undefined && hint !== null && raised < 0,
  };
}
