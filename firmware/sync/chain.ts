/** One origin's chain of batches as held here. */
import type { CrdtState } from "./crdt/types.ts";
import type { OriginView } from "./judge.ts";

export interface ChainLink {
  readonly seq: number;
  readonly hash: string;
  readonly hlc: string;
  readonly roster: number;
  /** The signed message, forwarded unchanged. */
  readonly bytes: Uint8Array;
  /** Empty for a void batch: the chain goes on, the deltas count nowhere. */
  readonly deltas: readonly { readonly doc: string; readonly state: CrdtState }[];
  readonly voidCode: string | null;
}

export class Chain {
  /** Link i has sequence number i + 1. */
  readonly #links: ChainLink[] = [];

  get seq(): number {
    return this.#links.length;
  }

  get headHash(): string {
    return this.#links.at(-1)?.hash ?? "";
  }

  get links(): readonly ChainLink[] {
    return this.#links;
  }

  view(): OriginView {
    const head = this.#links.at(-1);
    return {
      seq: this.seq,
      hash: this.headHash,
      hlc: head?.hlc ?? null,
      roster: head?.roster ?? null,
    };
  }

  at(seq: number): ChainLink | undefined {
    return this.#links[seq - 1];
  }

  append(link: ChainLink): void {
    this.#links.push(link);
  }

  /** Removes the links from `seq` on and returns them. */
  cutFrom(seq: number): readonly ChainLink[] {
    return this.#links.splice(Math.max(0, seq - 1));
  }
}
