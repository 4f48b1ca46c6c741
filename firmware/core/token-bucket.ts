/**
 * Token buckets in whole micro-tokens, so that no fraction of a token is ever lost or gained by rounding
 * (observability.md 9, policy.md 5.3). Times are monotonic milliseconds.
 */
import { CodedError } from "./errors.ts";
import { TOKEN_LIMITS } from "./limits.ts";

const MICRO = 1_000_000;

export interface BucketRate {
  /** Tokens per second, a multiple of 0.001. */
  readonly rps: number;
  /** Whole tokens, at least 1. */
  readonly burst: number;
}

export type TakeResult =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly code: "rate_limited" | "exceeds_burst";
      /** Null when waiting never helps: the rate is 0 or more than `burst` was asked for. */
      readonly retryAfterMs: number | null;
    };

function checkedRate(rate: BucketRate): { readonly perMs: number; readonly cap: number } {
  const perMs = Math.round(rate.rps * 1000);
  const multiple = Math.abs(perMs - rate.rps * 1000) < 1e-6;
  if (!Number.isFinite(rate.rps) || rate.rps < 0 || rate.rps > TOKEN_LIMITS.rate || !multiple) {
    throw new CodedError("out_of_range", "The rate must be 0 to 100000 tokens/s, a multiple of 0.001.", {
      status: 422,
      details: { rps: String(rate.rps) },
    });
  }
  if (!Number.isSafeInteger(rate.burst) || rate.burst < 1 || rate.burst > TOKEN_LIMITS.burst) {
    throw new CodedError("out_of_range", "The burst must be an integer from 1 to 10^9.", {
      status: 422,
      details: { burst: String(rate.burst) },
    });
  }
  return { perMs, cap: rate.burst * MICRO };
}

/** One bucket. Starts full. @throws CodedError `out_of_range` (422) for a bad rate, burst or count. */
export class TokenBucket {
  /** Micro-tokens per millisecond, which is tokens per second times 1000. */
  #perMs: number;
  #cap: number;
  #level: number;
  #at: number;

  constructor(rate: BucketRate, nowMs: number) {
    const { perMs, cap } = checkedRate(rate);
    this.#perMs = perMs;
    this.#cap = cap;
    this.#level = cap;
    this.#at = Math.floor(nowMs);
  }

  /** What `take(n)` would answer now; takes nothing. */
  check(n: number, nowMs: number): TakeResult {
    if (!Number.isSafeInteger(n) || n < 0) {
      throw new CodedError("out_of_range", "The number of tokens must be an integer, at least 0.", {
        status: 422,
        details: { tokens: String(n) },
      });
    }
    this.#refill(nowMs);
    const need = n * MICRO;
    if (need > this.#cap) return { ok: false, code: "exceeds_burst", retryAfterMs: null };
    if (this.#level >= need) return { ok: true };
    const retryAfterMs = this.#perMs === 0 ? null : Math.ceil((need - this.#level) / this.#perMs);
    return { ok: false, code: "rate_limited", retryAfterMs };
  }

  /** Takes `n` tokens or none. */
  take(n: number, nowMs: number): TakeResult {
    const verdict = this.check(n, nowMs);
    if (verdict.ok) this.#level -= n * MICRO;
    return verdict;
  }

  /** Whole tokens that could be taken now. */
  available(nowMs: number): number {
    this.#refill(nowMs);
    return Math.floor(this.#level / MICRO);
  }

  /** True when the bucket holds its whole burst: dropping it then loses nothing. */
  isFull(nowMs: number): boolean {
    this.#refill(nowMs);
    return this.#level === this.#cap;
  }

  /** Changes rate and burst; the level stays, cut to the new burst. */
  reconfigure(rate: BucketRate, nowMs: number): void {
    const { perMs, cap } = checkedRate(rate);
    this.#refill(nowMs);
    this.#perMs = perMs;
    this.#cap = cap;
    this.#level = Math.min(this.#level, cap);
  }

  #refill(nowMs: number): void {
    const now = Math.floor(nowMs);
    const elapsed = Math.min(TOKEN_LIMITS.elapsedMs, now - this.#at);
    if (elapsed <= 0) return;
    this.#level = Math.min(this.#cap, this.#level + elapsed * this.#perMs);
    this.#at = now;
  }
}

export interface ScopedTake {
  /** For example `capability`, `target`, `topic`, `global`; the order of the list decides which is named. */
  readonly scope: string;
  readonly bucket: TokenBucket;
  readonly n: number;
}

export type TakeAllResult =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly code: "rate_limited" | "exceeds_burst";
      readonly scope: string;
      readonly retryAfterMs: number | null;
    };

/**
 * Takes from every bucket or from none. A refusal names the first bucket that is short and the largest wait of
 * all that are short; a wait that never ends (null) is the largest (capabilities.md 7).
 */
export function takeAll(takes: readonly ScopedTake[], nowMs: number): TakeAllResult {
  const short = takes.flatMap(({ scope, bucket, n }) => {
    const verdict = bucket.check(n, nowMs);
    return verdict.ok ? [] : [{ ...verdict, scope }];
  });
  const first = short[0];
  if (first) {
    const waits = short.map((verdict) => verdict.retryAfterMs);
    const retryAfterMs = waits.reduce<number | null>(
      (longest, wait) => (longest === null || wait === null ? null : Math.max(longest, wait)),
      0,
    );
    return { ok: false, code: first.code, scope: first.scope, retryAfterMs };
  }
  for (const { bucket, n } of takes) bucket.take(n, nowMs);
  return { ok: true };
}
