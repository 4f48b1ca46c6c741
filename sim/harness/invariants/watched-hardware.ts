/** Hardware as a daemon gets it, with an ear for every read that was answered: the ground truth of evidence. */
import type {
  GpioLine,
  GpioRequest,
  Hardware,
  I2cBus,
  SerialLine,
  SerialOptions,
  SpiDevice,
} from "../../../firmware/ports/hardware.ts";

/** @param path as in `BusRead`. */
export type ReadListener = (path: string) => void;

const hexByte = (address: number): string => `0x${address.toString(16).padStart(2, "0")}`;

/** Members that are not listened to go to the inner object as they are. */
class WatchedHardware implements Hardware {
  readonly #inner: Hardware;
  readonly #onRead: ReadListener;

  constructor(inner: Hardware, onRead: ReadListener) {
    this.#inner = inner;
    this.#onRead = onRead;
  }

  get simulated(): boolean {
    return this.#inner.simulated;
  }

  async gpio(request: GpioRequest): Promise<GpioLine> {
    const line = await this.#inner.gpio(request);
    const path = `gpio/${request.chip}/${request.line}`;
    return {
      read: async () => {
        const level = await line.read();
        this.#onRead(path);
        return level;
      },
      write: (value) => line.write(value),
      watch: (edge, debounceMs, handler) => line.watch(edge, debounceMs, handler),
      [Symbol.asyncDispose]: async () => line[Symbol.asyncDispose](),
    };
  }

  async i2c(bus: number): Promise<I2cBus> {
    const inner = await this.#inner.i2c(bus);
    return {
      transfer: async (address, write, readLength, signal) => {
        const answer = await inner.transfer(address, write, readLength, signal);
        if (readLength > 0) this.#onRead(`i2c/${bus}/${hexByte(address)}`);
        return answer;
      },
      [Symbol.asyncDispose]: async () => inner[Symbol.asyncDispose](),
    };
  }

  async spi(bus: number, chipSelect: number): Promise<SpiDevice> {
    const inner = await this.#inner.spi(bus, chipSelect);
    return {
      transfer: async (data, options, signal) => {
        const answer = await inner.transfer(data, options, signal);
        this.#onRead(`spi/${bus}.${chipSelect}`);
        return answer;
      },
      [Symbol.asyncDispose]: async () => inner[Symbol.asyncDispose](),
    };
  }

  async serial(port: string, options: SerialOptions): Promise<SerialLine> {
    const inner = await this.#inner.serial(port, options);
    return {
      write: (data, signal) => inner.write(data, signal),
      read: async (request, signal) => {
        const answer = await inner.read(request, signal);
        if (answer.data.length > 0) this.#onRead(`serial/${port}`);
        return answer;
      },
      [Symbol.asyncDispose]: async () => inner[Symbol.asyncDispose](),
    };
  }

  probe(resource: string): ReturnType<Hardware["probe"]> {
    return this.#inner.probe(resource);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#inner[Symbol.asyncDispose]();
  }
}

export const watchHardware = (hardware: Hardware, onRead: ReadListener): Hardware =>
  new WatchedHardware(hardware, onRead);
