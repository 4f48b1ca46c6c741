/** Tells the guard of the disk of a write that has failed: the ledger is opened long before there is a guard. */
export class WriteAlarm {
  #listener: (() => void) | null = null;

  /** @param listener called after every failed group commit; it takes the place of the one before. */
  listen(listener: () => void): void {
    this.#listener = listener;
  }

  ring(): void {
    this.#listener?.();
  }
}
