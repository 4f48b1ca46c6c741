import type { Level } from "../../firmware/ports/hardware.ts";
import type { EdgeSource } from "../board/edge-source.ts";
import type { Actuator } from "../board/line-wiring.ts";
import { EdgeTimeline } from "./edge-timeline.ts";

const TRAVEL_US = 5_000_000;

export interface ValveOptions {
  /**
   * `spring`: one line, open while driven, closes by itself. `three-point`: one line opens, one closes, and the valve
   * stands while neither or both are driven.
   */
  readonly kind: "spring" | "three-point";
  readonly activeLow: boolean;
  /** Level at the inputs while nobody drives the lines. */
  readonly idle: Level;
  /** 0 closed .. 1 open; default 0. */
  readonly initial?: number;
  /** Time from end to end; default 5 s. */
  readonly travelUs?: number;
}

type Direction = -1 | 0 | 1;

/** A motor valve: travels at constant speed from end to end in 5 s and reports its position (simulator.md 5). */
export class ValveModel {
  readonly #options: ValveOptions;
  readonly #travelUs: number;
  /** The line that opens; the only one of a spring valve. */
  readonly opening: Actuator;
  /** The line that closes; nothing is connected to it in a spring valve. */
  readonly closing: Actuator;
  /** End switches: 1 while the valve stands at that end. */
  readonly openEnd: EdgeSource;
  readonly closedEnd: EdgeSource;
  readonly #openEnd: EdgeTimeline;
  readonly #closedEnd: EdgeTimeline;
  #open: boolean;
  #close: boolean;
  #direction: Direction = 0;
  #position: number;
  #sinceUs = 0;
  #jammed = false;

  constructor(options: ValveOptions) {
    this.#options = options;
    this.#travelUs = options.travelUs ?? TRAVEL_US;
    this.#position = options.initial ?? 0;
    this.#open = this.#isActive(options.idle);
    this.#close = this.#open;
    this.#openEnd = new EdgeTimeline(this.#position === 1 ? 1 : 0);
    this.#closedEnd = new EdgeTimeline(this.#position === 0 ? 1 : 0);
    this.openEnd = this.#openEnd;
    this.closedEnd = this.#closedEnd;
    this.opening = {
      drive: (level, nowUs) => {
        this.#open = this.#isActive(level ?? options.idle);
        this.#move(nowUs);
      },
    };
    this.closing = {
      drive: (level, nowUs) => {
        this.#close = this.#isActive(level ?? options.idle);
        this.#move(nowUs);
      },
    };
    this.#move(0);
  }

  /** 0 closed .. 1 open, at `nowUs`, which is not before the last change. */
  position(nowUs: number): number {
    const moved = this.#position + (this.#direction * (nowUs - this.#sinceUs)) / this.#travelUs;
    return Math.max(0, Math.min(1, moved));
  }

  /** A jammed valve stands where it is, whatever drives it. */
  setJammed(jammed: boolean, nowUs: number): void {
    this.#jammed = jammed;
    this.#move(nowUs);
  }

  #wanted(): Direction {
    if (this.#jammed) return 0;
    if (this.#options.kind === "spring") return this.#open ? 1 : -1;
    if (this.#open === this.#close) return 0;
    return this.#open ? 1 : -1;
  }

  #move(nowUs: number): void {
    const direction = this.#wanted();
    if (direction === this.#direction) return;
    this.#position = this.position(nowUs);
    this.#sinceUs = nowUs;
    this.#direction = direction;
    this.#planEnd(this.#openEnd, 1, nowUs);
    this.#planEnd(this.#closedEnd, 0, nowUs);
  }

  /** When the switch at an end opens or closes in the movement that begins now. */
  #planEnd(line: EdgeTimeline, end: 0 | 1, nowUs: number): void {
    line.withdraw(nowUs);
    const towards = this.#direction === (end === 1 ? 1 : -1);
    if (towards && line.settled === 0) {
      const left = Math.abs(end - this.#position) * this.#travelUs;
      line.plan([{ atUs: nowUs + Math.ceil(left), value: 1 }]);
    } else if (this.#direction !== 0 && !towards && line.settled === 1) {
      line.plan([{ atUs: nowUs + 1, value: 0 }]);
    }
  }

  #isActive(level: Level): boolean {
    return (level === 0) === this.#options.activeLow;
  }
}
