/** Level changes of one output in the last minute (capabilities.md 9). Times are monotonic ms. */
import { GATE_LIMITS } from "../../core/limits.ts";

const WINDOW_MS = 60_000;

export class ToggleWindow {
  #changes: number[] = [];

  countAt(nowMs: number): number {
    this.#changes = this.#changes.filter((at) => nowMs - at < WINDOW_MS);
    return this.#changes.length;
  }

  add(nowMs: number): void {
    this.#changes.push(nowMs);
    if (this.#changes.length > GATE_LIMITS.toggles) this.#changes.shift();
  }
}
