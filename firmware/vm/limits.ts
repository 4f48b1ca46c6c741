/** Tiers and effective limits (vm.md 8). */
import type { Limits, Tier } from "./types.ts";

/** [low, medium, high, system] per limit, in the order of vm.md 8. */
const rows: Readonly<Record<keyof Limits, readonly [number, number, number, number]>> = {
  cpuSteps: [100_000, 250_000, 500_000, 2_000_000],
  memKb: [8192, 32_768, 65_536, 262_144],
  ioCalls: [128, 512, 2000, 10_000],
  wallMs: [5000, 30_000, 120_000, 3_600_000],
  sleepMs: [100, 1000, 5000, 60_000],
  sleepTotalMs: [1000, 10_000, 60_000, 600_000],
  tasks: [2, 8, 16, 64],
  outputBytes: [16_384, 65_536, 262_144, 1_048_576],
  ioReadBytes: [262_144, 4_194_304, 16_777_216, 52_428_800],
  ioWriteBytes: [65_536, 1_048_576, 16_777_216, 52_428_800],
  netOutBytes: [65_536, 262_144, 4_194_304, 26_214_400],
  claims: [10, 50, 200, 1000],
  callDepth: [16, 32, 64, 128],
  inputBytes: [16_384, 65_536, 262_144, 1_048_576],
  valueBytes: [4096, 65_536, 65_536, 65_536],
};

export const LIMIT_NAMES = Object.keys(rows) as readonly (keyof Limits)[];

/** Limits a document may set to 0. */
const ZERO_ALLOWED: ReadonlySet<keyof Limits> = new Set<keyof Limits>([
  "ioCalls",
  "sleepMs",
  "sleepTotalMs",
  "tasks",
  "claims",
  "outputBytes",
  "ioReadBytes",
  "ioWriteBytes",
  "netOutBytes",
]);

/** Bound by tier and document alone; policy and modulation have no say. */
const TIER_AND_DOCUMENT_ONLY: ReadonlySet<keyof Limits> = new Set<keyof Limits>([
  "sleepTotalMs",
  "callDepth",
  "inputBytes",
  "valueBytes",
]);

function column(index: 0 | 1 | 2 | 3): Limits {
  const limits: Record<string, number> = {};
  for (const name of LIMIT_NAMES) limits[name] = rows[name][index];
  return Object.freeze(limits as Record<keyof Limits, number>);
}

export const TIER_LIMITS: Readonly<Record<Tier, Limits>> = Object.freeze({
  low: column(0),
  medium: column(1),
  high: column(2),
  system: column(3),
});

/** The tier of a policy trust score; null below 25 (`trust_below_min`: the program does not run). */
export function tierOf(score: number): Tier | null {
  if (score >= 100) return "system";
  if (score >= 85) return "high";
  if (score >= 60) return "medium";
  return score >= 25 ? "low" : null;
}

/** Absent or null means no statement. */
export type LimitStatement = { readonly [K in keyof Limits]?: number | null } | null | undefined;

export interface LimitSources {
  readonly tier: Tier;
  readonly policy?: LimitStatement;
  readonly subject?: LimitStatement;
  readonly document?: LimitStatement;
  readonly modulation?: LimitStatement;
}

/** The smallest of all statements per limit: a document or modulation can only lower. */
export function effectiveLimits(sources: LimitSources): Limits {
  const { policy, subject, document, modulation } = sources;
  const effective: Record<string, number> = {};
  for (const name of LIMIT_NAMES) {
    const others = TIER_AND_DOCUMENT_ONLY.has(name) ? [document] : [policy, subject, document, modulation];
    const stated = others.map((source) => source?.[name]).filter((n) => typeof n === "number");
    effective[name] = Math.min(TIER_LIMITS[sources.tier][name], ...stated);
  }
  return Object.freeze(effective as Record<keyof Limits, number>);
}

/** Names in a document's `limits` that are unknown, or not an integer at or above the smallest allowed one. */
export function invalidLimits(limits: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.keys(limits).filter((name) => {
    if (!Object.hasOwn(rows, name)) return true;
    const value = limits[name];
    const least = ZERO_ALLOWED.has(name as keyof Limits) ? 0 : 1;
    return !Number.isSafeInteger(value) || (value as number) < least;
  });
}
