/**
 * CBOR of unknown origin (RFC 8949, sync.md 4.3): definite lengths, bounded depth, no duplicate keys, no tags, no
 * floats, nothing after the item. The caller has checked the size, and no length is believed beyond the bytes present.
 */
import { fromUtf8 } from "../core/bytes.ts";
import { CodedError } from "../core/errors.ts";
import { GOSSIP_LIMITS } from "../core/limits.ts";

export type CborValue =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | readonly CborValue[]
  | ReadonlyMap<string, CborValue>;

function malformed(why: string, cause?: unknown): never {
  throw new CodedError("malformed", `The message is not strict CBOR: ${why}.`, {
    status: 400,
    details: { why },
    cause,
  });
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get done(): boolean {
    return this.#at === this.#bytes.length;
  }

  #take(length: number): number {
    const start = this.#at;
    if (length > this.#bytes.length - start) malformed("truncated");
    this.#at += length;
    return start;
  }

  #argument(info: number): number {
    if (info < 24) return info;
    if (info === 24) return this.#view.getUint8(this.#take(1));
    if (info === 25) return this.#view.getUint16(this.#take(2));
    if (info === 26) return this.#view.getUint32(this.#take(4));
    if (info !== 27) return malformed("indefinite length");
    const value = this.#view.getBigUint64(this.#take(8));
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) malformed("integer out of range");
    return Number(value);
  }

  #slice(length: number): Uint8Array {
    const start = this.#take(length);
    return this.#bytes.slice(start, start + length);
  }

  #text(length: number): string {
    try {
      return fromUtf8(this.#slice(length));
    } catch (cause) {
      return malformed("text is not UTF-8", cause);
    }
  }

  #map(count: number, depth: number): ReadonlyMap<string, CborValue> {
    const out = new Map<string, CborValue>();
    for (let i = 0; i < count; i++) {
      const key = this.value(depth + 1);
      if (typeof key !== "string") return malformed("a key is not text");
      if (out.has(key)) malformed("duplicate key");
      out.set(key, this.value(depth + 1));
    }
    return out;
  }

  value(depth: number): CborValue {
    if (depth > GOSSIP_LIMITS.messageDepth) malformed("too deep");
    const head = this.#view.getUint8(this.#take(1));
    const major = head >> 5;
    const info = head & 0x1f;
    if (major === 7) {
      if (info === 20 || info === 21) return info === 21;
      return info === 22 ? null : malformed("unsupported simple value");
    }
    const argument = this.#argument(info);
    if (major === 0) return argument;
    if (major === 1) return -1 - argument;
    if (major === 2) return this.#slice(argument);
    if (major === 3) return this.#text(argument);
    if (major === 6) return malformed("tag");
    // Every item takes at least one byte, so a count beyond the rest cannot be filled.
    if (argument > this.#bytes.length - this.#at) malformed("truncated");
    if (major === 5) return this.#map(argument, depth);
    const items: CborValue[] = [];
    for (let i = 0; i < argument; i++) items.push(this.value(depth + 1));
    return items;
  }
}

/** One strict item. @throws CodedError `malformed` (400). */
export function decodeStrictCbor(bytes: Uint8Array): CborValue {
  const reader = new Reader(bytes);
  const value = reader.value(1);
  return reader.done ? value : malformed("bytes after the item");
}
