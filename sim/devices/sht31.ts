import { nextStartUs } from "./free-running.ts";
import {
  BREAK,
  CLEAR_STATUS,
  FETCH,
  HEATER_OFF,
  HEATER_ON,
  PERIODIC,
  READ_LIMIT,
  READ_STATUS,
  SINGLE_SHOT,
  SOFT_RESET,
  WRITE_LIMIT,
} from "./sht31-commands.ts";
import {
  DEFAULT_LIMITS,
  type Sht31Limits,
  sht31Alerts,
  sht31Crc,
  sht31Frame,
  sht31Word,
  TRACKING_ALERT_RH,
  TRACKING_ALERT_T,
} from "./sht31-frame.ts";
import type { I2cTarget } from "./target.ts";

const STATUS_AFTER_RESET = 0x8010;
const ALERT_PENDING = 0x8000;
const HEATER_BIT = 0x2000;
const TRACKING_ALERTS = TRACKING_ALERT_RH | TRACKING_ALERT_T;
const COMMAND_FAILED = 0x0002;
const CHECKSUM_FAILED = 0x0001;
/** Alert pending, tracking alerts and reset detected (SHT3x-DIS, table 18). */
const CLEARABLE = 0x8c10;
const HEATER_C = 3;
const RESET_US = 1500;
const BREAK_US = 1000;
const GENERAL_CALL_RESET = 0x06;

export interface Sht31Sample {
  readonly temperatureC: number;
  readonly humidityPct: number;
}

interface Measurement {
  readonly endUs: number;
  readonly rawT: number;
  readonly rawRH: number;
  readonly frame: Uint8Array;
}

/** SHT31 (simulator.md 5; Sensirion SHT3x-DIS, chapter 4): single shot, periodic acquisition, status, limits, heater. */
export class Sht31Model implements I2cTarget {
  readonly #sample: (atUs: number) => Sht31Sample;
  #status = STATUS_AFTER_RESET;
  #limits: Sht31Limits = { ...DEFAULT_LIMITS };
  /** Until then the sensor acknowledges nothing (reset, break). */
  #readyUs = 0;
  #single: { readonly measurement: Measurement; readonly stretch: boolean } | null = null;
  #periodic: { readonly us: number; readonly periodUs: number; nextUs: number } | null = null;
  #running: Measurement | null = null;
  /** The last periodic result that nobody fetched. */
  #fresh: Uint8Array | null = null;
  #answer: Uint8Array | null = null;

  /** @param options.sample the quantities at the start of a measurement */
  constructor(options: { readonly sample: (atUs: number) => Sht31Sample }) {
    this.#sample = options.sample;
  }

