import {
  ds3231TemperatureRegisters,
  ds3231TimeRegisters,
  isoWeekday,
  readTimeRegisters,
} from "./ds3231-registers.ts";
import { nextStartUs } from "./free-running.ts";
import type { I2cTarget } from "./target.ts";

const REGISTERS = 0x13;
const TIME_REGISTERS = 7;
const CONTROL = 0x0e;
const STATUS = 0x0f;
const AGING = 0x10;
const TEMPERATURE = 0x11;
const CONTROL_RESET = 0x1c;
/** Oscillator stop flag and 32 kHz output. */
const STATUS_RESET = 0x88;
const OSF = 0x80;
const BUSY = 0x04;
const ENABLE_32KHZ = 0x08;
const ALARM_FLAGS = 0x03;
const OSCILLATOR_OFF = 0x80;
const CONVERT = 0x20;
/** Date after the first power-up: 2000-01-01 00:00:00, weekday 1. */
const FIRST_POWER_MS = 946_684_800_000;
const TEMPERATURE_PERIOD_US = 64_000_000;
/** tCONV, the longest. */
const TEMPERATURE_US = 200_000;

export interface Ds3231Options {
  /** True UTC in milliseconds; what a clock that was set before the scenario starts from. */
  readonly utcMsAt: (atUs: number) => number;
  readonly temperatureC: (atUs: number) => number;
  /** Error of this part's oscillator, within ±2 ppm for a sound one. */
  readonly ppm: number;
  /** `running`: set long ago and kept by its battery. `new`: powered for the first time, time unknown. */
  readonly state?: "running" | "new";
  readonly bootUs?: number;
}

/**
 * DS3231 real-time clock (simulator.md 5). Kept in its registers: time in 24 or 12 h form, control, status, aging,
 * temperature every 64 s. The alarm registers are stored but never match, the aging offset does not tune the oscillator.
 */
export class Ds3231Model implements I2cTarget {
  readonly #options: Ds3231Options;
  readonly #registers = new Uint8Array(REGISTERS);
  #pointer = 0;
  /** The clock shows `ms` at `atUs`. */
  #base = { ms: FIRST_POWER_MS, atUs: 0 };
  /** What the weekday register runs ahead of the calendar's weekday, 0..6. */
  #weekdayShift = 0;
  #twelveHour = false;
  #hasBattery = true;
  #power: "on" | "off" = "on";
  #stopped = false;
  #nextTemperatureUs = 0;
  #conversion: { readonly endUs: number; readonly bytes: Uint8Array } | null = null;

  constructor(options: Ds3231Options) {
    this.#options = options;
    const bootUs = options.bootUs ?? 0;
    this.#firstPower(bootUs);
    if (options.state === "new") return;
    this.#base = { ms: options.utcMsAt(bootUs), atUs: bootUs };
    this.#weekdayShift = 0;
    this.#setRegister(STATUS, STATUS_RESET & ~OSF);
  }

  write(data: Uint8Array, nowUs: number): boolean {
    this.#advance(nowUs);
    const [pointer] = data;
    if (pointer === undefined) return true;
    const time = this.#timeRegisters(nowUs);
    let first = pointer % REGISTERS;
    let timeWritten = false;
    let secondsWritten = false;
    for (const byte of data.subarray(1)) {
      if (first < TIME_REGISTERS) {
        time[first] = byte;
        timeWritten = true;
        secondsWritten ||= first === 0;
      } else this.#writeRegister(first, byte, nowUs);
      first = (first + 1) % REGISTERS;
    }
    if (timeWritten) this.#setTime(time, secondsWritten, nowUs);
    this.#pointer = first;
    return true;
  }

  /** A burst shows one instant: the time registers are copied when it begins. */
  read(length: number, nowUs: number): Uint8Array {
    this.#advance(nowUs);
    this.#registers.set(this.#timeRegisters(nowUs));
    const out = new Uint8Array(length);
    for (let i = 0; i < length; i++) out[i] = this.#registers[(this.#pointer + i) % REGISTERS] ?? 0;
    this.#pointer = (this.#pointer + length) % REGISTERS;
    return out;
  }

