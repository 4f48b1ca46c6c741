/** What went in a number of steps ago. */
export class DelayLine {
  readonly #ring: Float64Array;
  #next = 0;

  /** @param steps how long a value is under way. @param before what comes out until the first one arrives. */
  constructor(steps: number, before: number) {
    this.#ring = new Float64Array(steps).fill(before);
  }

  /** Takes the value of this step, gives the one that arrives with it. */
  push(value: number): number {
    if (this.#ring.length === 0) return value;
    const out = this.#ring[this.#next] ?? 0;
    this.#ring[this.#next] = value;
    this.#next = this.#next + 1 === this.#ring.length ? 0 : this.#next + 1;
    return out;
  }
}
