/** Collects local writes for a moment, so that they share one batch and one sync of the disk (sync.md 4.1). */
import { CodedError } from "../core/errors.ts";
import { GOSSIP_LIMITS } from "../core/limits.ts";
import type { Clock, Timer } from "../ports/clock.ts";
import type { LocalWrite } from "./local-change.ts";

interface Waiting {
  readonly write: LocalWrite;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class WriteCollector {
  readonly #clock: Clock;
  readonly #collectMs: number;
  readonly #write: (writes: readonly LocalWrite[]) => Promise<void>;
  readonly #running = new Set<Promise<void>>();
  #waiting: Waiting[] = [];
  #timer: Timer | null = null;

  constructor(clock: Clock, collectMs: number, write: (writes: readonly LocalWrite[]) => Promise<void>) {
    this.#clock = clock;
    this.#collectMs = collectMs;
    this.#write = write;
  }

  /** Resolves once the write is durable. @throws CodedError `doc_full` (429) when too many wait, and the write's own. */
  add(write: LocalWrite): Promise<void> {
    if (this.#waiting.length >= GOSSIP_LIMITS.waitingWrites) {
      const message = "Too many writes wait for the store.";
      return Promise.reject(new CodedError("doc_full", message, { status: 429 }));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ write, resolve, reject });
      this.#timer ??= this.#clock.after(this.#collectMs, () => this.#flush());
    });
  }

  #flush(): void {
    this.#timer?.cancel();
    this.#timer = null;
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, GOSSIP_LIMITS.writeGroup);
      const run = this.#writeGroup(group).finally(() => this.#running.delete(run));
      this.#running.add(run);
    }
  }

  /** Never rejects: every writer gets its own answer. */
  async #writeGroup(group: readonly Waiting[]): Promise<void> {
    try {
      await this.#write(group.map(({ write }) => write));
      for (const { resolve } of group) resolve();
    } catch (error) {
      // One unfit write must not take the others with it: each gets its own batch.
      if (group.length > 1) for (const one of group) await this.#writeGroup([one]);
      else for (const { reject } of group) reject(error);
    }
  }

  /** Writes what still waits. */
  async close(): Promise<void> {
    this.#flush();
    await Promise.all(this.#running);
  }
}
