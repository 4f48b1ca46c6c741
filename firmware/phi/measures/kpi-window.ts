/** One KPI window in bounded memory: a ring of latencies and sixty slots of counts (observability.md 2). */
import { CodedError } from "../../core/errors.ts";
import { isSample } from "../../core/percentile.ts";
import { DEFAULT_WINDOW_MS, type KpiKey, type KpiSample, type KpiStats, statsOf } from "./kpi.ts";

const SLOTS = 60;

interface Slot {
  index: number;
  ok: number;
  refused: number;
  errors: number;
  schemaErrors: number;
}

export interface KpiWindowOptions extends KpiKey {
  /** Default 600000 ms. */
  readonly windowMs?: number;
  /** Newest latencies kept, `/performance/p95Window`; default 500. */
  readonly samples?: number;
  /** Monotonic ms at which counting begins. */
  readonly startedAt: number;
}

/**
 * Counts stay exact to one slot (a sixtieth of the window, rounded towards including) when the ring has wrapped;
 * the ring drops the oldest latency, never the smallest. Memory is fixed at construction.
 * @throws CodedError `out_of_range` (422) for a window or ring that is not a positive integer.
 */
export class KpiWindow {
  readonly #key: KpiKey;
  readonly #windowMs: number;
  readonly #slotMs: number;
  readonly #startedAt: number;
  readonly #slots: Slot[] = [];
  readonly #at: Float64Array;
  readonly #latency: Float64Array;
  #next = 0;
  #held = 0;
  #bad = 0;

  constructor(options: KpiWindowOptions) {
    const { name, bucket, windowMs = DEFAULT_WINDOW_MS, samples = 500, startedAt } = options;
    if (
      !Number.isSafeInteger(windowMs) ||
      windowMs < SLOTS ||
      !Number.isSafeInteger(samples) ||
      samples < 1
    ) {
      throw new CodedError("out_of_range", "A window needs at least 60 ms and one sample.", {
        status: 422,
        details: { windowMs, samples },
      });
    }
    this.#key = { name, bucket };
    this.#windowMs = windowMs;
    this.#slotMs = windowMs / SLOTS;
    this.#startedAt = startedAt;
    this.#at = new Float64Array(samples);
    this.#latency = new Float64Array(samples);
  }

  /** Latencies refused because they were negative or not finite. */
  get badSamples(): number {
    return this.#bad;
  }

  /** Counts one request. Its latency enters the ring unless it was refused. */
  add({ at, outcome, latencyMs, schemaErrors }: KpiSample): void {
    const slot = this.#slotAt(Math.floor(at / this.#slotMs));
    if (outcome === "ok") slot.ok++;
    else if (outcome === "refused") slot.refused++;
    else slot.errors++;
    slot.schemaErrors += schemaErrors ?? 0;
    if (outcome === "refused" || latencyMs === null) return;
    if (!isSample(latencyMs)) {
      this.#bad++;
      return;
    }
    this.#at[this.#next] = at;
    this.#latency[this.#next] = latencyMs;
    this.#next = (this.#next + 1) % this.#at.length;
    this.#held = Math.min(this.#held + 1, this.#at.length);
  }

  /** Statistics of the window that ends now. */
  stats(now: number): KpiStats {
    const since = now - this.#windowMs;
    const firstSlot = Math.floor(since / this.#slotMs);
    const counts = { ok: 0, refused: 0, errors: 0, schemaErrors: 0 };
    for (const slot of this.#slots) {
      if (slot.index < firstSlot || slot.index * this.#slotMs > now) continue;
      counts.ok += slot.ok;
      counts.refused += slot.refused;
      counts.errors += slot.errors;
      counts.schemaErrors += slot.schemaErrors;
    }
    const latencies: number[] = [];
    for (let i = 0; i < this.#held; i++) {
      const at = this.#at[i] ?? 0;
      if (since <= at && at <= now) latencies.push(this.#latency[i] ?? 0);
    }
    const period = { now, windowMs: this.#windowMs, startedAt: this.#startedAt };
    return statsOf(this.#key, period, counts, latencies);
  }

  /** The slot of an index, cleared if it last held an older one. One more than the window needs for its edge. */
  #slotAt(index: number): Slot {
    const place = ((index % (SLOTS + 1)) + SLOTS + 1) % (SLOTS + 1);
    const found = this.#slots.find((slot) => slot.index % (SLOTS + 1) === place);
    if (found?.index === index) return found;
    const slot = { index, ok: 0, refused: 0, errors: 0, schemaErrors: 0 };
    if (found) this.#slots[this.#slots.indexOf(found)] = slot;
    else this.#slots.push(slot);
    return slot;
  }
}
