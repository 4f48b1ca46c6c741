/** Serialises calls that share a hardware path, first come first served, and knows which paths hang. */
export class ExclusivePaths {
  readonly #tails = new Map<string, Promise<void>>();
  readonly #abandoned = new Map<string, number>();

  /** True while an abandoned call has not answered on this path. */
  isBusy(key: string): boolean {
    return this.#abandoned.has(key);
  }

  /**
   * Runs `work` when all earlier work on the path has settled.
   * @param throwIfAborted asked right before; what it throws is the answer, and `work` never starts.
   */
  async run<T>(key: string | null, throwIfAborted: () => void, work: () => Promise<T>): Promise<T> {
    if (key === null) {
      throwIfAborted();
      return work();
    }
    const before = this.#tails.get(key) ?? Promise.resolve();
    const mine = before.then(() => {
      throwIfAborted();
      return work();
    });
    const tail = mine.then(
      () => undefined,
      () => undefined,
    );
    this.#tails.set(key, tail);
    try {
      return await mine;
    } finally {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    }
  }

  /** Marks a path busy until `pending` settles. */
  abandon(key: string, pending: Promise<unknown>): void {
    this.#abandoned.set(key, (this.#abandoned.get(key) ?? 0) + 1);
    const free = (): void => {
      const left = (this.#abandoned.get(key) ?? 1) - 1;
      if (left === 0) this.#abandoned.delete(key);
      else this.#abandoned.set(key, left);
    };
    pending.then(free, free);
  }

  /** The bus was reset: whatever hung on the path is gone. */
  reset(key: string): void {
    this.#abandoned.delete(key);
    this.#tails.delete(key);
  }
}
