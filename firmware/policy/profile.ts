/** How a profile moves the thresholds that the author wrote or left out (policy.md 3.1). */
import type { Profile } from "./types.ts";

export interface QuarantineThresholds {
  readonly minCalls: number;
  readonly errorRate: number;
  readonly violationRate: number;
}

/** The author's values; what is absent takes the base of the table. */
export interface AuthorThresholds {
  readonly minDistinctSources?: number;
  readonly minTotalTrust?: number;
  readonly minLevel?: number;
  readonly numberTolerance?: number;
  readonly minPointsPerClaim?: number;
  readonly p95Window?: number;
  readonly minLevelByType?: Readonly<Record<string, number>>;
  readonly quarantine?: Partial<QuarantineThresholds>;
  readonly noRule?: "block" | "require_consent";
  readonly lowTrust?: "block" | "require_consent";
  readonly violationLimit?: number;
}

export interface ProfileThresholds {
  readonly minDistinctSources: number;
  readonly minTotalTrust: number;
  readonly minLevel: number;
  readonly requireGroups: boolean;
  readonly numberTolerance: number;
  readonly minPointsPerClaim: number;
  readonly p95Window: number;
  readonly minLevelByType: Readonly<Record<string, number>>;
  readonly quarantine: QuarantineThresholds;
  readonly noRule: "block" | "require_consent";
  readonly lowTrust: "block" | "require_consent";
  readonly violationLimit: number;
}

type ByProfile = Readonly<Record<Profile, number>>;
const ERROR_RATE: ByProfile = { dev: 1, stage: 0.3, prod: 0.2, strict: 0.1 };
const VIOLATION_RATE: ByProfile = { dev: 1, stage: 0.1, prod: 0.05, strict: 0.02 };
const VIOLATION_LIMIT: ByProfile = { dev: 3, stage: 3, prod: 0, strict: 0 };

const pick = (profile: Profile, values: ByProfile): number => values[profile];

function distinctSources(b: number, profile: Profile): number {
  const prod = Math.max(3, b + 1);
  return pick(profile, { dev: Math.max(1, b - 1), stage: Math.max(2, b), prod, strict: Math.max(4, prod) });
}

function totalTrust(b: number, profile: Profile): number {
  const prod = Math.max(5, b + 1);
  return pick(profile, { dev: Math.max(1, b - 1), stage: Math.max(3, b), prod, strict: Math.max(8, prod) });
}

function window(b: number, profile: Profile): number {
  const prod = Math.max(1000, 2 * b);
  return pick(profile, { dev: 200, stage: b, prod, strict: Math.max(2000, prod) });
}

const guardLevel = (b: number, profile: Profile): number =>
  pick(profile, { dev: Math.max(0, b - 1), stage: Math.max(1, b), prod: Math.max(2, b), strict: 3 });

function levelsByType(
  author: Readonly<Record<string, number>>,
  minLevel: number,
  profile: Profile,
): Readonly<Record<string, number>> {
  const latency = Object.hasOwn(author, "latency") ? author.latency : undefined;
  switch (profile) {
    case "dev":
      return author;
    case "stage":
      return { ...author, latency: latency ?? Math.max(2, minLevel) };
    case "prod":
      return { ...author, latency: Math.max(latency ?? 0, 2, minLevel) };
    case "strict":
      return { ...author, latency: 3, kpi: 3 };
  }
}

/** Dev takes the loosest rate whatever the author wrote; the others cap it. */
const capped = (b: number | undefined, profile: Profile, cap: ByProfile): number =>
  profile === "dev" ? cap.dev : Math.min(b ?? cap[profile], cap[profile]);

/** An author's `block` always stands; without a word dev and stage ask, prod and strict block. */
function refusalWord(author: "block" | "require_consent" | undefined, profile: Profile) {
  const strictest = profile === "prod" || profile === "strict";
  return strictest || author === "block" ? "block" : "require_consent";
}

/** The thresholds in force. For any author values, strict ≥ prod ≥ stage ≥ dev in strictness (windows aside). */
export function adjustForProfile(author: AuthorThresholds, profile: Profile): ProfileThresholds {
  const minLevel = guardLevel(author.minLevel ?? 2, profile);
  const tolerance = author.numberTolerance ?? 0.05;
  const minPoints = author.minPointsPerClaim ?? 0;
  const quarantine = author.quarantine ?? {};
  return {
    minDistinctSources: distinctSources(author.minDistinctSources ?? 2, profile),
    minTotalTrust: totalTrust(author.minTotalTrust ?? 4, profile),
    minLevel,
    requireGroups: profile !== "dev",
    numberTolerance: profile === "strict" ? Math.min(tolerance, 0.005) : tolerance,
    minPointsPerClaim: profile === "strict" ? Math.max(minPoints, 1) : minPoints,
    p95Window: window(author.p95Window ?? 500, profile),
    minLevelByType: levelsByType(author.minLevelByType ?? {}, minLevel, profile),
    quarantine: {
      minCalls: profile === "dev" ? 10 : (quarantine.minCalls ?? 20),
      errorRate: capped(quarantine.errorRate, profile, ERROR_RATE),
      violationRate: capped(quarantine.violationRate, profile, VIOLATION_RATE),
    },
    noRule: refusalWord(author.noRule, profile),
    lowTrust: refusalWord(author.lowTrust, profile),
    violationLimit: capped(author.violationLimit, profile, VIOLATION_LIMIT),
  };
}
