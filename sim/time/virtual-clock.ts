import { CodedError } from "../../firmware/core/errors.ts";
import type { Clock, Timer, TimeTrust } from "../../firmware/ports/clock.ts";
import { type OscillatorState, readOscillator } from "./clock-reading.ts";
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

  constructor(options: VirtualTimeOptions) {
    this.#queue = new EventQueue(options.order);
    this.#turn = options.turn;
  }

  get nowUs(): number {
    return this.#nowUs;
  }

  /** Calls once at true time `atUs`, or as soon as possible when that is past. */
  at(atUs: number, cls: EventClass, run: () => void): Timer {
    const event = this.#queue.add(Math.max(this.#nowUs, Math.ceil(atUs)), cls, run);
    const cancel = () => this.#queue.remove(event);
    return { cancel, [Symbol.dispose]: cancel };
  }

  /** Runs all events due up to `atUs` and ends there. */
  async runUntil(atUs: number): Promise<void> {
    await this.#turn();
    for (let next = this.#queue.nextAtUs(); next !== null && next <= atUs; next = this.#queue.nextAtUs()) {
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
    await this.#turn();
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

  async #step(): Promise<void> {
    const event = this.#queue.take();
    if (!event) return;
    this.#nowUs = event.atUs;
    event.item();
    await this.#turn();
  }
}

export interface VirtualClockOptions {
  readonly time: VirtualTime;
  readonly wall0Ms: number;
  readonly ppm?: number;
  readonly bootId: string;
  readonly trust?: TimeTrust;
}

/** One device's Clock on virtual time, with drift and corrections; booted when constructed. */
export class VirtualClock implements Clock {
  readonly bootId: string;
  readonly #time: VirtualTime;
  readonly #oscillator: Omit<OscillatorState, "jumps">;
  readonly #jumps: { atUs: number; byMs: number }[] = [];
  #trust: TimeTrust;

  constructor(options: VirtualClockOptions) {
    this.bootId = options.bootId;
    this.#time = options.time;
    this.#trust = options.trust ?? "trusted";
    this.#oscillator = {
      wall0Ms: options.wall0Ms,
      ppm: options.ppm ?? 0,
      bootAtUs: options.time.nowUs,
    };
  }

  wallMs(): number {
    return readOscillator({ ...this.#oscillator, jumps: this.#jumps }, this.#time.nowUs).wallMs;
  }

  monoMs(): number {
    return readOscillator(this.#oscillator, this.#time.nowUs).monoMs ?? 0;
  }

  trust(): TimeTrust {
    return this.#trust;
  }

  setTrust(trust: TimeTrust): void {
    this.#trust = trust;
  }

  /** A correction of the wall clock from now on. */
  jumpWall(byMs: number): void {
    this.#jumps.push({ atUs: this.#time.nowUs, byMs });
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = () => {
        timer.cancel();
        reject(signal?.reason);
      };
      const timer = this.after(ms, () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      });
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  after(ms: number, callback: () => void): Timer {
    const trueUs = (Math.max(0, ms) * 1000 * 1e6) / (1e6 + this.#oscillator.ppm);
    return this.#time.at(this.#time.nowUs + trueUs, 2, callback);
  }

  yield(): Promise<void> {
    return new Promise((resolve) => this.after(0, resolve));
  }
}
