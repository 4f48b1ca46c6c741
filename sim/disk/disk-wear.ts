/**
 * What a device writes to its card (simulator.md 8: bytes per day). The bytes handed over are counted; what the card
 * itself then writes is an estimate and kept apart from them.
 */

/** One page of flash and one block of ext4: the least that reaches the card. */
const PAGE_BYTES = 4096;
/** A commit of ext4's journal: its descriptor, the inode's block and the commit block (Linux, ext4/journal). */
const JOURNAL_BYTES = 3 * PAGE_BYTES;
/**
 * LevelDB writes a byte again when the log becomes a table of level 0, and about twice more while small databases are
 * compacted to level 2 (LevelDB, doc/impl.md, "Compactions"). Deep levels would cost about 10 each.
 */
const REWRITES = 3;
const DAY_US = 86_400_000_000;

export interface Endurance {
  readonly capacityBytes: number;
  /** How often each cell may be written, from the card's data sheet. */
  readonly eraseCycles: number;
}

export interface WearReport {
  /** Bytes of keys, values and file contents that were handed over. */
  readonly bytesWritten: number;
  readonly syncs: number;
  /** Days of true time, begun ones included. */
  readonly days: number;
  readonly bytesPerDay: number;
  readonly estimate: {
    /** Bytes that the card writes, with whole pages, the journal and LevelDB's compaction. */
    readonly cardBytes: number;
    /** cardBytes over bytesWritten; 0 if nothing was written. */
    readonly amplification: number;
    /** Share of all the card can ever take that is used up; assumes perfect wear levelling. */
    readonly usedOfBudget: number;
    /** Years until the budget is used up at this rate; null if nothing was written. */
    readonly years: number | null;
  };
}

export class DiskWear {
  readonly #nowUs: () => number;
  readonly #perDay = new Map<number, number>();
  #bytes = 0;
  #syncs = 0;
  #unsyncedBytes = 0;
  #syncedPageBytes = 0;
  #rewrittenBytes = 0;

  constructor(nowUs: () => number) {
    this.#nowUs = nowUs;
  }

  get bytesWritten(): number {
    return this.#bytes;
  }

  /** Bytes handed over on each day of true time, day 0 first; days without a write are absent. */
  get bytesByDay(): ReadonlyMap<number, number> {
    return this.#perDay;
  }

  /** @param compacted true for rows of the store, which LevelDB writes again. */
  wrote(bytes: number, compacted: boolean): void {
    this.#bytes += bytes;
    this.#unsyncedBytes += bytes;
    if (compacted) this.#rewrittenBytes += bytes;
    const day = Math.floor(this.#nowUs() / DAY_US);
    this.#perDay.set(day, (this.#perDay.get(day) ?? 0) + bytes);
  }

  synced(): void {
    this.#syncs++;
    this.#syncedPageBytes += pages(this.#unsyncedBytes) + JOURNAL_BYTES;
    this.#unsyncedBytes = 0;
  }

  report(endurance: Endurance): WearReport {
    const days = Math.floor(this.#nowUs() / DAY_US) + 1;
    const cardBytes = this.#syncedPageBytes + pages(this.#unsyncedBytes) + REWRITES * this.#rewrittenBytes;
    const budget = endurance.capacityBytes * endurance.eraseCycles;
    return {
      bytesWritten: this.#bytes,
      syncs: this.#syncs,
      days,
      bytesPerDay: this.#bytes / days,
      estimate: {
        cardBytes,
        amplification: this.#bytes === 0 ? 0 : cardBytes / this.#bytes,
        usedOfBudget: cardBytes / budget,
        years: cardBytes === 0 ? null : budget / (cardBytes / days) / 365,
      },
    };
  }
}

const pages = (bytes: number): number => Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;
