/** The device's own stamps, with a high-water mark in the store so that a restart never goes back (sync.md 1). */
import { decodeCbor, encodeCbor } from "../core/cbor.ts";
import { SYNC_LIMITS } from "../core/limits.ts";
import type { Clock } from "../ports/clock.ts";
import { put, type Store, type StoreOp } from "../ports/store.ts";
import { formatStamp, type HlcState, receive, type Stamp, tick } from "./hlc.ts";

export const HLC_SUB = "sync/hlc";
const MARK = "mark";

export class HybridClock {
  readonly #clock: Clock;
  #state: HlcState;
  #markMs: number;

  private constructor(clock: Clock, markMs: number) {
    this.#clock = clock;
    this.#markMs = markMs;
    this.#state = { ms: Math.max(markMs, clock.wallMs()), counter: 0 };
  }

  static async open(store: Store, clock: Clock): Promise<HybridClock> {
    const stored = await store.get(HLC_SUB, MARK);
    const mark = stored === undefined ? 0 : decodeCbor(stored);
    return new HybridClock(clock, typeof mark === "number" ? mark : 0);
  }

  get ms(): number {
    return this.#state.ms;
  }

  stamp(replica: string): string {
    this.#state = tick(this.#state, this.#clock.wallMs());
    return formatStamp(this.#state, replica);
  }

  /** Takes a remote stamp in; one too far ahead changes nothing. */
  observe(remote: Stamp): void {
    const result = receive(this.#state, this.#clock.wallMs(), remote);
    if (result.ok) this.#state = result.state;
  }

  /** What must become durable before a stamp made until now is shown to anyone; nothing while the mark is ahead. */
  markOps(): readonly StoreOp[] {
    if (this.#state.ms + SYNC_LIMITS.markAheadMs - SYNC_LIMITS.markEveryMs < this.#markMs) return [];
    this.#markMs = this.#state.ms + SYNC_LIMITS.markAheadMs;
    return [put(HLC_SUB, MARK, encodeCbor(this.#markMs))];
  }

  /** The mark could not be written: the next stamp asks for it again. */
  forgetMark(): void {
    this.#markMs = 0;
  }
}
