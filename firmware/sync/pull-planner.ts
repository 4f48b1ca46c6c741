/** What is known to exist elsewhere and is missing here, and what has been asked for (sync.md 4.4). */
import { GOSSIP_LIMITS } from "../core/limits.ts";
import { MAX_PULL, type Range } from "./gossip-message.ts";

interface Known {
  readonly seq: number;
  /** A device that has it. */
  readonly peer: string;
}

export class PullPlanner {
  readonly #best = new Map<string, Known>();
  readonly #askedUntil = new Map<string, number>();

  /** A peer has this origin up to `seq`. */
  note(origin: string, seq: number, peer: string): void {
    const known = this.#best.get(origin);
    if (known === undefined && this.#best.size >= GOSSIP_LIMITS.origins) return;
    if (known === undefined || seq >= known.seq) this.#best.set(origin, { seq, peer });
  }

  best(): ReadonlyMap<string, number> {
    return new Map([...this.#best].map(([origin, known]) => [origin, known.seq]));
  }

  /** Something of the origin arrived: the next range may be asked for at once. */
  arrived(origin: string): void {
    this.#askedUntil.delete(origin);
  }

  forget(origin: string): void {
    this.#best.delete(origin);
    this.#askedUntil.delete(origin);
  }

  /** The ranges to ask for now, per peer; one pull per origin at a time. */
  plan(own: (origin: string) => number, monoMs: number): ReadonlyMap<string, readonly Range[]> {
    const byPeer = new Map<string, Range[]>();
    for (const [origin, { seq, peer }] of this.#best) {
      const have = own(origin);
      if (have >= seq) {
        this.#best.delete(origin);
        continue;
      }
      if ((this.#askedUntil.get(origin) ?? 0) > monoMs) continue;
      const ranges = byPeer.get(peer) ?? [];
      const left = MAX_PULL - ranges.reduce((sum, range) => sum + range.to - range.from + 1, 0);
      if (left <= 0) continue;
      this.#askedUntil.set(origin, monoMs + GOSSIP_LIMITS.retryMs);
      ranges.push({ origin, from: have + 1, to: Math.min(seq, have + left) });
      byPeer.set(peer, ranges);
    }
    return byPeer;
  }
}
