/**
 * What one run has seen of its sources (evidence.md 6). It counts when the run settles: a run that is only tried leaves
 * no trace, and within a run a source keeps the standing it came with.
 */
import type { StoreOp } from "../ports/store.ts";
import type { ReputationBook } from "./reputation.ts";

/** What a run's guard asks and tells about sources, by the id of their rule. */
export interface SourceStanding {
  /** 0.5..1.5 */
  factor(sourceId: string, atMs: number): number;
  success(sourceId: string, atMs: number): void;
  violation(sourceId: string, atMs: number): void;
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
  readonly #accepted = new Set<string>();
  readonly #violated = new Set<string>();

  constructor(book: ReputationBook) {
    this.#book = book;
  }

  factor(sourceId: string, atMs: number): number {
    return this.#book.factor(sourceId, atMs);
  }

  success(sourceId: string): void {
    this.#accepted.add(sourceId);
  }

  /** However often one run meets it, it counts once. */
  violation(sourceId: string): void {
    this.#violated.add(sourceId);
  }

  /** Brings what was seen into the book. A source with a violation has no success in the same run. */
  settle(atMs: number): LearnedReputation {
    for (const id of this.#violated) this.#book.violation(id, atMs);
    for (const id of this.#accepted) {
      if (this.#violated.has(id) || this.#book.factor(id, atMs) >= SATURATED) continue;
      this.#book.success(id, atMs);
    }
    const ops = this.#book.takeOps();
    return { ops, failed: () => this.#book.putBack(ops) };
  }
}
