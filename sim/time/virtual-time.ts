import { CodedError } from "../../firmware/core/errors.ts";
import type { Timer } from "../../firmware/ports/clock.ts";
import { type EventClass, type EventOrder, EventQueue } from "./event-queue.ts";

export interface VirtualTimeOptions {
  readonly order: EventOrder;
  /** Returns once every promise that can settle without new events has settled; the host's one turn. */
  readonly turn: () => Promise<void>;
}

/**
 * True time of a simulated world: integer microseconds from 0, jumping from event to event (simulator.md 2).
 * One event runs until all it can settle has settled, then the next.
 */
export class VirtualTime {
  readonly #queue: EventQueue<() => void>;
  readonly #turn: () => Promise<void>;
  #nowUs = 0;
  #isInside = false;
  #isHalted = false;
  #taken = 0;

  constructor(options: VirtualTimeOptions) {
    this.#queue = new EventQueue(options.order);
    this.#turn = options.turn;
  }

  get nowUs(): number {
    return this.#nowUs;
  }

  /** True while an event and what it settles are running: the only time in which a device may act. */
  get isInsideEvent(): boolean {
    return this.#isInside;
  }

  /** Events taken so far. */
  get taken(): number {
    return this.#taken;
  }

  /** No further event is taken: a violation has been found. */
  halt(): void {
    this.#isHalted = true;
  }

  /** Calls once at true time `atUs`, or as soon as possible when that is past. */
  at(atUs: number, cls: EventClass, run: () => void): Timer {
    const event = this.#queue.add(Math.max(this.#nowUs, Math.ceil(atUs)), cls, run);
    const cancel = () => this.#queue.remove(event);
    return { cancel, [Symbol.dispose]: cancel };
  }

  /** Runs all events due up to `atUs` and ends there. Stops early when `signal` is aborted or it is halted. */
  async runUntil(atUs: number, signal?: AbortSignal): Promise<void> {
    await this.#settled();
    for (;;) {
      const next = this.#queue.nextAtUs();
      if (next === null || next > atUs) break;
      if (this.#isHalted) return;
      signal?.throwIfAborted();
      await this.#step();
    }
    this.#nowUs = Math.max(this.#nowUs, atUs);
  }

  async runFor(ms: number): Promise<void> {
    await this.runUntil(this.#nowUs + Math.round(ms * 1000));
  }

  /**
   * Runs events until `work` settles and returns its outcome.
   * @throws CodedError `sim_budget_exceeded` when it has not settled after `withinMs` or no event is left.
   */
  async settle<T>(work: Promise<T>, withinMs = 3_600_000): Promise<T> {
    let settled = false;
    const mark = () => {
      settled = true;
    };
    work.then(mark, mark);
    const endUs = this.#nowUs + withinMs * 1000;
    await this.#settled();
    while (!settled) {
      const next = this.#queue.nextAtUs();
      if (next === null || next > endUs) {
        throw new CodedError(
          "sim_budget_exceeded",
          "the awaited work did not settle in the given virtual time",
          {
            details: { atUs: this.#nowUs, eventsLeft: this.#queue.size },
          },
        );
      }
      await this.#step();
    }
    return await work;
  }

  /** What was begun outside of events comes to rest first. */
  async #settled(): Promise<void> {
    this.#isInside = true;
    await this.#turn();
    this.#isInside = false;
  }

  async #step(): Promise<void> {
    const event = this.#queue.take();
    if (!event) return;
    this.#nowUs = event.atUs;
    this.#taken++;
    this.#isInside = true;
    event.item();
    await this.#turn();
    this.#isInside = false;
  }
}
