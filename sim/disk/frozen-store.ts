import { CodedError } from "../../firmware/core/errors.ts";
import type { Store, StoreRange } from "../../firmware/ports/store.ts";
import { copyOf } from "./copy.ts";
import { RowIteration } from "./row-iteration.ts";
import type { Row, Rows } from "./rows.ts";

/** Rows as they were at one moment, to look at; no step is taken and no fault of the disk is seen. */
export class FrozenStore implements Store {
  readonly #rows: Rows;

  /** @param rows nobody else's. */
  constructor(rows: Rows) {
    this.#rows = rows;
  }

  async get(sub: string, key: string): Promise<Uint8Array | undefined> {
    return this.#rows.get(sub, key)?.slice();
  }

  async getMany(sub: string, keys: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    return keys.map((key) => this.#rows.get(sub, key)?.slice());
  }

  /** @throws CodedError `store_unavailable` (503), always. */
  async batch(): Promise<void> {
    throw new CodedError("store_unavailable", "This is a picture of the store.", { status: 503 });
  }

  range(sub: string, range: StoreRange = {}): AsyncIterable<Row> {
    return new RowIteration(() => this.#rows.range(sub, range), {
      isAlive: () => true,
      check: () => undefined,
      read: copyOf,
    });
  }

  /** Holds nothing. */
  async [Symbol.asyncDispose](): Promise<void> {
    return undefined;
  }
}
