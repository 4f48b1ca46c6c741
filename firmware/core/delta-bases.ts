/** The values that rows are kept as the difference to (`json-delta.ts`): one for each shape of row, the newest in memory. */
import { decodeCbor, encodeCbor } from "./cbor.ts";
import { sha256Hex } from "./hash.ts";
import type { Octets } from "./json-delta.ts";

/** Bytes of a base's id. */
export const BASE_ID_BYTES = 8;

/** Key of a base: the first 8 bytes of the SHA-256 of its bytes, in hex. */
export const baseIdOf = (bytes: Uint8Array): string => sha256Hex(bytes).slice(0, BASE_ID_BYTES * 2);

export interface DeltaBase {
  readonly id: string;
  /** CBOR of `content`. */
  readonly bytes: Uint8Array;
  readonly content: Octets;
  /** False until a batch with it is durable: until then every row brings its base along. */
  isStored: boolean;
}

export interface DeltaBaseLimits {
  /** Shapes that are remembered. */
  readonly bases: number;
  /** Rows that have one base: what a damaged one takes with it. */
  readonly rows: number;
}

interface Remembered extends DeltaBase {
  uses: number;
}

export class DeltaBases {
  readonly #limits: DeltaBaseLimits;
  readonly #byShape = new Map<string, Remembered>();

  constructor(limits: DeltaBaseLimits) {
    this.#limits = limits;
  }

  /** The base for a row of this shape; the row itself where there is none yet, or where it has served enough. */
  choose(shape: string, content: Octets): DeltaBase {
    const present = this.#byShape.get(shape);
    this.#byShape.delete(shape);
    const base = present !== undefined && present.uses < this.#limits.rows ? present : newBase(content);
    base.uses += 1;
    this.#byShape.set(shape, base);
    for (const oldest of this.#byShape.keys()) {
      if (this.#byShape.size <= this.#limits.bases) break;
      this.#byShape.delete(oldest);
    }
    return base;
  }

  /** To be called before garbage is looked for: a base that no stored row names may be gone afterwards. */
  forget(): void {
    this.#byShape.clear();
  }
}

function newBase(content: Octets): Remembered {
  const bytes = encodeCbor(content);
  // As it will be read back, and nobody else's: what the row was made of may live on and change.
  const kept = decodeCbor(bytes) as Octets;
  return { id: baseIdOf(bytes), bytes, content: kept, uses: 0, isStored: false };
}
