/** The input at work, in memory that the driver can read while the worker hangs. */
import { MAX_INPUT_BYTES } from "./target.ts";

const HEADER_WORDS = 2;

export class Watch {
  readonly buffer: SharedArrayBuffer;
  /** Number of the input, its length plus one (0: none). */
  readonly #header: Int32Array;
  readonly #bytes: Uint8Array;

  constructor(buffer = new SharedArrayBuffer(HEADER_WORDS * 4 + 2 * MAX_INPUT_BYTES)) {
    this.buffer = buffer;
    this.#header = new Int32Array(buffer, 0, HEADER_WORDS);
    this.#bytes = new Uint8Array(buffer, HEADER_WORDS * 4);
  }

  begin(input: Uint8Array): void {
    const shown = input.subarray(0, this.#bytes.length);
    this.#bytes.set(shown);
    Atomics.store(this.#header, 1, shown.length + 1);
    Atomics.add(this.#header, 0, 1);
  }

  end(): void {
    Atomics.store(this.#header, 1, 0);
  }

  /** Null between two inputs. */
  current(): { readonly number: number; readonly input: Uint8Array } | null {
    const length = Atomics.load(this.#header, 1) - 1;
    if (length < 0) return null;
    return { number: Atomics.load(this.#header, 0), input: this.#bytes.slice(0, length) };
  }
}
