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

interface Entry<T> extends QueuedEvent<T> {
  isRemoved: boolean;
}

const isBefore = <T>(a: Entry<T>, b: Entry<T>): boolean =>
  a.atUs !== b.atUs ? a.atUs < b.atUs : a.class !== b.class ? a.class < b.class : a.number < b.number;

const isSameTurn = <T>(a: Entry<T>, b: Entry<T>): boolean => a.atUs === b.atUs && a.class === b.class;

/**
 * Future events ordered by (atUs, class, creation number). Deterministic for one order and entropy stream.
 * A binary heap; removed events stay in it until they come to the top.
 */
export class EventQueue<T> {
  readonly #order: EventOrder;
  readonly #heap: Entry<T>[] = [];
  /** Events of one turn, in creation order, that a draw chooses among. */
  #due: Entry<T>[] = [];
  #created = 0;
  #size = 0;

  constructor(order: EventOrder) {
    this.#order = order;
  }

  get size(): number {
    return this.#size;
  }

  add(atUs: number, cls: EventClass, item: T): QueuedEvent<T> {
    const event: Entry<T> = { atUs, class: cls, number: this.#created++, item, isRemoved: false };
    this.#size++;
    const [first] = this.#due;
    if (first && isSameTurn(first, event)) this.#due.push(event);
    else this.#push(event);
    return event;
  }

  remove(event: QueuedEvent<T>): void {
    const entry = event as Entry<T>;
    if (entry.isRemoved) return;
    entry.isRemoved = true;
    this.#size--;
  }

  /** Time of the next event, null when the queue is empty. */
  nextAtUs(): number | null {
    return this.#next()?.atUs ?? null;
  }

  /** Takes the next event, or null when the queue is empty. */
  take(): QueuedEvent<T> | null {
    const next = this.#next();
    if (!next) return null;
    this.#gather(next);
    const index = this.#order.mode === "random" ? this.#order.entropy.below(this.#due.length) : 0;
    const [event] = this.#due.splice(index, 1);
    if (!event) return null;
    event.isRemoved = true;
    this.#size--;
    return event;
  }

  /** The first event that is still wanted, without taking it. */
  #next(): Entry<T> | null {
    if (this.#due.some(({ isRemoved }) => isRemoved))
      this.#due = this.#due.filter(({ isRemoved }) => !isRemoved);
    while (this.#heap[0]?.isRemoved) this.#pop();
    const [due] = this.#due;
    const [top] = this.#heap;
    if (!due) return top ?? null;
    return top && isBefore(top, due) ? top : due;
  }

  /** Brings all events of the next one's turn together. An earlier turn that came meanwhile goes first. */
  #gather(next: Entry<T>): void {
    const [due] = this.#due;
    if (due && isSameTurn(due, next)) return;
    for (const later of this.#due.splice(0)) this.#push(later);
    for (let top = this.#heap[0]; top && isSameTurn(top, next); top = this.#heap[0]) {
      this.#pop();
      if (!top.isRemoved) this.#due.push(top);
    }
  }

  #push(event: Entry<T>): void {
    const heap = this.#heap;
    let at = heap.push(event) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (!above || isBefore(above, event)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const one = heap[left];
      if (!one) break;
      const other = heap[left + 1];
      const isRight = other !== undefined && isBefore(other, one);
      const child = isRight ? other : one;
      if (!isBefore(child, last)) break;
      heap[at] = child;
      at = isRight ? left + 1 : left;
    }
    heap[at] = last;
  }
}
