import type { Level } from "../../firmware/ports/hardware.ts";
import type { Actuator } from "../board/line-wiring.ts";

const TIME_CONSTANT_US = 1_000_000;
const PULSES_PER_TURN = 2;

export interface FanOptions {
  /** Speed at full duty, turns per minute. */
  readonly maxRpm: number;
  /** Level of the control input that means full speed; default 1. */
  readonly activeLow?: boolean;
  /** Level at the control input while nobody drives the line; default 1: its pull-up makes a four-wire fan run. */
  readonly idle?: Level;
}

/**
 * A PWM fan: its speed follows the duty with a time constant of 1 s (simulator.md 5), so that a line that switches
 * fast gives the speed of its average.
 */
export class FanModel implements Actuator {
  readonly #maxRpm: number;
  readonly #activeLow: boolean;
  readonly #idle: Level;
  #duty: number;
  #rpm = 0;
  #sinceUs = 0;
  #seized = false;

  constructor(options: FanOptions) {
    this.#maxRpm = options.maxRpm;
    this.#activeLow = options.activeLow ?? false;
    this.#idle = options.idle ?? 1;
    this.#duty = this.#dutyOf(this.#idle);
  }

  drive(level: Level | null, nowUs: number): void {
    this.setDuty(this.#dutyOf(level ?? this.#idle), nowUs);
  }

  /** A hardware PWM output. @param duty 0..1 */
  setDuty(duty: number, nowUs: number): void {
    this.#settle(nowUs);
    this.#duty = duty;
  }

  /** A seized rotor stops at once and stays so until freed. */
  setSeized(seized: boolean, nowUs: number): void {
    this.#settle(nowUs);
    this.#seized = seized;
    if (seized) this.#rpm = 0;
  }

  /** Turns per minute at `nowUs`, which is not before the last change. */
  rpm(nowUs: number): number {
    if (this.#seized) return 0;
    const target = this.#duty * this.#maxRpm;
    return target + (this.#rpm - target) * Math.exp((this.#sinceUs - nowUs) / TIME_CONSTANT_US);
  }

  /** Share of full speed, 0..1, as the world's nodes take it. */
  share(nowUs: number): number {
    return this.rpm(nowUs) / this.#maxRpm;
  }

  /** Frequency of the tachometer output, two pulses per turn (Intel 4-Wire PWM Controlled Fans 1.3, 2.1.3). */
  tachHz(nowUs: number): number {
    return (this.rpm(nowUs) / 60) * PULSES_PER_TURN;
  }

  #settle(nowUs: number): void {
    this.#rpm = this.rpm(nowUs);
    this.#sinceUs = nowUs;
  }

  #dutyOf(level: Level): number {
    return (level === 0) === this.#activeLow ? 1 : 0;
  }
}
