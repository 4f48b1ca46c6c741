import {
  type Bme280Calibration,
  type Climate,
  DEFAULT_CALIBRATION,
  dataRegisters,
  encodeClimate,
  measureUs,
  oversampling,
  type RawClimate,
  SKIPPED_16_BIT,
  SKIPPED_20_BIT,
  storeCalibration,
} from "./bme280-codec.ts";
import type { I2cTarget } from "./target.ts";

const ID = 0xd0;
const RESET = 0xe0;
const CTRL_HUM = 0xf2;
const STATUS = 0xf3;
const CTRL_MEAS = 0xf4;
const CONFIG = 0xf5;
const DATA = 0xf7;
const CHIP_ID = 0x60;
const RESET_COMMAND = 0xb6;
const STARTUP_US = 2000;
/** Standby times of config bits 7..5 in microseconds (data sheet, table 27). */
const STANDBY_US = [500, 62_500, 125_000, 250_000, 500_000, 1_000_000, 10_000, 20_000] as const;
const FILTER = [1, 2, 4, 8, 16, 16, 16, 16] as const;

export interface Bme280ModelOptions {
  /** The quantities at the start of a conversion, with whatever noise the caller adds. */
  readonly sample: (atUs: number) => Climate;
  readonly calibration?: Bme280Calibration;
  readonly chipId?: number;
  readonly bootUs?: number;
}

/** Register-level BME280 (simulator.md 5; Bosch BST-BME280-DS002 chapter 5). */
export class Bme280Model implements I2cTarget {
  readonly #options: Bme280ModelOptions;
  readonly #calibration: Bme280Calibration;
  #registers = new Uint8Array(256);
  #pointer = 0;
  #readyUs: number;
  #activeHum = 0;
  #measuring: { readonly endUs: number; readonly raw: RawClimate } | null = null;
  #filtered: { t: number; p: number } | null = null;

  constructor(options: Bme280ModelOptions) {
    this.#options = options;
    this.#calibration = options.calibration ?? DEFAULT_CALIBRATION;
    this.#readyUs = (options.bootUs ?? 0) + STARTUP_US;
    this.#powerOn();
  }

  write(data: Uint8Array, nowUs: number): boolean {
    this.#advance(nowUs);
    if (data.length === 0) return true;
    this.#pointer = data[0] ?? 0;
    // Writes are (register, value) pairs; a lone register sets the pointer for the read that follows.
    for (let i = 0; i + 1 < data.length; i += 2) this.#writeRegister(data[i] ?? 0, data[i + 1] ?? 0, nowUs);
    return true;
  }

  read(length: number, nowUs: number): Uint8Array {
    this.#advance(nowUs);
    this.#registers[STATUS] = (this.#measuring ? 0x08 : 0) | (nowUs < this.#readyUs ? 0x01 : 0);
    const out = new Uint8Array(length);
    for (let i = 0; i < length; i++) out[i] = this.#registers[(this.#pointer + i) & 0xff] ?? 0;
    return out;
  }

  #powerOn(): void {
    this.#registers = new Uint8Array(256);
    storeCalibration(this.#calibration, this.#registers);
    this.#registers[ID] = this.#options.chipId ?? CHIP_ID;
    this.#registers.set(
      dataRegisters({ adcP: SKIPPED_20_BIT, adcT: SKIPPED_20_BIT, adcH: SKIPPED_16_BIT }),
      DATA,
    );
    this.#activeHum = 0;
    this.#measuring = null;
    this.#filtered = null;
  }

  #writeRegister(register: number, value: number, nowUs: number): void {
    if (register === RESET && value === RESET_COMMAND) {
      this.#powerOn();
      this.#readyUs = nowUs + STARTUP_US;
    } else if (register === CTRL_HUM) {
      this.#registers[CTRL_HUM] = value & 0x07;
    } else if (register === CONFIG) {
      this.#registers[CONFIG] = value & 0xfd;
    } else if (register === CTRL_MEAS) {
      this.#registers[CTRL_MEAS] = value;
      // A humidity setting becomes effective only here (data sheet 5.4.3).
      this.#activeHum = this.#registers[CTRL_HUM] ?? 0;
      if ((value & 3) === 0) this.#measuring = null;
      else this.#start(Math.max(nowUs, this.#readyUs));
    }
  }

  #start(atUs: number): void {
    const control = this.#registers[CTRL_MEAS] ?? 0;
    const osT = oversampling(control >> 5);
    const osP = oversampling(control >> 2);
    const osH = oversampling(this.#activeHum);
    const raw = encodeClimate(this.#calibration, this.#options.sample(atUs));
    this.#measuring = {
      endUs: atUs + measureUs(osT, osP, osH),
      raw: {
        adcT: osT === 0 ? SKIPPED_20_BIT : raw.adcT,
        adcP: osP === 0 ? SKIPPED_20_BIT : raw.adcP,
        adcH: osH === 0 ? SKIPPED_16_BIT : raw.adcH,
      },
    };
  }

  #advance(nowUs: number): void {
    while (this.#measuring && this.#measuring.endUs <= nowUs) {
      const { endUs, raw } = this.#measuring;
      this.#registers.set(dataRegisters(this.#filter(raw)), DATA);
      this.#measuring = null;
      const control = this.#registers[CTRL_MEAS] ?? 0;
      if ((control & 3) !== 3) {
        this.#registers[CTRL_MEAS] = control & 0xfc;
        return;
      }
      const standby = STANDBY_US[(this.#registers[CONFIG] ?? 0) >> 5] ?? 500;
      // A device left alone for long converts only its last few cycles here; nobody could read the others.
      const behind = Math.floor((nowUs - endUs) / standby);
      const skip = Math.max(0, behind - 32) * standby;
      this.#start(endUs + skip + standby);
    }
  }

  #filter(raw: RawClimate): RawClimate {
    const c = FILTER[((this.#registers[CONFIG] ?? 0) >> 2) & 7] ?? 1;
    if (c === 1) return raw;
    const old = this.#filtered ?? { t: raw.adcT, p: raw.adcP };
    const next = (was: number, now: number): number => Math.trunc((was * (c - 1) + now) / c);
    const t = raw.adcT === SKIPPED_20_BIT ? raw.adcT : next(old.t, raw.adcT);
    const p = raw.adcP === SKIPPED_20_BIT ? raw.adcP : next(old.p, raw.adcP);
    this.#filtered = { t, p };
    return { ...raw, adcT: t, adcP: p };
  }
}
