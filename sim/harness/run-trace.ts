import type { Json } from "../../firmware/core/json.ts";
import { TraceHash, type TraceRecord } from "../trace/trace.ts";

/** How many records are kept for the report of a violation. */
const KEPT_RECORDS = 4096;

export type TraceListener = (record: TraceRecord, number: number) => void;

/** Everything that happens in a run, hashed as it happens; the newest records are kept, listeners see all of them. */
export class RunTrace {
  readonly #hash: TraceHash;
  readonly #nowUs: () => number;
  readonly #listeners = new Set<TraceListener>();
  readonly #kept: TraceRecord[] = [];
  #count = 0;

  constructor(seed: string, nowUs: () => number) {
    this.#hash = new TraceHash(seed);
    this.#nowUs = nowUs;
  }

  get hash(): string {
    return this.#hash.hash;
  }

  get count(): number {
    return this.#count;
  }

  record(actor: string, kind: string, data?: Json): void {
    const record: TraceRecord = { atUs: this.#nowUs(), actor, kind, ...(data === undefined ? {} : { data }) };
    this.#hash.add(record);
    const number = this.#count++;
    this.#kept[number % KEPT_RECORDS] = record;
    for (const listener of this.#listeners) listener(record, number);
  }

  onRecord(listener: TraceListener): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** The newest records of some actors, oldest first; of all actors if none is named. */
  tail(limit: number, actors: readonly string[] = []): readonly TraceRecord[] {
    const start = this.#count > KEPT_RECORDS ? this.#count % KEPT_RECORDS : 0;
    const ordered = [...this.#kept.slice(start), ...this.#kept.slice(0, start)];
    const wanted = actors.length === 0 ? ordered : ordered.filter(({ actor }) => actors.includes(actor));
    return wanted.slice(-limit);
  }
}
