import { CodedError } from "../../firmware/core/errors.ts";
import type { I2cBus } from "../../firmware/ports/hardware.ts";
import { CallQueue } from "./call-queue.ts";
import type { I2cHandle } from "./native-modules.ts";

/** Largest block the kernel reads after a register byte with a repeated start (I2C_SMBUS_BLOCK_MAX). */
const MAX_BLOCK = 32;

/**
 * A bus through i2c-dev. A one-byte write with a read of up to 32 bytes is one transfer with a repeated start; every
 * other combination is a write, a stop and a read, undisturbed by other users of this object.
 */
export class LinuxI2cBus implements I2cBus {
  readonly #handle: I2cHandle;
  readonly #name: string;
  readonly #queue: CallQueue;

  constructor(handle: I2cHandle, bus: number) {
    this.#handle = handle;
    this.#name = `i2c:${bus}`;
    this.#queue = new CallQueue(this.#name);
  }

  async transfer(
    address: number,
    write: Uint8Array,
    readLength: number,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    return await this.#queue.run(() => this.#transfer(address, write, readLength), signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#queue.idle();
    await this.#handle.close();
  }

  async #transfer(address: number, write: Uint8Array, readLength: number): Promise<Uint8Array> {
    const answer = Buffer.alloc(readLength);
    const [register] = write;
    if (write.length === 1 && register !== undefined && readLength > 0 && readLength <= MAX_BLOCK) {
      const { bytesRead } = await this.#handle.readI2cBlock(address, register, readLength, answer);
      return this.#complete(answer, bytesRead, readLength);
    }
    if (write.length > 0) {
      const { bytesWritten } = await this.#handle.i2cWrite(address, write.length, Buffer.from(write));
      this.#complete(answer, bytesWritten, write.length);
    }
    if (readLength === 0) return new Uint8Array(0);
    const { bytesRead } = await this.#handle.i2cRead(address, readLength, answer);
    return this.#complete(answer, bytesRead, readLength);
  }

  #complete(answer: Buffer, done: number, wanted: number): Uint8Array {
    if (done === wanted) return Uint8Array.from(answer);
    throw new CodedError("io_error", `${this.#name}: short transfer`, {
      status: 500,
      details: { target: this.#name, touched: true, done, wanted },
    });
  }
}
