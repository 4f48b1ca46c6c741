import { utf8 } from "../../firmware/core/bytes.ts";
import { CodedError } from "../../firmware/core/errors.ts";
import type { Clock } from "../../firmware/ports/clock.ts";
import type { Store, StoreOp, StoreRange } from "../../firmware/ports/store.ts";
import type { Steps } from "../power/steps.ts";
import { copyOfBatch } from "./copy.ts";
import type { Boot, Medium } from "./medium.ts";
import { never } from "./never.ts";
import { RowIteration } from "./row-iteration.ts";
import type { Row } from "./rows.ts";

const LAYOUT_VERSION = 2;
const META = "meta";
const LAYOUT_KEY = "layout";

/**
 * One boot's view of the store of a disk, with the order and the errors of the LevelDB store. Each call is one step:
 * `store.open`, `store.get`, `store.range`, `store.batch` for an unsynced batch, `store.sync` for a synced one.
 * Writers are served one after another, as LevelDB serves them: while an fsync takes its time, the next one waits.
 */
export class SimStore implements Store {
  readonly #medium: Medium;
  readonly #steps: Steps;
  readonly #clock: Pick<Clock, "sleep">;
  readonly #boot: Boot;
  /** The last of the writers that wait; null when none does. */
  #writers: Promise<void> | null = null;
  #bytesWritten = 0;
  #isOpen = true;

  private constructor(medium: Medium, steps: Steps, clock: Pick<Clock, "sleep">) {
    this.#medium = medium;
    this.#steps = steps;
    this.#clock = clock;
    this.#boot = medium.boot;
  }

  /** @throws CodedError `store_busy` (503), `store_corrupt`, `store_layout_unknown` (500), `store_unavailable` (503). */
  static async open(medium: Medium, steps: Steps, clock: Pick<Clock, "sleep">): Promise<SimStore> {
    const store = new SimStore(medium, steps, clock);
    await steps.take("store.open", () => {
      store.#require();
      if (medium.owner) {
        throw new CodedError("store_busy", "Another process has the database open.", { status: 503 });
      }
      if (medium.faults.readOnly) throw readOnly();
      medium.owner = store;
    });
    try {
      await store.#checkLayout();
    } catch (error) {
      await store[Symbol.asyncDispose]();
      throw error;
    }
    return store;
  }

