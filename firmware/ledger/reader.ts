/** Reading the ledger: of the running daemon, or of a stopped daemon's store (ledger.md 3, 7). */
import { fromUtf8 } from "../core/bytes.ts";
import { CodedError } from "../core/errors.ts";
import type { Store } from "../ports/store.ts";
import { type ReadEntry, readStored } from "./entry.ts";
import { indexKey, indexOfKey, type Layout, layoutOf } from "./layout.ts";
import { readEntry, readHead, readNotes, type StoredNote, storedEpoch } from "./log-rows.ts";
import { EMPTY_LOG, type LogState } from "./sealed.ts";
import { nodeSource, storedRange } from "./stored-nodes.ts";
import type { CompactRange } from "./tree.ts";
import { consistencySpans, inclusionSpans, proofOf } from "./tree-proof.ts";
import type { LedgerEntry, LedgerHead } from "./types.ts";

export interface IndexedEntry {
  readonly index: number;
  readonly entry: LedgerEntry;
  readonly hash: string;
}

function damaged(index: number, code: string): never {
  throw new CodedError(code, `Entry ${index} is damaged.`, { details: { index } });
}

function checked(index: number, read: ReadEntry | null): IndexedEntry {
  if (read === null) return damaged(index, "bad_entry");
  if (read.hash !== read.storedHash) return damaged(index, "hash_mismatch");
  return { index, entry: read.entry, hash: read.hash };
}

export class LedgerReader {
  readonly epoch: number;
  readonly #store: Store;
  readonly #layout: Layout;
  readonly #head: () => LogState;

  constructor(options: { readonly store: Store; readonly epoch: number; readonly head: () => LogState }) {
    this.epoch = options.epoch;
    this.#store = options.store;
    this.#layout = layoutOf(options.epoch);
    this.#head = options.head;
  }

  /**
   * Opens a stopped daemon's ledger for reading; writes nothing.
   * @param headKey null if it is not at hand: then the head is read unverified.
   * @throws CodedError `store_corrupt` (500) if the head is damaged; storage codes.
   */
  static async open(
    store: Store,
    options: { readonly headKey?: Uint8Array | null; readonly epoch?: number } = {},
  ): Promise<LedgerReader> {
    const epoch = options.epoch ?? (await storedEpoch(store));
    const head = await readHead(store, layoutOf(epoch), options.headKey ?? null);
    if (head.is === "bad") throw new CodedError("store_corrupt", "The ledger's head is damaged.");
    const state = head.is === "good" ? head.state : EMPTY_LOG;
    return new LedgerReader({ store, epoch, head: () => state });
  }

  get head(): LedgerHead {
    const { size, lastHash, lastTs } = this.#head();
    return { size, lastHash, lastTs };
  }

  /** Undefined if there is no such entry (any more); of a pruned range only the kept kinds. @throws CodedError `bad_entry`, `hash_mismatch`. */
  async entry(index: number): Promise<IndexedEntry | undefined> {
    if (!Number.isSafeInteger(index) || index < 0 || index >= this.#head().size) return undefined;
    const row = await readEntry(this.#store, this.#layout, index);
    if (row !== null) return checked(index, row.read);
    const kept = await this.#store.get(this.#layout.kept, indexKey(index));
    return kept === undefined ? undefined : checked(index, readStored(kept));
  }

  /** Entries [from, to) that are still stored, in order. @throws CodedError `bad_entry`, `hash_mismatch`. */
  async *entries(from = 0, to = this.#head().size): AsyncIterable<IndexedEntry> {
    const end = Math.min(to, this.#head().size);
    if (from >= end) return;
    const bounds = { gte: indexKey(Math.max(0, from)), lt: indexKey(end) };
    for await (const [key, row] of this.#store.range(this.#layout.entries, bounds)) {
      yield checked(indexOfKey(key) ?? -1, readStored(row));
    }
  }

  /** The last `n` entries, oldest first. */
  async tail(n: number): Promise<IndexedEntry[]> {
    const { size } = this.#head();
    const found: IndexedEntry[] = [];
    for await (const entry of this.entries(Math.max(0, size - n), size)) found.push(entry);
    return found;
  }

  /** The note of the largest checkpoint, null if there is none. */
  async checkpoint(): Promise<string | null> {
    for await (const [, note] of this.#store.range(this.#layout.checkpoints, { reverse: true, limit: 1 })) {
      return fromUtf8(note);
    }
    return null;
  }

  /** Stored notes of trees larger than `above`, up to `size`, the smallest first. */
  async notes(above: number, size: number): Promise<StoredNote[]> {
    const notes = await readNotes(this.#store, this.#layout);
    return notes.filter((note) => note.size > above && note.size <= size);
  }

  /** The tree over [0, size). @throws CodedError `missing_entry` if a hash of it is gone. */
  async tree(size: number): Promise<CompactRange> {
    const range = await storedRange(this.#store, this.#layout, size);
    if (range !== null) return range;
    throw new CodedError("missing_entry", "A hash of the tree is not stored.", { details: { size } });
  }

  /** PATH(index, D[size]). @throws CodedError `not_included`, `missing_entry`. */
  inclusionProof(index: number, size = this.#head().size): Promise<Uint8Array[]> {
    return proofOf(inclusionSpans(index, size), nodeSource(this.#store, this.#layout));
  }

  /** PROOF(oldSize, D[newSize]). @throws CodedError `malformed`, `missing_entry`. */
  consistencyProof(oldSize: number, newSize = this.#head().size): Promise<Uint8Array[]> {
    return proofOf(consistencySpans(oldSize, newSize), nodeSource(this.#store, this.#layout));
  }
}
