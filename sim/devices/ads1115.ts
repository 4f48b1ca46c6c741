import type { Level } from "../../firmware/ports/hardware.ts";
import { ads1115Code, ads1115ConversionUs, ads1115Input } from "./ads1115-codes.ts";
import {
  Ads1115Comparator,
  type ComparatorSettings,
  isEnabled,
  isReadySignal,
} from "./ads1115-comparator.ts";
import { nextStartUs } from "./free-running.ts";
import type { I2cTarget } from "./target.ts";
import { wordBytes } from "./word.ts";

const CONVERSION = 0;
const CONFIG = 1;
const LOW_THRESHOLD = 2;
const HIGH_THRESHOLD = 3;
const CONFIG_RESET = 0x8583;
const RESET_REGISTERS = [0, CONFIG_RESET, 0x8000, 0x7fff] as const;
const START = 0x8000;
const SINGLE_SHOT = 0x0100;
const ACTIVE_HIGH = 0x08;
const LATCHING = 0x04;
const GENERAL_CALL_RESET = 0x06;
/** Width of the conversion-ready pulse in continuous mode. */
const READY_PULSE_US = 8;
/** As many finished conversions as the comparator's queue can count. */
const QUEUE_LENGTH = 4;

export interface Ads1115Options {
  /** Volts at an input against ground at the start of a conversion. */
  readonly volts: (input: number, atUs: number) => number;
  /** The oscillator of one device is off by a fixed factor, 0.9 to 1.1. */
  readonly slowness?: number;
  /** Electrical level of ALERT/RDY, an open-drain pin that is 1 while nothing pulls it down. Called on changes. */
  readonly onAlert?: (level: Level, atUs: number) => void;
}

/** ADS1115 (simulator.md 5; TI SBAS444, chapter 8): pointer register, then 16-bit big-endian words. */
export class Ads1115Model implements I2cTarget {
  readonly #options: Ads1115Options;
  readonly #slowness: number;
  readonly #comparator = new Ads1115Comparator();
  #registers: number[] = [...RESET_REGISTERS];
  #pointer = 0;
  #converting: { readonly endUs: number; readonly code: number } | null = null;
  /** A single-shot result that conversion-ready mode has announced. */
  #announced = false;
  #alert: Level = 1;

  constructor(options: Ads1115Options) {
    this.#options = options;
    this.#slowness = options.slowness ?? 1;
  }

  write(data: Uint8Array, nowUs: number): boolean {
    this.advance(nowUs);
    const [pointer, high, low] = data;
    if (pointer === undefined) return true;
    this.#pointer = pointer & 3;
    if (high === undefined || low === undefined || this.#pointer === CONVERSION) return true;
    const value = (high << 8) | low;
    this.#registers[this.#pointer] = value;
    if (this.#pointer === CONFIG) this.#configure(value, nowUs);
    this.#driveAlert(nowUs);
    return true;
  }

  read(length: number, nowUs: number): Uint8Array {
    this.advance(nowUs);
    let value = this.#register(this.#pointer);
    if (this.#pointer === CONFIG) value = (value & 0x7fff) | (this.#converting ? 0 : START);
    if (this.#pointer === CONVERSION && this.#register(CONFIG) & LATCHING) {
      this.#comparator.release();
      this.#driveAlert(nowUs);
    }
    return wordBytes(value, length);
  }

  generalCall(data: Uint8Array, nowUs: number): void {
    if (data[0] === GENERAL_CALL_RESET) this.#reset(nowUs);
  }

  powerCut(nowUs: number): void {
    this.#reset(nowUs);
  }

  advance(nowUs: number): void {
    while (this.#converting && this.#converting.endUs <= nowUs) {
      const { endUs, code } = this.#converting;
      this.#registers[CONVERSION] = code & 0xffff;
      this.#converting = null;
      this.#finish(code, endUs);
      if (this.#register(CONFIG) & SINGLE_SHOT) return;
      this.#start(nextStartUs(endUs, this.#periodUs(), nowUs, QUEUE_LENGTH));
    }
  }

  nextUs(): number | null {
    return this.#options.onAlert ? (this.#converting?.endUs ?? null) : null;
  }

  #register(index: number): number {
    return this.#registers[index] ?? 0;
  }

  #settings(): ComparatorSettings {
    return {
      config: this.#register(CONFIG),
      low: this.#register(LOW_THRESHOLD),
      high: this.#register(HIGH_THRESHOLD),
    };
  }

  #reset(nowUs: number): void {
    this.#registers = [...RESET_REGISTERS];
    this.#pointer = 0;
    this.#converting = null;
    this.#announced = false;
    this.#comparator.release();
    this.#driveAlert(nowUs);
  }

  /** A conversion under way ends with the settings it began with (SBAS444, 8.4.2). */
  #configure(config: number, nowUs: number): void {
    const starts = (config & START) !== 0 || (config & SINGLE_SHOT) === 0;
    if (starts && !this.#converting) this.#start(nowUs);
  }

  #periodUs(): number {
    return Math.round(ads1115ConversionUs((this.#register(CONFIG) >> 5) & 7) * this.#slowness);
  }

  #start(atUs: number): void {
    const config = this.#register(CONFIG);
    const volts = ads1115Input(config, (input) => this.#options.volts(input, atUs));
    this.#announced = false;
    this.#converting = { endUs: atUs + this.#periodUs(), code: ads1115Code(volts, (config >> 9) & 7) };
    this.#driveAlert(atUs);
  }

  #finish(code: number, endUs: number): void {
    const settings = this.#settings();
    if (!isReadySignal(settings)) {
      this.#comparator.judge(code, settings);
      this.#driveAlert(endUs);
    } else if (isEnabled(settings)) {
      this.#announced = true;
      this.#driveAlert(endUs);
      if ((settings.config & SINGLE_SHOT) === 0) {
        this.#announced = false;
        this.#driveAlert(endUs + READY_PULSE_US);
      }
    }
  }

  #driveAlert(atUs: number): void {
    const settings = this.#settings();
    const asserted = isReadySignal(settings) ? this.#announced : this.#comparator.asserted;
    const activeLevel: Level = settings.config & ACTIVE_HIGH ? 1 : 0;
    // Disabled, the pin is released.
    const level: Level = !isEnabled(settings) || asserted === (activeLevel === 1) ? 1 : 0;
    if (level === this.#alert) return;
    this.#alert = level;
    this.#options.onAlert?.(level, atUs);
  }
}
