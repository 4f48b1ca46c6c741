/**
 * What one run has seen of its sources (evidence.md 6). It counts when the run settles: a run that is only tried leaves
 * no trace, and within a run a source keeps the standing it came with.
 */
import type { StoreOp } from "../ports/store.ts";
import type { ReputationBook } from "./reputation.ts";

/** What a run's guard asks and tells about sources: standing is by the id of their rule, failures by source. */
export interface SourceStanding {
  /** 0.5..1.5 */
  factor(sourceId: string, atMs: number): number;
  success(sourceId: string, source: string): void;
  violation(sourceId: string, source: string): void;
}

/** Above it a success changes nothing that anybody could see: a factor above 1 lifts no trust. */
const SATURATED = 1.495;

export interface LearnedReputation {
  /** For the settlement's batch. */
  readonly ops: readonly StoreOp[];
  /** The batch was not written: the same rows go into the next one. */
  failed(): void;
}

export class RunReputation implements SourceStanding {
  readonly #book: ReputationBook;
  /** Ids by source. */
  readonly #accepted = new Map<string, string>();
  readonly #violated = new Map<string, string>();

  constructor(book: ReputationBook) {
    this.#book = book;
  }

  factor(sourceId: string, atMs: number): number {
    return this.#book.factor(sourceId, atMs);
  }

  success(sourceId: string, source: string): void {
    this.#accepted.set(source, sourceId);
  }

  violation(sourceId: string, source: string): void {
    this.#violated.set(source, sourceId);
  }

  /** Brings what was seen into the book. An id with a violation has no success in the same run. */
  settle(atMs: number): LearnedReputation {
    for (const [source, id] of this.#violated) if (this.#book.fails(source)) this.#book.violation(id, atMs);
    const violated = new Set(this.#violated.values());
    for (const [source, id] of this.#accepted) {
      if (this.#violated.has(source)) continue;
      this.#book.recovers(source);
      if (violated.has(id) || this.#book.factor(id, atMs) >= SATURATED) continue;
      this.#book.success(id, atMs);
    }
    const ops = this.#book.takeOps();
    return { ops, failed: () => this.#book.putBack(ops) };
  }
}
