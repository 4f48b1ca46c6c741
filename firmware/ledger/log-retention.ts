/** Retention of a running log: what goes by age and size, in slices, while everything that stays can be proved. */
import type { Store } from "../ports/store.ts";
import { BodySizes } from "./body-sizes.ts";
import { dropLeaves } from "./drop-leaves.ts";
import { indexOfKey, type Layout, layoutOf } from "./layout.ts";
import type { Ledger } from "./ledger.ts";
import { readEntry } from "./log-rows.ts";
import { prunedUntil } from "./log-times.ts";
import type { VerifierKey } from "./note.ts";
import { type Breathe, TILE } from "./retention.ts";
import { thinNotes } from "./thin-notes.ts";
import { largestWitnessed } from "./witnessed.ts";

const DAY_MS = 86_400_000;

export interface LogRetentionLimits {
  /** Bytes of bodies: what is above goes, the oldest first, but nothing younger than `minDays`. */
  readonly maxBytes: number;
  readonly maxDays: number;
  readonly minDays: number;
  /** Days that leaf hashes stay after their bodies. */
  readonly leafDays: number;
  readonly witnessKeys: readonly VerifierKey[];
  /** Witnesses that a checkpoint needs before what it covers may go; 0: any signed one will do. */
  readonly quorum: number;
}

export interface LogRetained {
  /** The first index that is still stored. */
  readonly minIndex: number;
  /** Entries pruned, notes thinned and tiles of leaf hashes dropped in this round. */
  readonly pruned: number;
  readonly notes: number;
  readonly tiles: number;
  /** Bytes of the bodies that are left. */
  readonly bytes: number;
  /** True where only a missing witness keeps entries that are due. */
  readonly unwitnessed: boolean;
}

export class LogRetention {
  readonly #store: Store;
  readonly #ledger: Ledger;
  readonly #layout: Layout;
  readonly #sizes: BodySizes;

  constructor(store: Store, ledger: Ledger) {
    this.#store = store;
    this.#ledger = ledger;
    this.#layout = layoutOf(ledger.epoch);
    this.#sizes = new BodySizes(store, this.#layout);
  }

  async #minIndex(): Promise<number> {
    for await (const [key] of this.#store.range(this.#layout.entries, { limit: 1 }))
      return indexOfKey(key) ?? 0;
    return this.#ledger.head.size;
  }

  /** The first entry of `ms` or later, by halving: entries are in order of time, but for corrections of the clock. */
  async #firstSince(ms: number, from: number, to: number): Promise<number> {
    let low = from;
    let high = to;
    while (low < high) {
      const middle = low + Math.floor((high - low) / 2);
      const ts = (await readEntry(this.#store, this.#layout, middle))?.read?.entry.ts;
      // What cannot be read stays: it must be looked at, not pruned away.
      if (ts === undefined || ts >= ms) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /**
   * One round.
   * @param nowMs wall ms; of an untrusted clock the time of the last entry, so that a wrong year prunes nothing.
   * @param breathe gives others their turn; what it throws ends the round where it is, and nothing is half done.
   * @throws CodedError `store_corrupt`, storage codes.
   */
  async round(limits: LogRetentionLimits, nowMs: number, breathe: Breathe): Promise<LogRetained> {
    const store = this.#store;
    const ledger = this.#ledger;
    const before = await this.#minIndex();
    const { size } = ledger.head;
    await this.#sizes.update(before, size, breathe);
    const tooOld = await this.#firstSince(nowMs - limits.maxDays * DAY_MS, before, size);
    const young = await this.#firstSince(nowMs - limits.minDays * DAY_MS, before, size);
    const firstIndexToKeep = Math.min(Math.max(tooOld, this.#sizes.firstWithin(limits.maxBytes)), young);
    const rule = { ...limits, logKeys: ledger.logKeys, nowSec: Math.floor(nowMs / 1000) };
    const isDue = firstIndexToKeep - TILE >= before;
    const witnessed = isDue ? await largestWitnessed(store, this.#layout, rule, breathe) : 0;
    const to = isDue ? await ledger.prune({ largestWitnessed: witnessed, firstIndexToKeep }, breathe) : null;
    const minIndex = to ?? before;
    const leavesUntil = await prunedUntil(store, this.#layout, nowMs - limits.leafDays * DAY_MS);
    const tiles = await dropLeaves(store, this.#layout, Math.min(leavesUntil, minIndex), breathe);
    const notes = await thinNotes(store, this.#layout, nowMs, breathe);
    await this.#sizes.update(minIndex, size, breathe);
    return {
      minIndex,
      pruned: minIndex - before,
      notes,
      tiles,
      bytes: this.#sizes.total,
      unwitnessed: isDue && limits.quorum > 0 && witnessed < firstIndexToKeep - (firstIndexToKeep % TILE),
    };
  }
}
