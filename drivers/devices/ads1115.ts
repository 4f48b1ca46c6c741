import type { Clock } from "../../firmware/ports/clock.ts";
import type { I2cBus } from "../../firmware/ports/hardware.ts";
import { type Measurement, sensorFault } from "./sensor.ts";

const CONVERSION = 0;
const CONFIG = 1;
/** ±4.096 V: covers a 3.3 V supply with the finest step. */
const PGA = 1;
const FULL_SCALE_V = 4.096;
/** 128 samples per second; the device's oscillator may be 10 % off (TI SBAS444, 6.5). */
const DATA_RATE = 4;
const CONVERSION_MS = 9;
const MAX_POLLS = 5;

/** Texas Instruments ADS1115, single-ended, single shot. */
export class Ads1115 {
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

  /**
   * Volts at input 0..3.
   * @throws CodedError `sensor_fault` when the settings did not stay, the conversion does not end or saturates.
   */
  async read(input: number, signal: AbortSignal): Promise<Measurement> {
    // Start, input against ground, gain, single shot, rate, comparator off.
    const config = 0x8000 | ((4 + input) << 12) | (PGA << 9) | 0x0100 | (DATA_RATE << 5) | 0x0003;
    const start = Uint8Array.of(CONFIG, config >> 8, config & 0xff);
    await this.#bus.transfer(this.#address, start, 0, signal);
    await this.#clock.sleep(CONVERSION_MS, signal);
    for (let poll = 0; poll < MAX_POLLS; poll++) {
      const settings = await this.#word(CONFIG, signal);
      if ((settings & 0x7fff) !== (config & 0x7fff))
        throw sensorFault(this.#source, "settings lost", { settings });
      if (settings & 0x8000) return this.#measure(await this.#word(CONVERSION, signal));
      await this.#clock.sleep(1, signal);
    }
    throw sensorFault(this.#source, "conversion does not end");
  }

  #measure(word: number): Measurement {
    const raw = (word << 16) >> 16;
    if (raw === 32_767 || raw === -32_768) throw sensorFault(this.#source, "saturated", { raw });
    return { value: (raw * FULL_SCALE_V) / 32_768, unit: "V", raw };
  }

  async #word(register: number, signal: AbortSignal): Promise<number> {
    const [high = 0, low = 0] = await this.#bus.transfer(this.#address, Uint8Array.of(register), 2, signal);
    return (high << 8) | low;
  }
}
