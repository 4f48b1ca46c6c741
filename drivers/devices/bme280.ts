import type { Clock } from "../../firmware/ports/clock.ts";
import type { I2cBus } from "../../firmware/ports/hardware.ts";
import {
  type Bme280Trim,
  compensateFine,
  compensateHumidity,
  compensatePressure,
  compensateTemperature,
  readTrim,
} from "./bme280-compensation.ts";
import { type Measurement, sensorFault } from "./sensor.ts";

const ID = 0xd0;
const CHIP_ID = 0x60;
const TRIM_LOW = 0x88;
const TRIM_HIGH = 0xe1;
const CTRL_HUM = 0xf2;
const CTRL_MEAS = 0xf4;
/** Oversampling 1 for all three, forced mode. */
const HUM_X1 = 0x01;
const FORCED_X1 = 0x25;
const SLEEP_X1 = 0x24;
const MEASURING = 0x09;
/** 1.25 + 2.3 + (2.3 + 0.575) + (2.3 + 0.575) ms, rounded up. */
const CONVERSION_MS = 10;
const MAX_STATUS_POLLS = 5;
/** A second conversion tells a value that happens to equal the mark from a quantity that was not converted. */
const MAX_CONVERSIONS = 2;
const SKIPPED_20 = 0x80000;
const SKIPPED_16 = 0x8000;

interface Codes {
  readonly t: number;
  readonly p: number;
  readonly h: number;
}

export interface ClimateReading {
  readonly temperature: Measurement;
  readonly pressure: Measurement;
  readonly humidity: Measurement;
}

/**
 * Bosch BME280 in forced mode: one conversion per reading, nothing heats the chip between them.
 * Checks the chip id, that the settings it was given are the ones it used, and that nothing was skipped.
 */
export class Bme280 {
  readonly #bus: I2cBus;
  readonly #address: number;
  readonly #clock: Clock;
  readonly #source: string;
  #trim: Bme280Trim | null = null;

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

  /** @throws CodedError `sensor_fault`, or the bus's error; after either the chip is identified anew. */
  async read(signal: AbortSignal): Promise<ClimateReading> {
    try {
      const trim = this.#trim ?? (await this.#identify(signal));
      this.#trim = trim;
      const codes = await this.#convert(signal);
      return this.#compensate(trim, codes);
    } catch (error) {
      // Another chip may answer next time: nothing learnt before a fault is kept.
      this.#trim = null;
      throw error;
    }
  }

  async #identify(signal: AbortSignal): Promise<Bme280Trim> {
    const [id = 0] = await this.#registers(ID, 1, signal);
    if (id !== CHIP_ID) throw sensorFault(this.#source, "wrong chip id", { id, expected: CHIP_ID });
    const low = await this.#registers(TRIM_LOW, 26, signal);
    const high = await this.#registers(TRIM_HIGH, 7, signal);
    for (const bytes of [low, high]) {
      if (bytes.every((byte) => byte === 0xff)) throw sensorFault(this.#source, "line stuck high");
      if (bytes.every((byte) => byte === 0)) throw sensorFault(this.#source, "no trimming words");
    }
    return readTrim(low, high);
  }

  async #convert(signal: AbortSignal): Promise<Codes> {
    for (let conversion = 1; ; conversion++) {
      const codes = await this.#convertOnce(signal);
      const skipped = codes.t === SKIPPED_20 || codes.p === SKIPPED_20 || codes.h === SKIPPED_16;
      if (!skipped) return codes;
      if (conversion >= MAX_CONVERSIONS)
        throw sensorFault(this.#source, "quantity not converted", { ...codes });
    }
  }

  async #convertOnce(signal: AbortSignal): Promise<Codes> {
    await this.#bus.transfer(this.#address, Uint8Array.of(CTRL_HUM, HUM_X1, CTRL_MEAS, FORCED_X1), 0, signal);
    await this.#clock.sleep(CONVERSION_MS, signal);
    for (let poll = 0; poll < MAX_STATUS_POLLS; poll++) {
      // F2..FE in one burst: settings, status and data belong together.
      const burst = await this.#registers(CTRL_HUM, 13, signal);
      if (burst.every((byte) => byte === 0xff)) throw sensorFault(this.#source, "line stuck high");
      const [hum = 0, status = 0, meas = 0] = burst;
      if ((status & MEASURING) !== 0) {
        await this.#clock.sleep(1, signal);
        continue;
      }
      if ((hum & 7) !== HUM_X1 || meas !== SLEEP_X1) {
        throw sensorFault(this.#source, "settings lost", { ctrlHum: hum, ctrlMeas: meas });
      }
      const byte = (i: number): number => burst[i] ?? 0;
      const word20 = (i: number): number => (byte(i) << 12) | (byte(i + 1) << 4) | (byte(i + 2) >> 4);
      return { p: word20(5), t: word20(8), h: (byte(11) << 8) | byte(12) };
    }
    throw sensorFault(this.#source, "conversion does not end");
  }

  /** Values outside the chip's operating range mean damage, not weather (data sheet, tables 1 to 4). */
  #compensate(trim: Bme280Trim, codes: Codes): ClimateReading {
    const tFine = compensateFine(trim, codes.t);
    const temperature = compensateTemperature(tFine);
    const pressure = compensatePressure(trim, tFine, codes.p);
    const humidity = compensateHumidity(trim, tFine, codes.h);
    if (temperature < -40 || temperature > 85)
      throw sensorFault(this.#source, "outside -40..85 °C", { temperature });
    if (pressure < 30_000 || pressure > 110_000) {
      throw sensorFault(this.#source, "outside 300..1100 hPa", { pressure });
    }
    return {
      temperature: { value: temperature, unit: "Cel", raw: codes.t },
      pressure: { value: pressure, unit: "Pa", raw: codes.p },
      humidity: { value: humidity, unit: "%RH", raw: codes.h },
    };
  }

  #registers(register: number, length: number, signal: AbortSignal): Promise<Uint8Array> {
    return this.#bus.transfer(this.#address, Uint8Array.of(register), length, signal);
  }
}
