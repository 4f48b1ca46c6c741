/** The store of a stopped daemon or of a copy: everything can be read, nothing changed. */
import { CodedError } from "../core/errors.ts";
import { pagesOf, type Store, type StoreRange, type StoreRow } from "../ports/store.ts";

export class ReadOnlyStore implements Store {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
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

  /** @throws CodedError `state_read_only` (409), always. */
  async batch(): Promise<void> {
    throw new CodedError("state_read_only", "This state was opened for reading only.", { status: 409 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store[Symbol.asyncDispose]();
  }
}
