/** Rate buckets of calls (capabilities.md 7): all that apply are checked before any is charged. */
import { type Refusal, refusal } from "../../core/errors.ts";
import { isJsonObject, type Json, member } from "../../core/json.ts";
import { GATE_LIMITS } from "../../core/limits.ts";
import { type BucketRate, type ScopedTake, TokenBucket, takeAll } from "../../core/token-bucket.ts";
import type { CompiledPolicy } from "../../policy/types.ts";
import { globMatches, literalLength } from "./globs.ts";

const DEFAULT_TOPIC_RATE: BucketRate = { rps: 50, burst: 100 };
const DEFAULT_GLOBAL_RATE: BucketRate = { rps: 200, burst: 100 };

/** A call as the limiter sees it. */
export interface RatedCall {
  readonly subject: string;
  readonly capability: string;
  readonly target: string;
  /** The contract's own rate. */
  readonly rate: BucketRate;
}

export interface ScopedRate {
  readonly scope: "capability" | "target" | "topic" | "global";
  readonly key: string;
  readonly rate: BucketRate;
}

function rateOf(value: Json | undefined): BucketRate | null {
  if (value === undefined || !isJsonObject(value)) return null;
  const rps = member(value, "rps");
  const burst = member(value, "burst");
  return typeof rps === "number" && typeof burst === "number" ? { rps, burst } : null;
}

function section(policy: CompiledPolicy, name: string): Readonly<Record<string, Json>> {
  const rates = policy.compiled.rates;
  const value = rates !== undefined && isJsonObject(rates) ? member(rates, name) : undefined;
  return value !== undefined && isJsonObject(value) ? value : {};
}

/** The rate of the most specific glob: more literal characters first, then document order, as in decisions (policy.md 5). */
function byGlob(table: Readonly<Record<string, Json>>, uri: string): BucketRate | null {
  let best: { readonly literals: number; readonly rate: BucketRate } | null = null;
  for (const [glob, value] of Object.entries(table)) {
    const rate = rateOf(value);
    const literals = literalLength(glob);
    if (rate && (!best || literals > best.literals) && globMatches(glob, uri)) best = { literals, rate };
  }
  return best?.rate ?? null;
}

/** The buckets that apply to a call, in scope order. */
export function applicableRates(policy: CompiledPolicy, call: RatedCall): ScopedRate[] {
  const own = rateOf(member(section(policy, "perCapability"), call.capability)) ?? call.rate;
  const target = byGlob(section(policy, "perTarget"), call.target);
  const topic = byGlob(section(policy, "perTopic"), call.target);
  const rates = policy.compiled.rates;
  const global = rateOf(rates !== undefined && isJsonObject(rates) ? member(rates, "global") : undefined);
  return [
    { scope: "capability", key: `c\n${call.subject}\n${call.capability}`, rate: own },
    ...(target
      ? [{ scope: "target", key: `t\n${call.subject}\n${call.target}`, rate: target } as const]
      : []),
    // Each topic has a bucket of its own: one shared by all topics of a glob would let a program starve the others.
    { scope: "topic", key: `p\n${call.target}`, rate: topic ?? DEFAULT_TOPIC_RATE },
    { scope: "global", key: "g", rate: global ?? DEFAULT_GLOBAL_RATE },
  ];
}

export class RateLimiter {
  readonly #buckets = new Map<string, { readonly bucket: TokenBucket; readonly rate: BucketRate }>();

  /** Takes one token of every bucket or none. Refusals: `rate_limited`, `exceeds_burst` (429) {scope, retryAfterMs}. */
  take(rates: readonly ScopedRate[], nowMs: number, tokens = 1): Refusal | null {
    const takes: ScopedTake[] = rates.map(({ scope, key, rate }) => ({
      scope,
      bucket: this.#bucket(key, rate, nowMs),
      n: tokens,
    }));
    const verdict = takeAll(takes, nowMs);
    if (verdict.ok) return null;
    return refusal(verdict.code, 429, { scope: verdict.scope, retryAfterMs: verdict.retryAfterMs });
  }

  #bucket(key: string, rate: BucketRate, nowMs: number): TokenBucket {
    const known = this.#buckets.get(key);
    const bucket = known?.bucket ?? new TokenBucket(rate, nowMs);
    if (known && (known.rate.rps !== rate.rps || known.rate.burst !== rate.burst)) {
      bucket.reconfigure(rate, nowMs);
    }
    // Deleting and setting keeps the map in order of use.
    this.#buckets.delete(key);
    this.#buckets.set(key, { bucket, rate });
    if (this.#buckets.size > GATE_LIMITS.buckets) this.#evict(key, nowMs);
    return bucket;
  }

  /** Full buckets lose nothing when dropped; only if none is full, the least recently used one goes. */
  #evict(keep: string, nowMs: number): void {
    let victim: string | null = null;
    for (const [key, { bucket }] of this.#buckets) {
      if (key === keep) continue;
      victim ??= key;
      if (bucket.isFull(nowMs)) {
        victim = key;
        break;
      }
    }
    if (victim !== null) this.#buckets.delete(victim);
  }
}
