/** Input lines have one owner in the kernel but several readers in the daemon: triggers watch what programs read. */
import type {
  GpioLine,
  GpioRequest,
  Hardware,
  I2cBus,
  SerialLine,
  SerialOptions,
  SpiDevice,
} from "../ports/hardware.ts";

interface Shared {
  readonly opening: Promise<GpioLine>;
  holders: number;
}

/** Hands out one open line to everybody who asks for the same input; the last release closes it. */
export class SharedInputs implements Hardware {
  readonly #hardware: Hardware;
  readonly #lines = new Map<string, Shared>();

  constructor(hardware: Hardware) {
    this.#hardware = hardware;
  }

  get simulated(): boolean {
    return this.#hardware.simulated;
  }

  async gpio(request: GpioRequest): Promise<GpioLine> {
    if (request.direction === "out") return this.#hardware.gpio(request);
    const key = `${request.chip}/${request.line}`;
    const shared = this.#lines.get(key) ?? { opening: this.#hardware.gpio(request), holders: 0 };
    this.#lines.set(key, shared);
    shared.holders++;
    let line: GpioLine;
    try {
      line = await shared.opening;
    } catch (error) {
      if (this.#lines.get(key) === shared) this.#lines.delete(key);
      throw error;
    }
    let released = false;
    return {
      read: () => line.read(),
      write: (value) => line.write(value),
      watch: (edge, debounceMs, handler) => line.watch(edge, debounceMs, handler),
      [Symbol.asyncDispose]: async () => {
        if (released) return;
        released = true;
        if (--shared.holders > 0) return;
        this.#lines.delete(key);
        await line[Symbol.asyncDispose]();
      },
    };
  }

  i2c(bus: number): Promise<I2cBus> {
    return this.#hardware.i2c(bus);
  }

  spi(bus: number, chipSelect: number): Promise<SpiDevice> {
    return this.#hardware.spi(bus, chipSelect);
  }

  serial(port: string, options: SerialOptions): Promise<SerialLine> {
    return this.#hardware.serial(port, options);
  }

  probe(resource: string): ReturnType<Hardware["probe"]> {
    return this.#hardware.probe(resource);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#hardware[Symbol.asyncDispose]();
  }
}
