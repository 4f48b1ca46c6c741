/**
 * CBOR of plain JSON and octets, byte for byte as the library writes it. Nearly all rows are small objects of short ASCII
 * texts; those take two thirds of the library's time here. Whatever else comes is left to it.
 */

/** Rows that need more are rare; they take the library's way. */
const ROOM = 16_384;
const DEPTH = 24;
/** Longer texts are written by the engine in one go. */
const SHORT_TEXT = 16;

export class CborWriter {
  readonly #room = Buffer.alloc(ROOM);
  #at = 0;

  /** The bytes in memory of their own; null for a value that is none of this writer's. */
  write(value: unknown): Uint8Array | null {
    this.#at = 0;
    if (!this.#item(value, 0)) return null;
    const bytes = Buffer.from(this.#room.subarray(0, this.#at));
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  #item(value: unknown, depth: number): boolean {
    if (this.#at > ROOM - 16 || depth > DEPTH) return false;
    switch (typeof value) {
      case "string":
        return this.#text(value);
      case "number":
        return this.#number(value);
      case "boolean":
        this.#room[this.#at++] = value ? 0xf5 : 0xf4;
        return true;
      case "object":
        return value === null ? this.#null() : this.#object(value, depth);
      default:
        return false;
    }
  }

  #null(): true {
    this.#room[this.#at++] = 0xf6;
    return true;
  }

  /** The head of an item: its major type, and a length below 65536. */
  #head(major: number, length: number): void {
    const room = this.#room;
    if (length < 24) {
      room[this.#at++] = major | length;
    } else if (length < 0x100) {
      room[this.#at++] = major | 24;
      room[this.#at++] = length;
    } else {
      room[this.#at++] = major | 25;
      room[this.#at++] = length >> 8;
      room[this.#at++] = length & 0xff;
    }
  }

  /** ASCII only: elsewhere bytes are not units, and the library has its own way with lone surrogates. */
  #text(text: string): boolean {
    const { length } = text;
    if (this.#at + length > ROOM - 16) return false;
    this.#head(0x60, length);
    const room = this.#room;
    if (length > SHORT_TEXT) {
      // Of a text that is not ASCII this writes more bytes than it has units, or as many as there is room for.
      const written = room.write(text, this.#at, "utf8");
      this.#at += written;
      return written === length;
    }
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 0x7f) return false;
      room[this.#at++] = unit;
    }
    return true;
  }

  #number(value: number): true {
    const room = this.#room;
    if (value >>> 0 === value) {
      if (value < 0x10000) this.#head(0x00, value);
      else this.#at = room.writeUInt32BE(value, this.#mark(0x1a));
    } else if (value >> 0 === value) {
      const below = ~value;
      if (below < 0x10000) this.#head(0x20, below);
      else this.#at = room.writeUInt32BE(below, this.#mark(0x3a));
    } else if (value < 0 && value >= -0x1_0000_0000 && Math.floor(value) === value) {
      this.#at = room.writeUInt32BE(-1 - value, this.#mark(0x3a));
    } else this.#at = room.writeDoubleBE(value, this.#mark(0xfb));
    return true;
  }

  #mark(byte: number): number {
    this.#room[this.#at++] = byte;
    return this.#at;
  }

  #object(value: object, depth: number): boolean {
    const { constructor: kind } = value;
    if (kind === Object) return this.#map(value as Readonly<Record<string, unknown>>, depth);
    if (kind === Array) return this.#list(value as readonly unknown[], depth);
    return kind === Uint8Array ? this.#octets(value as Uint8Array) : false;
  }

  #map(value: Readonly<Record<string, unknown>>, depth: number): boolean {
    const keys = Object.keys(value);
    if (keys.length >= ROOM) return false;
    this.#head(0xa0, keys.length);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as string;
      if (this.#at > ROOM - 16 || !this.#text(key) || !this.#item(value[key], depth + 1)) return false;
    }
    return true;
  }

  #list(value: readonly unknown[], depth: number): boolean {
    if (value.length >= ROOM) return false;
    this.#head(0x80, value.length);
    for (let i = 0; i < value.length; i++) if (!this.#item(value[i], depth + 1)) return false;
    return true;
  }

  #octets(value: Uint8Array): boolean {
    if (this.#at + value.length > ROOM - 16) return false;
    this.#head(0x40, value.length);
    this.#room.set(value, this.#at);
    this.#at += value.length;
    return true;
  }
}
