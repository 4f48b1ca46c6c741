/**
 * What is written to the content store while a collection looks for garbage. A blob that nobody needed when it was
 * looked at may be needed by the next settlement; this is how the collection knows, without holding settlements up.
 */
import { decodeCbor } from "../core/cbor.ts";
import { isJsonObject } from "../core/json.ts";
import { pagesOf, type Store, type StoreOp, type StoreRange, type StoreRow } from "../ports/store.ts";
import { CAS, EVIDENCE, LINKS } from "./content-store.ts";
import { decodeEvidence } from "./envelope.ts";

/** A store that passes everything on and counts what it writes. */
export class ContentWatch implements Store {
  readonly #store: Store;
  readonly #written = new Map<string, number>();
  #touched: Set<string> | null = null;

  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * From now on until `unwatch`: the digests of blobs that were written, or that something written refers to. Whoever
   * deletes must look here and hand over its batch in one turn: batches are written in the order they are handed over.
   */
  watch(): ReadonlySet<string> {
    this.#touched ??= new Set();
    return this.#touched;
  }

  unwatch(): void {
    this.#touched = null;
  }

  /** Bytes written to a sublevel since the last time it was asked. */
  takeWritten(sub: string): number {
    const bytes = this.#written.get(sub) ?? 0;
    this.#written.delete(sub);
    return bytes;
  }

  get(sub: string, key: string): Promise<Uint8Array | undefined> {
    return this.#store.get(sub, key);
  }

  getMany(sub: string, keys: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    return this.#store.getMany(sub, keys);
  }

  range(sub: string, range?: StoreRange): AsyncIterable<readonly [string, Uint8Array]> {
    return this.#store.range(sub, range);
  }

  pages(sub: string, range?: StoreRange): AsyncIterable<readonly StoreRow[]> {
    return pagesOf(this.#store, sub, range);
  }

  batch(ops: readonly StoreOp[], options: { readonly sync: boolean }): Promise<void> {
    for (const op of ops) if (op.type === "put") this.#note(op.sub, op.key, op.value);
    return this.#store.batch(ops, options);
  }

  #note(sub: string, key: string, value: Uint8Array): void {
    this.#written.set(sub, (this.#written.get(sub) ?? 0) + key.length + value.length);
    if (this.#touched === null) return;
    const digest = referredBy(sub, key, value);
    if (digest !== null) this.#touched.add(digest);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store[Symbol.asyncDispose]();
  }
}

function referredBy(sub: string, key: string, value: Uint8Array): string | null {
  if (sub === CAS) return key;
  if (sub === EVIDENCE) return decodeEvidence(value)?.body.sha256 ?? null;
  if (sub !== LINKS) return null;
  const link = decodeCbor(value);
  return isJsonObject(link) && typeof link.sha256 === "string" ? link.sha256 : null;
}
