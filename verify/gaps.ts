/** Places of a sequence that have not come yet. One that comes late was moved, one that never comes is missing. */
import { LIMITS } from "./limits.ts";

export interface Gap {
  readonly from: number;
  readonly to: number;
}

export class Gaps {
  #next: number;
  #open: Gap[] = [];

  constructor(from: number) {
    this.#next = from;
  }

  /** @returns false if this place is behind: it came late, or a second time. */
  take(place: number): boolean {
    if (place < this.#next) {
      this.#open = this.#open.flatMap((gap) => without(gap, place));
      return false;
    }
    if (place > this.#next && this.#open.length < LIMITS.findings) {
      this.#open.push({ from: this.#next, to: place });
    }
    this.#next = place + 1;
    return true;
  }

  /** What is missing of the sequence that ends before `to`. */
  missing(to: number): readonly Gap[] {
    return this.#next < to ? [...this.#open, { from: this.#next, to }] : this.#open;
  }
}

function without({ from, to }: Gap, place: number): Gap[] {
  if (place < from || place >= to) return [{ from, to }];
  const parts = [
    { from, to: place },
    { from: place + 1, to },
  ];
  return parts.filter((part) => part.from < part.to);
}