  /** The clock goes on with its battery, unless its oscillator is disabled on battery (EOSC). */
  powerCut(nowUs: number): void {
    this.#advance(nowUs);
    this.#power = "off";
    this.#pointer = 0;
    if (!this.#hasBattery) this.#firstPower(nowUs);
    else if ((this.#registers[CONTROL] ?? 0) & OSCILLATOR_OFF) {
      this.#rebase(nowUs);
      this.#stopped = true;
      this.#setRegister(STATUS, (this.#registers[STATUS] ?? 0) | OSF);
    }
  }

  powerOn(nowUs: number): void {
    this.#power = "on";
    if (!this.#hasBattery) this.#firstPower(nowUs);
    if (this.#stopped) this.#base = { ...this.#base, atUs: nowUs };
    this.#stopped = false;
  }

  /** The battery is empty or taken out: without supply the time is lost at once, otherwise with the next power cut. */
  loseBattery(nowUs: number): void {
    this.#hasBattery = false;
    if (this.#power === "off") this.#firstPower(nowUs);
  }

  /** Milliseconds since 1970 that the clock shows. */
  shownMs(nowUs: number): number {
    if (this.#stopped) return this.#base.ms;
    const elapsedUs = nowUs - this.#base.atUs;
    return this.#base.ms + Math.floor((elapsedUs + (elapsedUs * this.#options.ppm) / 1e6) / 1000);
  }

  #firstPower(nowUs: number): void {
    this.#registers.fill(0);
    this.#setRegister(CONTROL, CONTROL_RESET);
    this.#setRegister(STATUS, STATUS_RESET);
    this.#base = { ms: FIRST_POWER_MS, atUs: nowUs };
    this.#weekdayShift = this.#shiftFor(1, FIRST_POWER_MS);
    this.#twelveHour = false;
    this.#stopped = false;
    this.#conversion = null;
    this.#nextTemperatureUs = nowUs;
  }

  #setRegister(register: number, value: number): void {
    this.#registers[register] = value;
  }

  #shiftFor(weekday: number, ms: number): number {
    return (((weekday - isoWeekday(ms)) % 7) + 7) % 7;
  }

  #timeRegisters(nowUs: number): Uint8Array {
    const ms = this.shownMs(nowUs);
    const weekday = ((isoWeekday(ms) - 1 + this.#weekdayShift) % 7) + 1;
    return ds3231TimeRegisters(ms, { weekday, twelveHour: this.#twelveHour });
  }

  /** Writing the seconds restarts the countdown chain; otherwise the fraction of the second goes on. */
  #setTime(registers: Uint8Array, secondsWritten: boolean, nowUs: number): void {
    const fraction = secondsWritten ? 0 : ((this.shownMs(nowUs) % 1000) + 1000) % 1000;
    const { ms, weekday, twelveHour } = readTimeRegisters(registers);
    this.#base = { ms: ms + fraction, atUs: nowUs };
    this.#weekdayShift = this.#shiftFor(weekday, ms);
    this.#twelveHour = twelveHour;
  }

  #rebase(nowUs: number): void {
    this.#base = { ms: this.shownMs(nowUs), atUs: nowUs };
  }

  #writeRegister(register: number, value: number, nowUs: number): void {
    if (register === STATUS) {
      // OSF and the alarm flags can only be cleared, BSY is read-only.
      const old = this.#registers[STATUS] ?? 0;
      const clearable = OSF | ALARM_FLAGS;
      const kept = old & value & clearable;
      this.#setRegister(STATUS, kept | (value & ENABLE_32KHZ) | (old & BUSY));
    } else if (register === CONTROL) {
      const converting = (this.#registers[CONTROL] ?? 0) & CONVERT;
      this.#setRegister(CONTROL, value | converting);
      if (value & CONVERT && !this.#conversion) this.#startTemperature(nowUs);
    } else if (register <= AGING) this.#setRegister(register, value);
  }

  #startTemperature(atUs: number): void {
    const bytes = ds3231TemperatureRegisters(this.#options.temperatureC(atUs));
    this.#conversion = { endUs: atUs + TEMPERATURE_US, bytes };
    this.#setRegister(STATUS, (this.#registers[STATUS] ?? 0) | BUSY);
  }

  #advance(nowUs: number): void {
    for (;;) {
      if (this.#conversion) {
        if (this.#conversion.endUs > nowUs) return;
        this.#registers.set(this.#conversion.bytes, TEMPERATURE);
        this.#setRegister(STATUS, (this.#registers[STATUS] ?? 0) & ~BUSY);
        this.#setRegister(CONTROL, (this.#registers[CONTROL] ?? 0) & ~CONVERT);
        this.#conversion = null;
      }
      if (this.#nextTemperatureUs > nowUs) return;
      const startUs = nextStartUs(this.#nextTemperatureUs, TEMPERATURE_PERIOD_US, nowUs);
      this.#nextTemperatureUs = startUs + TEMPERATURE_PERIOD_US;
      this.#startTemperature(startUs);
    }
  }
}
