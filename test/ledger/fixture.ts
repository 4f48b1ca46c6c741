import { keyPairFromSeed } from "../../firmware/core/ed25519.ts";
import { Ledger, type LedgerEvent, type LedgerOptions } from "../../firmware/ledger/index.ts";
import type { Store, StoreOp, StoreRange } from "../../firmware/ports/store.ts";
import { MemoryStore } from "../../sim/disk/memory-store.ts";
import { ManualClock } from "../support/manual-clock.ts";

export const headKey = new Uint8Array(32).fill(7);
export const signer = keyPairFromSeed(new Uint8Array(32).fill(9));

export const event = (n: number, kind = "config_change"): LedgerEvent => ({
  kind,
  actor: "daemon",
  severity: "info",
  data: { name: `parameter-${n}`, old: n, new: n + 1 },
});

export type Fault = "before_write" | "after_write";

/** A store that fails chosen batches, counts syncs, and forgets after a crash what no sync has covered. */
export class FaultStore implements Store {
  #rows = new MemoryStore();
  readonly #batches: (readonly StoreOp[])[] = [];
  #durable = 0;
  syncs = 0;
  attempts = 0;
  fault: ((attempt: number) => Fault | null) | null = null;

  get(sub: string, key: string): Promise<Uint8Array | undefined> {
    return this.#rows.get(sub, key);
  }

  getMany(sub: string, keys: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    return this.#rows.getMany(sub, keys);
  }

  range(sub: string, range?: StoreRange): AsyncIterable<readonly [string, Uint8Array]> {
    return this.#rows.range(sub, range);
  }

  async batch(ops: readonly StoreOp[], options: { readonly sync: boolean }): Promise<void> {
    const fault = this.fault?.(this.attempts++) ?? null;
    if (fault === "before_write") throw new Error("the disk refused");
    await this.#rows.batch(ops, options);
    this.#batches.push(ops);
    if (fault === "after_write") throw new Error("the sync failed");
    if (!options.sync) return;
    this.syncs++;
    this.#durable = this.#batches.length;
  }

  /** The store after a power cut that lost every batch no sync has covered. */
  async afterPowerCut(): Promise<FaultStore> {
    const next = new FaultStore();
    for (const ops of this.#batches.slice(0, this.#durable)) await next.batch(ops, { sync: true });
    next.syncs = 0;
    next.attempts = 0;
    return next;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#rows[Symbol.asyncDispose]();
  }
}

export interface Bench {
  readonly store: Store;
  readonly clock: ManualClock;
  readonly options: LedgerOptions;
}

export function bench<S extends Store>(store: S, change: Partial<LedgerOptions> = {}) {
  const clock = new ManualClock();
  const options: LedgerOptions = {
    store,
    clock,
    fleet: "plant",
    device: "imu-0011223344556677",
    headKey,
    signer,
    simulated: false,
    ...change,
  };
  return { store, clock, options, open: () => Ledger.open(options) };
}

/** Appends `count` entries, each in its own synced batch. */
export async function fill(ledger: Ledger, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    await ledger.commit({ events: [event(ledger.head.size)], ops: [] }, { urgent: true });
  }
}
