/** How often a key has commanded, and how often strangers may be answered. */
import { COMMAND_LIMITS } from "../core/limits.ts";
import { TokenBucket } from "../core/token-bucket.ts";
import type { Clock } from "../ports/clock.ts";

const MINUTE_MS = 60_000;
/** More is refused anyway, so no more times are kept. */
const MAX_COUNT = 61;

export class KeyRates {
  readonly #clock: Clock;
  readonly #times = new Map<string, number[]>();
  readonly #strangers: TokenBucket;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#strangers = new TokenBucket({ rps: 1, burst: 5 }, clock.monoMs());
  }

  /** Counts one command of a key; returns how many it sent within the last minute, this one included. */
  count(keyId: string): number {
    const now = this.#clock.monoMs();
    const recent = (this.#times.get(keyId) ?? []).filter((at) => now - at < MINUTE_MS);
    recent.push(now);
    const overdue = recent.length > MAX_COUNT ? recent.slice(-MAX_COUNT) : recent;
    this.#times.delete(keyId);
    if (this.#times.size >= COMMAND_LIMITS.countedKeys) {
      const [oldest] = this.#times.keys();
      if (oldest !== undefined) this.#times.delete(oldest);
    }
    this.#times.set(keyId, overdue);
    return overdue.length;
  }

  /** Bounds the traffic that unverified messages can make the device send. */
  mayAnswerStranger(): boolean {
    return this.#strangers.take(1, this.#clock.monoMs()).ok;
  }
}