  write(data: Uint8Array, nowUs: number): boolean {
    this.#advance(nowUs);
    if (this.#busy(nowUs)) return false;
    const [high, low] = data;
    // A probe, or a command cut short: acknowledged, nothing happens.
    if (high === undefined || low === undefined) return true;
    this.#answer = null;
    this.#single = null;
    const command = (high << 8) | low;
    const done =
      data.length === 2 ? this.#execute(command, nowUs) : this.#writeLimit(command, data.subarray(2));
    this.#setStatus(COMMAND_FAILED, !done);
    return done;
  }

  /** Too early, or nothing to read: not acknowledged. A result is read once. */
  read(length: number, nowUs: number): Uint8Array | null {
    this.#advance(nowUs);
    const answer = this.#take(nowUs);
    if (!answer) return null;
    const out = new Uint8Array(length).fill(0xff);
    out.set(answer.subarray(0, length));
    return out;
  }

  /** A measurement with clock stretching holds the read until it is over. */
  clockStretchMs(nowUs: number): number {
    if (!this.#single?.stretch) return 0;
    return Math.max(0, this.#single.measurement.endUs - nowUs) / 1000;
  }

  generalCall(data: Uint8Array, nowUs: number): void {
    if (data[0] === GENERAL_CALL_RESET) this.#reset(nowUs);
  }

  powerCut(nowUs: number): void {
    this.#reset(nowUs);
  }

  powerOn(nowUs: number): void {
    this.#reset(nowUs);
  }

  #busy(nowUs: number): boolean {
    return nowUs < this.#readyUs || (this.#single !== null && nowUs < this.#single.measurement.endUs);
  }

  #take(nowUs: number): Uint8Array | null {
    const single = this.#single;
    if (single) {
      // With stretching the controller was held until the end; its clock may be a little off.
      if (nowUs < single.measurement.endUs && !single.stretch) return null;
      this.#single = null;
      return single.measurement.frame;
    }
    const answer = nowUs < this.#readyUs ? null : this.#answer;
    if (answer) this.#answer = null;
    return answer;
  }

  #execute(command: number, nowUs: number): boolean {
    // Anything else is only promised after a break (SHT3x-DIS, 4.8).
    if (this.#periodic && command !== FETCH && command !== BREAK) return false;
    const single = SINGLE_SHOT.get(command);
    const periodic = PERIODIC.get(command);
    const limit = READ_LIMIT.get(command);
    if (single) {
      this.#single = { measurement: this.#measure(nowUs, single.us), stretch: single.stretch };
    } else if (periodic) {
      this.#periodic = { ...periodic, nextUs: nowUs + periodic.periodUs };
      this.#running = this.#measure(nowUs, periodic.us);
      this.#fresh = null;
    } else if (limit) {
      this.#answer = Uint8Array.of(...sht31Word(this.#limits[limit]));
    } else return this.#control(command, nowUs);
    return true;
  }

  #control(command: number, nowUs: number): boolean {
    switch (command) {
      case FETCH:
        // Without new data the command is taken, but the read that follows is not acknowledged.
        this.#answer = this.#fresh;
        this.#fresh = null;
        return this.#periodic !== null;
      case BREAK:
        this.#periodic = null;
        this.#running = null;
        this.#fresh = null;
        this.#readyUs = nowUs + BREAK_US;
        return true;
      case READ_STATUS:
        this.#answer = Uint8Array.of(...sht31Word(this.#status));
        return true;
      case CLEAR_STATUS:
        this.#status &= ~CLEARABLE;
        return true;
      case HEATER_ON:
      case HEATER_OFF:
        this.#setStatus(HEATER_BIT, command === HEATER_ON);
        return true;
      case SOFT_RESET:
        this.#reset(nowUs);
        return true;
      default:
        return false;
    }
  }

  /** Word and checksum after the command; a word with a wrong checksum is flagged and not taken (SHT3x-DIS, 4.12). */
  #writeLimit(command: number, data: Uint8Array): boolean {
    const limit = WRITE_LIMIT.get(command);
    const [high = 0, low = 0, crc] = data;
    if (!limit || data.length !== 3) return false;
    const intact = crc === sht31Crc([high, low]);
    this.#setStatus(CHECKSUM_FAILED, !intact);
    if (intact) this.#limits = { ...this.#limits, [limit]: (high << 8) | low };
    return true;
  }

  #measure(atUs: number, us: number): Measurement {
    const { temperatureC, humidityPct } = this.#sample(atUs);
    const heat = this.#status & HEATER_BIT ? HEATER_C : 0;
    return { endUs: atUs + us, ...sht31Frame(temperatureC + heat, humidityPct) };
  }

  #reset(nowUs: number): void {
    this.#status = STATUS_AFTER_RESET;
    this.#limits = { ...DEFAULT_LIMITS };
    this.#single = null;
    this.#periodic = null;
    this.#running = null;
    this.#fresh = null;
    this.#answer = null;
    this.#readyUs = nowUs + RESET_US;
  }

  #setStatus(bit: number, on: boolean): void {
    this.#status = on ? this.#status | bit : this.#status & ~bit;
  }

  #advance(nowUs: number): void {
    const periodic = this.#periodic;
    while (periodic) {
      if (this.#running) {
        const { endUs, rawT, rawRH, frame } = this.#running;
        if (endUs > nowUs) return;
        this.#fresh = frame;
        this.#track(rawT, rawRH);
        this.#running = null;
      }
      if (periodic.nextUs > nowUs) return;
      const startUs = nextStartUs(periodic.nextUs, periodic.periodUs, nowUs);
      periodic.nextUs = startUs + periodic.periodUs;
      this.#running = this.#measure(startUs, periodic.us);
    }
  }

  /** The alert mode watches every periodic measurement. */
  #track(rawT: number, rawRH: number): void {
    const alerts = sht31Alerts(this.#limits, rawT, rawRH, this.#status);
    this.#setStatus(TRACKING_ALERTS, false);
    this.#status |= alerts;
    if (alerts !== 0) this.#status |= ALERT_PENDING;
  }
}