  async #checkLayout(): Promise<void> {
    const stored = await this.get(META, LAYOUT_KEY);
    if (stored === undefined) {
      const value = utf8(String(LAYOUT_VERSION));
      await this.batch([{ type: "put", sub: META, key: LAYOUT_KEY, value }], { sync: true });
      return;
    }
    const text = new TextDecoder().decode(stored);
    if (!/^[1-9][0-9]{0,8}$/.test(text)) {
      throw new CodedError("store_corrupt", "The layout version of the state cannot be read.");
    }
    if (Number(text) !== LAYOUT_VERSION) {
      const details = { stored: Number(text), supported: LAYOUT_VERSION };
      const message = `The state was written with layout ${text}; this version reads ${LAYOUT_VERSION}.`;
      throw new CodedError("store_layout_unknown", message, { details });
    }
  }

  /** Bytes of keys and values handed to the database since it was opened. */
  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  get(sub: string, key: string): Promise<Uint8Array | undefined> {
    return this.#steps.take("store.get", () => {
      this.#require();
      return this.#read(this.#medium.log.rows.get(sub, key));
    });
  }

  getMany(sub: string, keys: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    return this.#steps.take("store.get", () => {
      this.#require();
      return keys.map((key) => this.#read(this.#medium.log.rows.get(sub, key)));
    });
  }

  batch(ops: readonly StoreOp[], options: { readonly sync: boolean }): Promise<void> {
    const { sync } = options;
    // The caller may change its bytes as soon as this call returns.
    const own = copyOfBatch(ops);
    return this.#steps.take(
      sync ? "store.sync" : "store.batch",
      () => this.#write(own, sync),
      () => this.#handOver(own),
    );
  }

  range(sub: string, range: StoreRange = {}): AsyncIterable<Row> {
    const begin = () =>
      this.#steps.take("store.range", () => {
        this.#require();
        return this.#medium.log.rows.range(sub, range);
      });
    return new RowIteration(begin, {
      isAlive: () => this.#steps.alive,
      check: () => this.#require(),
      read: (value) => this.#read(value),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOpen = false;
    // Of a boot that has ended nobody comes back.
    if (!this.#boot.ended) await this.#writers;
    if (this.#medium.owner === this) this.#medium.owner = null;
  }

  #require(): void {
    if (!this.#isOpen || this.#boot.ended) throw unavailable("The store is closed.");
  }

  #read(stored: Uint8Array): Uint8Array;
  #read(stored: Uint8Array | undefined): Uint8Array | undefined;
  #read(stored: Uint8Array | undefined): Uint8Array | undefined {
    if (stored === undefined) return undefined;
    const bytes = this.#medium.faults.read(stored);
    if (bytes === null) throw new CodedError("store_corrupt", "The database files are damaged.");
    return bytes;
  }

  #write(ops: readonly StoreOp[], sync: boolean): void | Promise<void> {
    this.#require();
    if (ops.length === 0) return;
    if (this.#writers === null && !(sync && this.#medium.faults.slowSync)) {
      this.#admit(ops);
      this.#medium.log.append(ops);
      if (sync) this.#sync();
      return;
    }
    return this.#queue(() => this.#writeInTurn(ops, sync));
  }

  #queue(write: () => Promise<void>): Promise<void> {
    const turn = (this.#writers ?? Promise.resolve()).then(write);
    const over = () => {
      if (this.#writers === mine) this.#writers = null;
    };
    const mine: Promise<void> = turn.then(over, over);
    this.#writers = mine;
    return turn;
  }

  async #writeInTurn(ops: readonly StoreOp[], sync: boolean): Promise<void> {
    const { log, faults } = this.#medium;
    if (this.#boot.ended) return never();
    this.#admit(ops);
    if (sync) {
      this.#medium.inFlight = ops;
      await this.#clock.sleep(faults.drawSyncMs());
      if (this.#boot.ended) return never();
      this.#medium.inFlight = null;
    }
    // A reader sees a batch only once its fsync is back, as LevelDB puts it into its table after the log.
    log.append(ops);
    if (sync) this.#sync();
  }

  #sync(): void {
    this.#medium.log.sync();
    this.#medium.wear.synced();
  }

  /** What a cut during the step leaves: the batch lies in the log, unsynced, unless it was still waiting for its turn. */
  #handOver(ops: readonly StoreOp[]): void {
    const { log, faults, freeBytes } = this.#medium;
    if (ops.length === 0 || !this.#isOpen || this.#boot.ended || this.#writers !== null) return;
    const bytes = bytesOf(ops);
    if (faults.readOnly || bytes > freeBytes) return;
    this.#count(bytes);
    log.append(ops);
  }

  /** @throws CodedError `storage_full`, `store_read_only` (503). */
  #admit(ops: readonly StoreOp[]): void {
    const { faults, freeBytes } = this.#medium;
    if (faults.readOnly) throw readOnly();
    const bytes = bytesOf(ops);
    if (bytes > freeBytes) throw new CodedError("storage_full", "The disk is full.", { status: 503 });
    this.#count(bytes);
  }

  #count(bytes: number): void {
    this.#bytesWritten += bytes;
    this.#medium.wear.wrote(bytes, true);
  }
}

function bytesOf(ops: readonly StoreOp[]): number {
  let bytes = 0;
  for (const op of ops) bytes += op.key.length + (op.type === "put" ? op.value.length : 0);
  return bytes;
}

const readOnly = (): CodedError =>
  new CodedError("store_read_only", "The disk is mounted read-only.", { status: 503 });

const unavailable = (message: string): CodedError =>
  new CodedError("store_unavailable", message, { status: 503 });
