/**
 * Intents that are recorded, or about to be, and whose calls have not ended. A run that is cut does not wait for a call that
 * hangs, but its settlement must say what became of every intent (ledger.md 2).
 */
interface OpenIntent {
  /** Resolves to whether the entry became durable; never rejects. */
  readonly isKept: Promise<boolean>;
  hasActed: boolean;
}

export interface IntentLeft {
  readonly effectId: string;
  /** The driver was asked; what it did is not known. */
  readonly hasActed: boolean;
}

export class OpenIntents {
  readonly #open = new Map<string, OpenIntent>();

  /** @param commit writes the entry of the intent. */
  begin(effectId: string, commit: Promise<void>): void {
    const isKept = commit.then(
      () => true,
      () => false,
    );
    this.#open.set(effectId, { isKept, hasActed: false });
  }

  /** From now on the effect may have been made. */
  acts(effectId: string): void {
    const open = this.#open.get(effectId);
    if (open !== undefined) open.hasActed = true;
  }

  /** The call has ended and tells its outcome itself, or its intent was never recorded. */
  end(effectId: string): void {
    this.#open.delete(effectId);
  }

  /**
   * The intents in the ledger whose calls have not ended. Waits for entries that are being written: what comes after them
   * is written later anyway.
   */
  async left(): Promise<readonly IntentLeft[]> {
    const kept = new Map<string, boolean>();
    for (const [effectId, { isKept }] of [...this.#open]) kept.set(effectId, await isKept);
    // Calls go on while entries are written, and may have ended meanwhile.
    return [...this.#open]
      .filter(([effectId]) => kept.get(effectId) === true)
      .map(([effectId, { hasActed }]) => ({ effectId, hasActed }));
  }
}
