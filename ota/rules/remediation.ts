/** The one remedy over numbers that a signed policy may allow: a higher limit for the p95 increase (rollout.md 16). */

const CLASSES: readonly string[] = ["conservative", "risky", "forbidden"];
const SLACK = 1e-9;

export interface RemedyPolicy {
  readonly enabled: boolean;
  readonly maxClass: string;
  readonly maxAttempts: number;
  /** 0: not allowed. */
  readonly p95CeilingMs: number;
}

export interface RemedyResult {
  readonly ok: boolean;
  readonly attempt: number;
  readonly limitMs: number;
  readonly applied: readonly "raise_p95_allowance"[];
}

const rank = (name: string): number => CLASSES.indexOf(name);

/** Limits are always computed from the signed value, so that repeating cannot raise them further. */
export function remedyP95(signedLimitMs: number, p95DeltaMs: number, policy: RemedyPolicy): RemedyResult {
  const holds = (limitMs: number): boolean => p95DeltaMs <= limitMs + SLACK;
  if (holds(signedLimitMs)) return { ok: true, attempt: 1, limitMs: signedLimitMs, applied: [] };
  const mayRemedy =
    policy.enabled &&
    rank(policy.maxClass) >= rank("conservative") &&
    policy.maxClass !== "forbidden" &&
    policy.maxAttempts > 1 &&
    policy.p95CeilingMs > 0;
  if (!mayRemedy) return { ok: false, attempt: 1, limitMs: signedLimitMs, applied: [] };
  const limitMs = signedLimitMs + Math.min(p95DeltaMs, policy.p95CeilingMs);
  return { ok: holds(limitMs), attempt: 2, limitMs, applied: ["raise_p95_allowance"] };
}
