import { canonicalize } from "../../firmware/core/canonical-json.ts";
import { sha256Hex } from "../../firmware/core/hash.ts";
import type { Json } from "../../firmware/core/json.ts";

/** One effect, delivery, fault or state change of a simulated run. */
export interface TraceRecord {
  readonly atUs: number;
  readonly actor: string;
  readonly kind: string;
  readonly data?: Json;
}

/** The hash chain over a run's records: two runs are the same if and only if their last hash is (simulator.md 2). */
export class TraceHash {
  #hash: string;

  constructor(seed: string) {
    this.#hash = sha256Hex(`imu-trace-v1\n${seed}`);
  }

  get hash(): string {
    return this.#hash;
  }

  add(record: TraceRecord): string {
    this.#hash = sha256Hex(this.#hash + canonicalize(record));
    return this.#hash;
  }
}
