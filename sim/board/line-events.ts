import type { RawEdge } from "../../drivers/debouncer.ts";
import type { Timer } from "../../firmware/ports/clock.ts";
import type { Entropy } from "../../firmware/ports/entropy.ts";
import type { Boot } from "./boot.ts";
import { type ContactEdge, type EdgeSource, nextEdge } from "./edge-source.ts";
import { Listeners } from "./listeners.ts";

/** Kernel event queue per line: on overflow the newest are lost (simulator.md 3). */
export const EVENT_QUEUE = 16;
/** An edge reaches the process after int(200) µs. */
const DELIVERY_US = 200;

export interface LineEventsOptions {
  readonly boot: Boot;
  readonly source: EdgeSource;
  /** The stream of the line: draws how late each edge is. */
  readonly entropy: Entropy;
  /** Looks at the world this often, for worlds that move only when they are looked at. */
  readonly pollMs?: number | undefined;
  readonly onLost: (lost: number) => void;
}

/**
 * The kernel's side of a watched line: edges keep their true time, wait in a queue of 16 and come to the process a
 * little late, in order.
 */
export class LineEvents implements Disposable {
  readonly #options: LineEventsOptions;
  readonly #listeners = new Listeners<[RawEdge]>();
  #subscription: Disposable | null = null;
  #poll: Timer | null = null;
  /** Edges up to here have been delivered or lost. */
  #seenUs = 0;
  /** The edge at the head of the queue, or the next to come, and when it is delivered. */
  #head: { readonly edge: ContactEdge; readonly dueUs: number; readonly timer: Timer } | null = null;
  #lastDueUs = 0;

  constructor(options: LineEventsOptions) {
    this.#options = options;
  }

  /** Edges from now on. */
  listen(listener: (edge: RawEdge) => void): Disposable {
    if (this.#subscription === null) this.#start();
    const entry = this.#listeners.add(listener);
    return {
      [Symbol.dispose]: () => {
        entry[Symbol.dispose]();
        if (this.#listeners.size === 0) this[Symbol.dispose]();
      },
    };
  }

  /** Delivers what happened up to `untilUs` without further delay, so that whoever asks for the level then is right. */
  flush(untilUs: number): void {
    this.#take(this.#options.boot.nowUs() - 1, untilUs);
    this.#arm();
  }

  [Symbol.dispose](): void {
    this.#subscription?.[Symbol.dispose]();
    this.#subscription = null;
    this.#poll?.cancel();
    this.#head?.timer.cancel();
    this.#head = null;
  }

  #start(): void {
    const { boot, source } = this.#options;
    // The microsecond of now is not over: what still happens in it is an edge that counts.
    this.#seenUs = boot.nowUs() - 1;
    this.#subscription = source.onEdges(() => this.#arm());
    this.#arm();
    this.#look();
  }

  #look(): void {
    const { boot, pollMs } = this.#options;
    if (pollMs === undefined) return;
    this.#poll = boot.clock.after(pollMs, () => {
      boot.nowUs();
      this.#look();
    });
  }

  /** Waits for the next edge; an announced one that no longer comes is forgotten. */
  #arm(): void {
    if (this.#subscription === null) return;
    const { boot, source } = this.#options;
    const edge = nextEdge(source, this.#seenUs);
    if (edge && this.#head && this.#head.edge.atUs === edge.atUs) return;
    this.#head?.timer.cancel();
    this.#head = edge ? this.#headOf(edge, boot) : null;
  }

  #headOf(edge: ContactEdge, boot: Boot): { edge: ContactEdge; dueUs: number; timer: Timer } {
    // Not in the microsecond of the edge itself, in which more may happen.
    const late = Math.max(1, this.#options.entropy.below(DELIVERY_US));
    const dueUs = Math.max(edge.atUs + late, this.#lastDueUs);
    return { edge, dueUs, timer: boot.whenRunning(dueUs, () => this.#fire()) };
  }

  #fire(): void {
    const head = this.#head;
    if (!head) return;
    const nowUs = this.#options.boot.nowUs();
    this.#lastDueUs = head.dueUs;
    this.#head = null;
    this.#take(nowUs - 1, head.edge.atUs);
    this.#arm();
  }

  /** Of the edges that have happened, delivers those up to `dueUs`; a queue that has run over is emptied whole. */
  #take(happenedUs: number, dueUs: number): void {
    const { source, onLost } = this.#options;
    const queue = source.edgesBetween(this.#seenUs, happenedUs);
    const lost = queue.length - EVENT_QUEUE;
    for (const edge of queue.slice(0, EVENT_QUEUE)) {
      if (lost <= 0 && edge.atUs > dueUs) return;
      this.#seenUs = edge.atUs;
      this.#listeners.tell({ at: edge.atUs, value: edge.value });
    }
    if (lost <= 0) return;
    this.#seenUs = happenedUs;
    onLost(lost);
  }
}
