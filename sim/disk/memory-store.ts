import { CodedError } from "../../firmware/core/errors.ts";
import type { Store, StoreOp, StoreRange } from "../../firmware/ports/store.ts";

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/**
 * A store in memory with the contract of the LevelDB adapter. Every sublevel keeps its keys sorted on demand;
 * values are copied on the way in and out, so that a caller cannot change what is stored.
 */
export class MemoryStore implements Store {
  readonly #rows = new Map<string, Map<string, Uint8Array>>();
  readonly #sorted = new Map<string, string[]>();
  #open = true;

  #require(): void {
    if (!this.#open) throw new CodedError("store_unavailable", "The store is closed.", { status: 503 });
  }

  async get(sub: string, key: string): Promise<Uint8Array | undefined> {
    this.#require();
    return this.#rows.get(sub)?.get(key)?.slice();
  }

  async getMany(sub: string, keys: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    this.#require();
    return keys.map((key) => this.#rows.get(sub)?.get(key)?.slice());
  }

  async batch(ops: readonly StoreOp[], _options: { readonly sync: boolean }): Promise<void> {
    this.#require();
    for (const op of ops) {
      const rows = this.#rows.get(op.sub) ?? new Map<string, Uint8Array>();
      this.#rows.set(op.sub, rows);
      const known = rows.has(op.key);
      if (op.type === "put") {
        rows.set(op.key, op.value.slice());
        if (!known) this.#sorted.delete(op.sub);
      } else if (known) {
        rows.delete(op.key);
        this.#sorted.delete(op.sub);
      }
    }
  }

  async *range(sub: string, range: StoreRange = {}): AsyncIterable<readonly [string, Uint8Array]> {
    this.#require();
    const rows = this.#rows.get(sub);
    if (!rows) return;
    let keys = this.#sorted.get(sub);
    if (!keys) {
      keys = [...rows.keys()].sort(byBytes);
      this.#sorted.set(sub, keys);
    }
    const inside = keys.filter(
      (key) =>
        (range.gt === undefined || byBytes(key, range.gt) > 0) &&
        (range.gte === undefined || byBytes(key, range.gte) >= 0) &&
        (range.lt === undefined || byBytes(key, range.lt) < 0) &&
        (range.lte === undefined || byBytes(key, range.lte) <= 0),
    );
    if (range.reverse) inside.reverse();
    const limit = range.limit === undefined || range.limit < 0 ? inside.length : range.limit;
    // A snapshot of the moment the iteration began, as LevelDB iterators give.
    const snapshot = inside
      .slice(0, limit)
      .map((key) => [key, rows.get(key)?.slice() ?? new Uint8Array()] as const);
    yield* snapshot;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#open = false;
  }
}
