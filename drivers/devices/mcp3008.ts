import type { SpiDevice, SpiOptions } from "../../firmware/ports/hardware.ts";
import { type Measurement, sensorFault } from "./sensor.ts";

const OPTIONS: SpiOptions = { mode: 0, speedHz: 1_000_000, bitsPerWord: 8 };

/** Microchip MCP3008, single-ended: 10 bits of one of eight channels against the reference (DS21295, 6.1). */
export class Mcp3008 {
  readonly #spi: SpiDevice;
  readonly #source: string;

  constructor(spi: SpiDevice, source: string) {
    this.#spi = spi;
    this.#source = source;
  }

  /** Volts at a channel. @throws CodedError `sensor_fault` when the frame shows that no converter answers. */
  async read(channel: number, vref: number, signal: AbortSignal): Promise<Measurement> {
    const request = Uint8Array.of(0x01, 0x80 | (channel << 4), 0x00);
    const answer = await this.#spi.transfer(request, OPTIONS, signal);
    const [, high = 0xff, low = 0xff] = answer;
    // The converter pulls the null bit low before the code; a missing or stuck one leaves it high.
    if (answer.length !== 3 || (high & 0x04) !== 0)
      throw sensorFault(this.#source, "no null bit in the answer");
    const raw = ((high & 0x03) << 8) | low;
    return { value: (raw * vref) / 1024, unit: "V", raw };
  }
}
