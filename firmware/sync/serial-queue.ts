/** Runs tasks one after the other: the only writer of the replica. */
export class SerialQueue {
  #tail: Promise<void> = Promise.resolve();

  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(task);
    this.#tail = result.then(
      () => undefined,
      () => undefined, // The caller of this task has its failure; the next task must still run.
    );
    return result;
  }

  /** Resolves when everything that was given so far has ended. */
  get idle(): Promise<void> {
    return this.#tail;
  }
}
