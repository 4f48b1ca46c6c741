import { CodedError } from "../../firmware/core/errors.ts";
import type { Store, StoreOp, StoreRange } from "../../firmware/ports/store.ts";
import { copyOf } from "./copy.ts";
import { RowIteration } from "./row-iteration.ts";
import { type Row, Rows } from "./rows.ts";

/**
 * A store in memory with the contract of the LevelDB adapter. Values are copied on the way in and out, so that a
 * caller cannot change what is stored.
 */
export class MemoryStore implements Store {
  readonly #rows = new Rows();
  #open = true;

  #require(): void {
    if (!this.#open) throw new CodedError("store_unavailable", "The store is closed.", { status: 503 });
  }

  async get(sub: string, key: string): Promise<Uint8Array | undefined> {
    this.#require();
    const stored = this.#rows.get(sub, key);
    return stored && copyOf(stored);
  }

  async getMany(sub: string, keys: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    this.#require();
    return keys.map((key) => {
      const stored = this.#rows.get(sub, key);
      return stored && copyOf(stored);
    });
  }

  async batch(ops: readonly StoreOp[], _options: { readonly sync: boolean }): Promise<void> {
    this.#require();
    for (const op of ops) {
      if (op.type === "put") this.#rows.put(op.sub, op.key, copyOf(op.value));
      else this.#rows.del(op.sub, op.key);
    }
  }

  range(sub: string, range: StoreRange = {}): AsyncIterable<Row> {
    const begin = () => {
      this.#require();
      return this.#rows.range(sub, range);
    };
    return new RowIteration(begin, {
      isAlive: () => true,
      check: () => this.#require(),
      read: copyOf,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#open = false;
  }
}
