/**
 * What is written to the content store while a collection looks for garbage. A blob that nobody needed when it was
 * looked at may be needed by the next settlement; this is how the collection knows, without holding settlements up.
 */
import { decodeCbor } from "../core/cbor.ts";
import { isJsonObject } from "../core/json.ts";
import { pagesOf, type Store, type StoreOp, type StoreRange, type StoreRow } from "../ports/store.ts";
import { CAS, LINKS } from "./content-store.ts";
import { decodeEvidence } from "./envelope.ts";
import { decodePackRow, PACK_BASES, PACKS } from "./pack-row.ts";
import { EVIDENCE } from "./stored-evidence.ts";

/** Names that a row refers to. */
export type Refers = (key: string, value: Uint8Array) => readonly string[];

/** A store that passes everything on and counts what it writes. */
export class ContentWatch implements Store {
  readonly #store: Store;
  readonly #refersTo: Readonly<Record<string, Refers>>;
  readonly #written = new Map<string, number>();
  #touched: Set<string> | null = null;

  /** @param refersTo what rows of other sublevels refer to, as far as a collection would remove it. */
  constructor(store: Store, refersTo: Readonly<Record<string, Refers>> = {}) {
    this.#store = store;
    this.#refersTo = refersTo;
  }

  /**
   * From now on until `unwatch`: what blobs and bases of packs were written, or does something written refer to. Whoever
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
    const referred = this.#refersTo[sub]?.(key, value) ?? referredBy(sub, key, value);
    for (const name of referred) this.#touched.add(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store[Symbol.asyncDispose]();
  }
}

function referredBy(sub: string, key: string, value: Uint8Array): readonly string[] {
  if (sub === CAS || sub === PACK_BASES) return [key];
  if (sub === PACKS) {
    const { base, blobs } = decodePackRow(key, value);
    return [base, ...blobs];
  }
  if (sub === EVIDENCE) return textsOf(decodeEvidence(value)?.body.sha256);
  if (sub !== LINKS) return [];
  const link = decodeCbor(value);
  return isJsonObject(link) ? textsOf(link.sha256) : [];
}

const textsOf = (value: unknown): readonly string[] => (typeof value === "string" ? [value] : []);
