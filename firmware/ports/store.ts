/**
 * An ordered key-value store with atomic batches over named sublevels.
 * Guarantees: a batch is all or nothing; with `sync: true` it and everything written before it survive a power cut.
 * Without `sync` a power cut may lose any suffix of the batches since the last synced one.
 * Keys are ordered by their UTF-8 bytes.
 */
export type StoreOp =
  | { readonly type: "put"; readonly sub: string; readonly key: string; readonly value: Uint8Array }
  | { readonly type: "del"; readonly sub: string; readonly key: string };

export interface StoreRange {
  readonly gt?: string;
  readonly gte?: string;
  readonly lt?: string;
  readonly lte?: string;
  readonly reverse?: boolean;
  readonly limit?: number;
}

export interface Store extends AsyncDisposable {
  get(sub: string, key: string): Promise<Uint8Array | undefined>;
  /** Results in the order of the keys. */
  getMany(sub: string, keys: readonly string[]): Promise<(Uint8Array | undefined)[]>;
  batch(ops: readonly StoreOp[], options: { readonly sync: boolean }): Promise<void>;
  /** Rows of one sublevel in key order. */
  range(sub: string, range?: StoreRange): AsyncIterable<readonly [key: string, value: Uint8Array]>;
  /** Gives the bytes of deleted rows back to the disk, where the store does not do so at once. Needs some room itself. */
  compact?(): Promise<void>;
}

export const put = (sub: string, key: string, value: Uint8Array): StoreOp => ({
  type: "put",
  sub,
  key,
  value,
});
export const del = (sub: string, key: string): StoreOp => ({ type: "del", sub, key });
