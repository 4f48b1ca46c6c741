import type { Cell } from "./cell.ts";
import { DelayLine } from "./delay-line.ts";
import { type Schedule, scheduleAt } from "./schedule.ts";

/** What moves a parameter or input from inside the world: a schedule, or another node's quantity. */
export type Drive =
  | { readonly kind: "schedule"; readonly schedule: Schedule }
  | { readonly kind: "quantity"; readonly of: string; readonly gain: number; readonly offset: number };

/** What an actuator does at a time, for example 1 while a relay is closed. Asked once a step, in order of time. */
export type InputSource = (atUs: number) => number;

export interface InputOptions {
  /** Default 1. */
  readonly gain?: number;
  /** From the actuator to its effect, in whole steps, rounded up; default 0. */
  readonly delayUs?: number;
}

type Term = (atUs: number) => number;

/** Everything that drives one cell, added up. */
export class DrivenCell {
  readonly cell: Cell;
  readonly #terms: Term[] = [];

  constructor(cell: Cell) {
    this.cell = cell;
  }

  schedule(schedule: Schedule): void {
    this.#terms.push((atUs) => scheduleAt(schedule, atUs));
  }

  quantity(of: Cell, gain: number, offset: number): void {
    this.#terms.push(() => of.value * gain + offset);
  }

  source(source: InputSource, gain: number, delaySteps: number): void {
    const line = new DelayLine(delaySteps, 0);
    this.#terms.push((atUs) => line.push(source(atUs)) * gain);
  }

  /** Asks every source and sets the cell. @param atUs begin of the step. */
  update(atUs: number): void {
    let sum = 0;
    for (const term of this.#terms) sum += term(atUs);
    this.cell.value = sum;
  }
}
