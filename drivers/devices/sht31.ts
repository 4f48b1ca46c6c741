import type { Clock } from "../../firmware/ports/clock.ts";
import type { I2cBus } from "../../firmware/ports/hardware.ts";
import { type Measurement, sensorFault } from "./sensor.ts";

/** Single shot, high repeatability, no clock stretching: the BCM2835 controller cannot be trusted with stretching. */
const SINGLE_SHOT = Uint8Array.of(0x24, 0x00);
/** 15 ms at most (Sensirion SHT3x-DIS, table 4), rounded up. */
const CONVERSION_MS = 16;

/** CRC-8 by the polynomial x^8 + x^5 + x^4 + 1 from FFh (SHT3x-DIS, 4.12): zero over data and checksum. */
function residue(bytes: Uint8Array): number {
  return bytes.reduce((crc, byte) => {
    let x = crc ^ byte;
    for (let bit = 7; bit >= 0; bit--) x = (x << 1) ^ (x & 0x80 ? 0x131 : 0);
    return x & 0xff;
  }, 0xff);
}

/** Sensirion SHT31: one conversion per reading, both words protected by their checksums. */
export class Sht31 {
  readonly #bus: I2cBus;
  readonly #address: number;
  readonly #clock: Clock;
  readonly #source: string;

  constructor(options: {
    readonly bus: I2cBus;
    readonly address: number;
    readonly clock: Clock;
    readonly source: string;
  }) {
    this.#bus = options.bus;
    this.#address = options.address;
    this.#clock = options.clock;
    this.#source = options.source;
  }

  /** @throws CodedError `sensor_fault` when a checksum is wrong, or the bus's error. */
  async read(
    signal: AbortSignal,
  ): Promise<{ readonly temperature: Measurement; readonly humidity: Measurement }> {
    await this.#bus.transfer(this.#address, SINGLE_SHOT, 0, signal);
    await this.#clock.sleep(CONVERSION_MS, signal);
    const frame = await this.#bus.transfer(this.#address, new Uint8Array(0), 6, signal);
    const temperature = this.#word(frame.subarray(0, 3));
    const humidity = this.#word(frame.subarray(3, 6));
    return {
      temperature: { value: -45 + (175 * temperature) / 65_535, unit: "Cel", raw: temperature },
      humidity: { value: (100 * humidity) / 65_535, unit: "%RH", raw: humidity },
    };
  }

  #word(bytes: Uint8Array): number {
    const [high = 0, low = 0] = bytes;
    if (bytes.length !== 3 || residue(bytes) !== 0) throw sensorFault(this.#source, "wrong checksum");
    return (high << 8) | low;
  }
}
