import type { Level } from "../firmware/ports/hardware.ts";

/** A raw level change with its time; `at` in any one monotonic unit, the same as the stable time. */
export interface RawEdge {
  readonly at: number;
  readonly value: Level;
}

/**
 * Debouncing as a pure state machine: a level counts once it has been stable for `stableFor`
 * (simulator.md 3, "Debounce"). Feed raw edges in order of time, then ask what has settled by now.
 */
export class Debouncer {
  readonly #stableFor: number;
  #settled: Level;
  #candidate: RawEdge | null = null;

  constructor(initial: Level, stableFor: number) {
    this.#settled = initial;
    this.#stableFor = stableFor;
  }

  /** Takes one raw edge; returns the change that had settled before it, or null. */
  push(edge: RawEdge): RawEdge | null {
    const settled = this.settle(edge.at);
    const current = this.#candidate?.value ?? this.#settled;
    if (edge.value !== current) this.#candidate = edge.value === this.#settled ? null : edge;
    return settled;
  }

  /** The change that has been stable long enough by `now`, at most once, stamped with the time it settled. */
  settle(now: number): RawEdge | null {
    const candidate = this.#candidate;
    if (!candidate || candidate.at + this.#stableFor > now) return null;
    this.#candidate = null;
    this.#settled = candidate.value;
    return { at: candidate.at + this.#stableFor, value: candidate.value };
  }

  /** When the pending candidate will have settled, null if nothing is pending. */
  dueAt(): number | null {
    return this.#candidate ? this.#candidate.at + this.#stableFor : null;
  }
}
