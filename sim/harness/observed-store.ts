/** A device's store as it sees it, with an eye on the rows of the ledger that become part of it. */
import { fromUtf8 } from "../../firmware/core/bytes.ts";
import type { JsonObject } from "../../firmware/core/json.ts";
import type { Store, StoreOp, StoreRange } from "../../firmware/ports/store.ts";

/** An entry that the device's store has taken. */
export interface SeenEntry {
  readonly epoch: number;
  readonly index: number;
  readonly event: JsonObject;
  readonly ts: number;
}

/** A checkpoint or an anchor that the device's store has taken. */
export interface SeenRow {
  readonly base: "lgcp" | "lganchor";
  readonly epoch: number;
  readonly key: string;
  readonly value: Uint8Array;
}

/** `lg` holds the entries of epoch 0, `lg.<n>` those of a later one (ledger.md 3). */
const ENTRIES = /^lg(?:\.(\d+))?$/;
const PROOFS = /^(lgcp|lganchor)(?:\.(\d+))?$/;
/** CBOR: before the entry's text is its length, in two bytes; behind it are hashes. */
const LENGTH_AT = 8;
const TEXT_AT = 10;

function entryOf(op: StoreOp): SeenEntry | null {
  if (op.type !== "put" || !op.sub.startsWith("lg")) return null;
  const match = ENTRIES.exec(op.sub);
  if (!match) return null;
  const length = ((op.value[LENGTH_AT] ?? 0) << 8) + (op.value[LENGTH_AT + 1] ?? 0);
  const text = fromUtf8(op.value.subarray(TEXT_AT, TEXT_AT + length));
  const { event, ts } = JSON.parse(text) as { readonly event: JsonObject; readonly ts: number };
  return { epoch: Number(match[1] ?? 0), index: Number(op.key), event, ts };
}

function rowOf(op: StoreOp): SeenRow | null {
  if (op.type !== "put" || !op.sub.startsWith("lg")) return null;
  const match = PROOFS.exec(op.sub);
  if (!match) return null;
  const base = match[1] === "lgcp" ? "lgcp" : "lganchor";
  return { base, epoch: Number(match[2] ?? 0), key: op.key, value: op.value };
}

export interface StoreWatch {
  readonly onEntry: (entry: SeenEntry) => void;
  readonly onRow: (row: SeenRow) => void;
  /** A batch with `sync: true` has reached the disk. */
  readonly onSync: () => void;
}

export class ObservedStore implements Store {
  readonly #inner: Store;
  readonly #watch: StoreWatch;

  constructor(inner: Store, watch: StoreWatch) {
    this.#inner = inner;
    this.#watch = watch;
  }

  get(sub: string, key: string): Promise<Uint8Array | undefined> {
    return this.#inner.get(sub, key);
  }

  getMany(sub: string, keys: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    return this.#inner.getMany(sub, keys);
  }

  async batch(ops: readonly StoreOp[], options: { readonly sync: boolean }): Promise<void> {
    await this.#inner.batch(ops, options);
    if (options.sync) this.#watch.onSync();
    for (const op of ops) {
      const seen = entryOf(op);
      if (seen) this.#watch.onEntry(seen);
      const row = rowOf(op);
      if (row) this.#watch.onRow(row);
    }
  }

  range(sub: string, range?: StoreRange): AsyncIterable<readonly [key: string, value: Uint8Array]> {
    return this.#inner.range(sub, range);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#inner[Symbol.asyncDispose]() as Promise<void>;
  }
}
