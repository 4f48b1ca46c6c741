import type { Entropy } from "../../firmware/ports/entropy.ts";

/** 0 faults, 1 world, 2 everything else: at one microsecond faults come first (simulator.md 2). */
export type EventClass = 0 | 1 | 2;

export interface QueuedEvent<T> {
  readonly atUs: number;
  readonly class: EventClass;
  readonly number: number;
  readonly item: T;
}

/** `fifo` by creation; `random` draws among events due at the same microsecond and class. */
export type EventOrder = { readonly mode: "fifo" } | { readonly mode: "random"; readonly entropy: Entropy };

/** Future events ordered by (atUs, class, creation number). Deterministic for one order and entropy stream. */
export class EventQueue<T> {
  readonly #order: EventOrder;
  #events: QueuedEvent<T>[] = [];
  #created = 0;

  constructor(order: EventOrder) {
    this.#order = order;
  }

  get size(): number {
    return this.#events.length;
  }

  add(atUs: number, cls: EventClass, item: T): QueuedEvent<T> {
    const event: QueuedEvent<T> = { atUs, class: cls, number: this.#created++, item };
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.#events[middle];
      if (other && (other.atUs - atUs || other.class - cls) <= 0) low = middle + 1;
      else high = middle;
    }
    this.#events.splice(low, 0, event);
    return event;
  }

  remove(event: QueuedEvent<T>): void {
    const index = this.#events.indexOf(event);
    if (index >= 0) this.#events.splice(index, 1);
  }

  /** Time of the next event, null when the queue is empty. */
  nextAtUs(): number | null {
    return this.#events[0]?.atUs ?? null;
  }

  /** Takes the next event, or null when the queue is empty. */
  take(): QueuedEvent<T> | null {
    const first = this.#events[0];
    if (!first) return null;
    let index = 0;
    if (this.#order.mode === "random") {
      let due = 0;
      while (this.#events[due]?.atUs === first.atUs && this.#events[due]?.class === first.class) due++;
      index = this.#order.entropy.below(due);
    }
    return this.#events.splice(index, 1)[0] ?? null;
  }
}
