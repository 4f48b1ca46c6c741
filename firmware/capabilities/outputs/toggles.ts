/** Level changes of one output in the last minute (capabilities.md 9). Times are monotonic ms. */
const WINDOW_MS = 60_000;
/** More changes than this are counted as this many: memory stays bounded whatever policy allows. */
const MAX_KEPT = 6000;

export class ToggleWindow {
  #changes: number[] = [];

  countAt(nowMs: number): number {
    this.#changes = this.#changes.filter((at) => nowMs - at < WINDOW_MS);
    return this.#changes.length;
  }

  add(nowMs: number): void {
    this.#changes.push(nowMs);
    if (this.#changes.length > MAX_KEPT) this.#changes.shift();
  }
}
