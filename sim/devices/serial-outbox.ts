/** A byte with the time of its last stop bit. */
export interface TimedByte {
  readonly atUs: number;
  readonly value: number;
}

/** Twice what a kernel buffers: older bytes can no longer reach anybody. */
const MAX_KEPT_BYTES = 8192;

/** What a device has sent and will send. */
export class SerialOutbox {
  readonly #characterUs: number;
  #bytes: TimedByte[] = [];

  constructor(characterUs: number) {
    this.#characterUs = characterUs;
  }

  /** When the last byte is out; -Infinity if there was none. */
  get endUs(): number {
    return this.#bytes.at(-1)?.atUs ?? Number.NEGATIVE_INFINITY;
  }

  /** When the next byte after `afterUs` is out, null if none is on its way. */
  nextUs(afterUs: number): number | null {
    return this.#bytes.find((byte) => byte.atUs > afterUs)?.atUs ?? null;
  }

  /** Sends bytes back to back from `startUs` on, or after what is still going out. @returns when the last is out */
  send(startUs: number, data: Uint8Array): number {
    let atUs = Math.max(startUs, this.endUs);
    for (const value of data) {
      atUs += this.#characterUs;
      this.#bytes.push({ atUs, value });
    }
    this.#bytes = this.#bytes.slice(-MAX_KEPT_BYTES);
    return atUs;
  }

  /** Another transmitter was on the line: bytes that overlap it arrive as framing errors, read as 00h (termios(3)). */
  collide(fromUs: number, toUs: number): void {
    this.#bytes = this.#bytes.map((byte) =>
      byte.atUs > fromUs && byte.atUs - this.#characterUs < toUs ? { ...byte, value: 0 } : byte,
    );
  }

  /** Stops in the middle of a byte: what is not out yet never comes. */
  cut(nowUs: number): void {
    this.#bytes = this.#bytes.filter((byte) => byte.atUs <= nowUs);
  }

  /** Bytes whose last stop bit came after `fromUs` and not after `toUs`. Older ones are forgotten. */
  between(fromUs: number, toUs: number): readonly TimedByte[] {
    this.#bytes = this.#bytes.filter((byte, i) => byte.atUs > fromUs || i === this.#bytes.length - 1);
    return this.#bytes.filter((byte) => byte.atUs > fromUs && byte.atUs <= toUs);
  }
}
