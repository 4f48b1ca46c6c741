/** Self-clocked fair queueing: who is served next when several flows share one link (sync.md 8). */

export interface FairHead {
  readonly flow: string;
  /** Order of arrival of the flow's first item, the tie-breaker. */
  readonly seq: number;
  /** Bytes, or 1 where items count alike. */
  readonly cost: number;
}

/**
 * Every flow with something to send holds a finish tag: max(V, its last tag) + cost/weight, taken when its head
 * appears. The smallest tag is served and becomes V, so that an idle flow gains no credit.
 */
export class FairScheduler {
  readonly #weights: Readonly<Record<string, number>>;
  readonly #tags = new Map<string, number>();
  readonly #last = new Map<string, number>();
  #virtual = 0;

  /** @param weights share of each flow, > 0; flows not named have weight 1. */
  constructor(weights: Readonly<Record<string, number>>) {
    this.#weights = weights;
  }

  /** The flow to serve among those that have something ready; null if none has. */
  pick(heads: readonly FairHead[]): string | null {
    for (const flow of this.#tags.keys()) {
      if (!heads.some((head) => head.flow === flow)) this.#tags.delete(flow);
    }
    let best: { readonly flow: string; readonly tag: number; readonly seq: number } | null = null;
    for (const { flow, seq, cost } of heads) {
      const tag = this.#tags.get(flow) ?? this.#tagFor(flow, cost);
      this.#tags.set(flow, tag);
      if (!best || tag < best.tag || (tag === best.tag && seq < best.seq)) best = { flow, tag, seq };
    }
    if (!best) return null;
    this.#virtual = best.tag;
    this.#last.set(best.flow, best.tag);
    this.#tags.delete(best.flow);
    return best.flow;
  }

  #tagFor(flow: string, cost: number): number {
    const weight = Object.hasOwn(this.#weights, flow) ? (this.#weights[flow] ?? 1) : 1;
    return Math.max(this.#virtual, this.#last.get(flow) ?? 0) + cost / weight;
  }
}
