/**
 * What fast-check generates and shrinks: lists of genes. A gene is one decision about the program, with four numbers to
 * decide from; 0 always means the simplest choice, and any list of genes gives a program, so shrinking may drop any gene
 * and lower any number.
 */
import fc from "fast-check";

export type Gene = readonly [what: number, a: number, b: number, c: number, d: number];

export interface Genome {
  readonly main: readonly Gene[];
  /** Bodies of functions, in order. */
  readonly functions: readonly (readonly Gene[])[];
  /** Decisions about document, payload and limits. */
  readonly setup: readonly number[];
  /** What the host answers to calls, in turn. */
  readonly answers: readonly number[];
}

/** Above every choice that is offered, so that each alternative can be hit. */
const MOST = 9999;
export const SETUP_LENGTH = 16;

const number = fc.noBias(fc.nat(MOST));
const gene: fc.Arbitrary<Gene> = fc.tuple(number, number, number, number, number);

export const genomes: fc.Arbitrary<Genome> = fc.record({
  main: fc.array(gene, { minLength: 1, maxLength: 40, size: "max" }),
  functions: fc.array(fc.array(gene, { maxLength: 10, size: "max" }), { maxLength: 3, size: "max" }),
  setup: fc.array(number, { minLength: SETUP_LENGTH, maxLength: SETUP_LENGTH }),
  answers: fc.array(number, { maxLength: 6, size: "max" }),
});

/** Draws decisions from a few numbers; when they are used up, from mixtures of them. All zeros stay zeros. */
export class Choices {
  readonly #numbers: readonly number[];
  #drawn = 0;

  constructor(numbers: readonly number[]) {
    this.#numbers = numbers;
  }

  /** 0 … n − 1. */
  below(n: number): number {
    const at = this.#drawn++;
    const own = this.#numbers[at];
    if (own !== undefined) return own % n;
    const mixed = this.#numbers.reduce((sum, value, i) => sum + value * (at * 2 + i * 3 + 1), 0);
    return Math.floor(mixed / (at + 1)) % n;
  }

  /** True in one of `n` cases, never for 0. */
  oneIn(n: number): boolean {
    return this.below(n) === n - 1;
  }

  pick<T>(options: readonly T[]): T {
    return options[this.below(options.length)] as T;
  }
}
