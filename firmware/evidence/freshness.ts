/** How long evidence is worth something (evidence.md 5). All durations in ms. */
import { EVIDENCE_LIMITS } from "../core/limits.ts";
import type { FreshnessProfile } from "./kinds.ts";

/** `evidence.maxSkewMs`: how far ahead of this clock a record may be and still count as new. */
export const MAX_SKEW_MS = EVIDENCE_LIMITS.skewMs;
/** TTL of a record that asked for none. */
export const DEFAULT_TTL_MS = EVIDENCE_LIMITS.ttlMs;

/** The moment of use. */
export interface Instant {
  readonly wallMs: number;
  readonly monoMs: number;
  readonly bootId: string;
}

/** ms since the record; inside one boot by the monotonic clock, so that a wall-clock jump changes nothing. */
export function rawAge(
  record: { readonly ts: number; readonly monoMs: number; readonly bootId: string },
  now: Instant,
): number {
  return record.bootId === now.bootId ? now.monoMs - record.monoMs : now.wallMs - record.ts;
}

/** Strictly further ahead than the allowed skew. NaN counts as future: fail closed. */
export const isFuture = (rawAgeMs: number, maxSkewMs: number = MAX_SKEW_MS): boolean =>
  !(rawAgeMs >= -maxSkewMs);

/** ttlMs at recording: what was asked for, cut by the kind's profile and the source's rule. */
export const clampTtl = (
  requestedMs: number | undefined,
  profile: FreshnessProfile,
  ruleMaxTtlMs = Number.POSITIVE_INFINITY,
): number => Math.min(requestedMs ?? DEFAULT_TTL_MS, profile.maxTtlMs, ruleMaxTtlMs);

/** Inclusive: stale only strictly past the smallest limit. Profile and level are re-applied at every use. */
export function isFresh(
  ageMs: number,
  limits: {
    readonly ttlMs: number;
    readonly profile: FreshnessProfile;
    readonly levelMaxAgeMs?: number | null;
    readonly requirementMaxAgeMs?: number | null;
  },
): boolean {
  const none = Number.POSITIVE_INFINITY;
  return (
    Math.max(0, ageMs) <=
    Math.min(
      limits.ttlMs,
      limits.profile.maxTtlMs,
      limits.levelMaxAgeMs ?? none,
      limits.requirementMaxAgeMs ?? none,
    )
  );
}
