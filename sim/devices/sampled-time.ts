/** How often what hangs on the world looks at it: the world's own step (simulator.md 6). */
const STEP_US = 100_000;
/** After a pause of the host the past is skipped instead of computed at once. */
const MAX_CATCH_UP_STEPS = 36_000;

/** Walks through true time in the world's fixed steps, whoever asks how often: polling does not change what happens. */
export class SampledTime {
  #nextUs = 0;

  /** Calls `step` with the beginning of every step that has begun at `nowUs`. Never goes back. */
  advanceTo(nowUs: number, step: (atUs: number) => void): void {
    const begun = Math.floor((nowUs - this.#nextUs) / STEP_US) + 1;
    if (begun > MAX_CATCH_UP_STEPS) this.#nextUs += (begun - MAX_CATCH_UP_STEPS) * STEP_US;
    while (this.#nextUs <= nowUs) {
      step(this.#nextUs);
      this.#nextUs += STEP_US;
    }
  }
}
