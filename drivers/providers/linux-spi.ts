import { CodedError } from "../../firmware/core/errors.ts";
import type { SpiDevice, SpiOptions } from "../../firmware/ports/hardware.ts";
import { CallQueue } from "./call-queue.ts";
import type { SpiHandle } from "./native-modules.ts";

/** Default of the kernel parameter spidev.bufsiz: longer messages fail with EMSGSIZE. */
const MAX_TRANSFER_BYTES = 4096;

/** Turns a completion callback into a promise. */
export const completed = (
  call: (done: (error: Error | null | undefined) => void) => unknown,
): Promise<void> =>
  new Promise((resolve, reject) => {
    call((error) => (error ? reject(error) : resolve()));
  });

/** A chip select through spidev. Messages are never split: a split would release the chip select in between. */
export class LinuxSpiDevice implements SpiDevice {
  readonly #handle: SpiHandle;
  readonly #name: string;
  readonly #queue: CallQueue;
  readonly #onClose: () => void;
  #mode: 0 | 1 | 2 | 3 = 0;
  #closed = false;

  constructor(handle: SpiHandle, name: string, onClose: () => void) {
    this.#handle = handle;
    this.#name = name;
    this.#queue = new CallQueue(name);
    this.#onClose = onClose;
  }

  async transfer(data: Uint8Array, options: SpiOptions, signal: AbortSignal): Promise<Uint8Array> {
    if (data.length > MAX_TRANSFER_BYTES) {
      throw new CodedError(
        "io_error",
        `${this.#name}: more than ${MAX_TRANSFER_BYTES} bytes in one message`,
        {
          status: 500,
          details: { target: this.#name, touched: false, bytes: data.length },
        },
      );
    }
    return await this.#queue.run(async () => {
      if (options.mode !== this.#mode) {
        await completed((done) => this.#handle.setOptions({ mode: options.mode }, done));
        this.#mode = options.mode;
      }
      const receiveBuffer = Buffer.alloc(data.length);
      const message = {
        byteLength: data.length,
        sendBuffer: Buffer.from(data),
        receiveBuffer,
        speedHz: options.speedHz,
      };
      await completed((done) => this.#handle.transfer([message], done));
      return Uint8Array.from(receiveBuffer);
    }, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#queue.idle();
    try {
      await completed((done) => this.#handle.close(done));
    } finally {
      this.#onClose();
    }
  }
}
