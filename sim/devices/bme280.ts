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
import { nextStartUs } from "./free-running.ts";
import type { I2cTarget } from "./target.ts";

const ID = 0xd0;
const RESET = 0xe0;
const CTRL_HUM = 0xf2;
const STATUS = 0xf3;
const CTRL_MEAS = 0xf4;
const CONFIG = 0xf5;
const DATA = 0xf7;
const CHIP_ID = 0x60;
const MODE = 3;
const NORMAL = 3;
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
  /** Start of the next measurement in normal mode. */
  #nextUs: number | null = null;
  /** State of the IIR filter, with the fraction that the registers do not show. */
  #filtered: { readonly t: number | null; readonly p: number | null } = { t: null, p: null };
  /** A ctrl_meas that waits for the end of the running measurement. */
  #pendingControl: number | null = null;

  constructor(options: Bme280ModelOptions) {
    this.#options = options;
    this.#calibration = options.calibration ?? DEFAULT_CALIBRATION;
    this.#readyUs = (options.bootUs ?? 0) + STARTUP_US;
    this.#reset();
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

  powerCut(): void {
    this.#reset();
  }

  powerOn(nowUs: number): void {
    this.#reset();
    this.#readyUs = nowUs + STARTUP_US;
  }

  #reset(): void {
    this.#registers = new Uint8Array(256);
    storeCalibration(this.#calibration, this.#registers);
    this.#registers[ID] = this.#options.chipId ?? CHIP_ID;
    this.#registers.set(
      dataRegisters({ adcP: SKIPPED_20_BIT, adcT: SKIPPED_20_BIT, adcH: SKIPPED_16_BIT }),
      DATA,
    );
    this.#activeHum = 0;
    this.#measuring = null;
    this.#nextUs = null;
    this.#filtered = { t: null, p: null };
    this.#pendingControl = null;
  }

  #writeRegister(register: number, value: number, nowUs: number): void {
    if (register === RESET) {
      if (value === RESET_COMMAND) this.powerOn(nowUs);
    } else if (register === CTRL_HUM) {
      this.#registers[CTRL_HUM] = value & 0x07;
    } else if (register === CONFIG) {
      // In normal mode the chip may ignore it (data sheet 5.4.6), so this one does.
      if (!this.#isNormal()) this.#registers[CONFIG] = value & 0xfd;
    } else if (register === CTRL_MEAS) {
      // While measuring, the first mode change waits and further ones are ignored (data sheet 3.3.1).
      if (this.#measuring) this.#pendingControl ??= value;
      else this.#control(value, nowUs);
    }
  }

  #isNormal(): boolean {
    return ((this.#registers[CTRL_MEAS] ?? 0) & MODE) === NORMAL;
  }

  #control(value: number, atUs: number): void {
    this.#registers[CTRL_MEAS] = value;
    // A humidity setting becomes effective only here (data sheet 5.4.3).
    this.#activeHum = this.#registers[CTRL_HUM] ?? 0;
    this.#nextUs = null;
    if ((value & MODE) !== 0) this.#start(atUs);
  }

  /** Samples at `atUs`; a start during the start-up time is carried out at its end. */
  #start(atUs: number): void {
    const { osT, osP, osH } = this.#oversampling();
    const raw = encodeClimate(this.#calibration, this.#options.sample(atUs));
    this.#measuring = {
      endUs: Math.max(atUs, this.#readyUs) + measureUs(osT, osP, osH),
      raw: {
        adcT: osT === 0 ? SKIPPED_20_BIT : raw.adcT,
        adcP: osP === 0 ? SKIPPED_20_BIT : raw.adcP,
        adcH: osH === 0 ? SKIPPED_16_BIT : raw.adcH,
      },
    };
  }

  #oversampling() {
    const control = this.#registers[CTRL_MEAS] ?? 0;
    const osT = oversampling(control >> 5);
    const osP = oversampling(control >> 2);
    return { osT, osP, osH: oversampling(this.#activeHum) };
  }

  #advance(nowUs: number): void {
    for (;;) {
      if (this.#measuring) {
        const { endUs, raw } = this.#measuring;
        if (endUs > nowUs) return;
        this.#registers.set(dataRegisters(this.#filter(raw)), DATA);
        this.#measuring = null;
        this.#afterMeasurement(endUs);
      } else if (this.#nextUs !== null && this.#nextUs <= nowUs) {
        const { osT, osP, osH } = this.#oversampling();
        const periodUs = measureUs(osT, osP, osH) + this.#standbyUs();
        const startUs = nextStartUs(this.#nextUs, periodUs, nowUs, this.#memory());
        this.#nextUs = null;
        this.#start(startUs);
      } else return;
    }
  }

  #afterMeasurement(endUs: number): void {
    const pending = this.#pendingControl;
    this.#pendingControl = null;
    if (this.#isNormal()) this.#nextUs = endUs + this.#standbyUs();
    else this.#registers[CTRL_MEAS] = (this.#registers[CTRL_MEAS] ?? 0) & ~MODE;
    if (pending !== null) this.#control(pending, endUs);
  }

  #standbyUs(): number {
    return STANDBY_US[(this.#registers[CONFIG] ?? 0) >> 5] ?? 500;
  }

  #filterCoefficient(): number {
    return FILTER[((this.#registers[CONFIG] ?? 0) >> 2) & 7] ?? 1;
  }

  /** How many measurements back the filter still remembers: (1 − 1/c)^(8c) is less than a code of 20 bits can show. */
  #memory(): number {
    const c = this.#filterCoefficient();
    return c === 1 ? 1 : 8 * c;
  }

  /** old·(c−1)/c + new/c on temperature and pressure (data sheet 3.4.4). */
  #filter(raw: RawClimate): RawClimate {
    const c = this.#filterCoefficient();
    if (c === 1) {
      this.#filtered = { t: null, p: null };
      return raw;
    }
    const next = (was: number | null, now: number): number | null =>
      now === SKIPPED_20_BIT ? was : was === null ? now : (was * (c - 1)) / c + now / c;
    const t = next(this.#filtered.t, raw.adcT);
    const p = next(this.#filtered.p, raw.adcP);
    this.#filtered = { t, p };
    const shown = (filtered: number | null, now: number): number =>
      now === SKIPPED_20_BIT || filtered === null ? now : Math.floor(filtered);
    return { ...raw, adcT: shown(t, raw.adcT), adcP: shown(p, raw.adcP) };
  }
}
