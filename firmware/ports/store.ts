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
  /** The same rows, many at a time, where a store can give them so: for readers of very many rows. */
  pages?(sub: string, range?: StoreRange): AsyncIterable<readonly StoreRow[]>;
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

/** What was saved of a database whose files were damaged. */
export interface RescuedDatabase {
  /** Name of the folder that holds the damaged files, beside the database. */
  readonly setAside: string;
  /** Counts the rescues of this device. */
  readonly ordinal: number;
  /** Rows that were saved, by sublevel. */
  readonly rows: Readonly<Record<string, number>>;
}

export type StoreRow = readonly [key: string, value: Uint8Array];

const PAGE_ROWS = 256;

/** Rows of one sublevel in pages, of any store. No page is empty. */
export async function* pagesOf(
  store: Store,
  sub: string,
  range: StoreRange = {},
): AsyncIterable<readonly StoreRow[]> {
  if (store.pages !== undefined) {
    yield* store.pages(sub, range);
    return;
  }
  let page: StoreRow[] = [];
  for await (const row of store.range(sub, range)) {
    if (page.push(row) < PAGE_ROWS) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}
