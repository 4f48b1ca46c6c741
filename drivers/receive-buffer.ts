/** Unread bytes of a serial line: bounded, dropping the oldest and counting them (capabilities.md 11, "Serial"). */
export class ReceiveBuffer {
  readonly #capacity: number;
  #bytes: number[] = [];
  #dropped = 0;

  constructor(capacity = 4096) {
    this.#capacity = capacity;
  }

  /** Bytes lost because nobody read them in time. */
  get dropped(): number {
    return this.#dropped;
  }

  get length(): number {
    return this.#bytes.length;
  }

  push(data: Uint8Array): void {
    for (const byte of data.subarray(Math.max(0, data.length - this.#capacity))) this.#bytes.push(byte);
    this.#dropped += Math.max(0, data.length - this.#capacity);
    const excess = this.#bytes.length - this.#capacity;
    if (excess <= 0) return;
    this.#bytes.splice(0, excess);
    this.#dropped += excess;
  }

  /** Takes a complete answer: up to and with `until`, or `maxBytes`; null while neither is there. */
  takeComplete(maxBytes: number, until?: Uint8Array): Uint8Array | null {
    const end = until && until.length > 0 ? this.#endOf(until) : maxBytes;
    const length = Math.min(end ?? maxBytes, maxBytes);
    return this.#bytes.length >= length ? this.take(length) : null;
  }

  /** Takes what is there, at most `maxBytes`. */
  take(maxBytes: number): Uint8Array {
    return Uint8Array.from(this.#bytes.splice(0, maxBytes));
  }

  clear(): void {
    this.#bytes = [];
  }

  #endOf(until: Uint8Array): number | null {
    for (let i = 0; i + until.length <= this.#bytes.length; i++) {
      if (until.every((byte, k) => this.#bytes[i + k] === byte)) return i + until.length;
    }
    return null;
  }
}
