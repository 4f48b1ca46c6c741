import { roundHalfEven } from "../../core/round.ts";

export interface BackoffOptions {
  /** ms before the second attempt. */
  readonly baseMs: number;
  readonly capMs: number;
}

export const JOB_BACKOFF: BackoffOptions = { baseMs: 1000, capMs: 60_000 };
/** Retries of idempotent reads by the daemon, at most 3 attempts. */
export const DRIVER_BACKOFF: BackoffOptions = { baseMs: 50, capMs: 800 };

/**
 * ms to wait after the given attempt (1, 2, …): doubling up to the cap, then ±20 % by `random` in [0, 1), rounded
 * half to even; 0.5 is no jitter (capabilities.md 12).
 */
export function backoff(attempt: number, { baseMs, capMs }: BackoffOptions, random = 0.5): number {
  const plain = Math.min(capMs, baseMs * 2 ** Math.max(0, attempt - 1));
  return roundHalfEven(plain * (0.8 + 0.4 * random));
}
