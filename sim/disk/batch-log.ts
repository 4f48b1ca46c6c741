import { CodedError } from "../../firmware/core/errors.ts";
import type { StoreOp } from "../../firmware/ports/store.ts";
import { Rows } from "./rows.ts";
import type { LogLength } from "./survivors.ts";

/** What brings one row back to what it was before a batch. */
interface Former {
  readonly sub: string;
  readonly key: string;
  readonly value: Uint8Array | undefined;
}

/**
 * The one log of a store and the rows it amounts to. Only batches that a loss of power could still take keep what
 * they replaced: the unsynced ones, and the last few synced ones for a disk that lied. So memory stays bounded.
 */
export class BatchLog {
  readonly #keptSynced: number;
  readonly #rows = new Rows();
  /** Of the newest batches, oldest first. */
  readonly #undo: (readonly Former[])[] = [];
  #written = 0;
  #synced = 0;

  /** @param keptSynced how many synced batches can be taken back. */
  constructor(keptSynced: number) {
    this.#keptSynced = keptSynced;
  }

  /** What a reader sees. */
  get rows(): Rows {
    return this.#rows;
  }

  get length(): LogLength {
    return { written: this.#written, synced: this.#synced };
  }

  /** Appends a batch and applies it to the rows. The values are the log's own from here on. */
  append(ops: readonly StoreOp[]): void {
    const former: Former[] = [];
    for (const op of ops) {
      const { sub, key } = op;
      const value = op.type === "put" ? this.#rows.put(sub, key, op.value) : this.#rows.del(sub, key);
      former.push({ sub, key, value });
    }
    this.#undo.push(former);
    this.#written++;
  }

  /** Makes every batch so far durable. */
  sync(): void {
    this.#synced = this.#written;
    const needless = this.#undo.length - this.#keptSynced;
    if (needless > 0) this.#undo.splice(0, needless);
  }

  /**
   * Drops all batches but the first `count`; what is left is durable.
   * @throws CodedError `scenario_invalid` (422) if batches were synced so long ago that they cannot be taken back.
   */
  rewind(count: number): void {
    const dropped = this.#written - count;
    if (dropped > this.#undo.length) {
      throw new CodedError("scenario_invalid", "A lying disk cannot lose that many batches.", {
        status: 422,
        details: { path: "lyingTail", why: `at most ${this.#keptSynced}` },
      });
    }
    for (const former of this.#undo.splice(this.#undo.length - dropped, dropped).reverse())
      restore(this.#rows, former);
    this.#written = count;
    this.sync();
  }

  /** The rows as a loss of power would leave them if no unsynced batch survived. */
  durableRows(): Rows {
    const rows = this.#rows.clone();
    const unsynced = this.#written - this.#synced;
    for (const former of this.#undo.slice(this.#undo.length - unsynced).reverse()) restore(rows, former);
    return rows;
  }
}

function restore(rows: Rows, former: readonly Former[]): void {
  for (const { sub, key, value } of [...former].reverse()) {
    if (value === undefined) rows.del(sub, key);
    else rows.put(sub, key, value);
  }
}
