import { SeededEntropy } from "../time/entropy.ts";

/** Random choices of the generator, all from one stream of the seed. */
export class Dice {
  readonly #entropy: SeededEntropy;

  constructor(seed: string, stream = "swarm") {
    this.#entropy = new SeededEntropy(seed, stream);
  }

  /** A whole number from `least` to `most`, both included. */
  whole(least: number, most: number): number {
    return least + this.#entropy.below(most - least + 1);
  }

  /** True with probability `p`. */
  chance(p: number): boolean {
    return this.#entropy.float() < p;
  }

  /** One of the items, all equally likely. @throws RangeError for an empty list. */
  pick<const T>(items: readonly T[]): T {
    const item = items[this.#entropy.below(items.length)];
    if (item === undefined) throw new RangeError("Nothing to choose from.");
    return item;
  }

  /** One of the items, each as likely as its weight says. */
  weighted<const I extends readonly (readonly [weight: number, item: unknown])[]>(items: I): I[number][1] {
    const sum = items.reduce((total, [weight]) => total + weight, 0);
    let left = this.#entropy.below(sum);
    for (const [weight, item] of items) {
      if (left < weight) return item;
      left -= weight;
    }
    throw new RangeError("Nothing to choose from.");
  }

  /** Up to `count` different items, in drawn order. */
  some<T>(items: readonly T[], count: number): readonly T[] {
    const left = [...items];
    const taken: T[] = [];
    while (taken.length < count && left.length > 0)
      taken.push(...left.splice(this.#entropy.below(left.length), 1));
    return taken;
  }
}
