/** What is fuzzed: one reader of inputs from outside, with the laws it must keep. */
import type { Random } from "./random.ts";

export interface Target {
  readonly name: string;
  /** The heap may grow by this much while one input runs. */
  readonly maxHeapBytes: number;
  /** Simpler inputs that are tried for one that shows something new. */
  readonly triesForFind: number;
  /**
   * Runs one input and names what happened, such as `issue:bad_field`; a name that was never seen before makes the
   * input worth keeping. @throws whatever the input provokes, and `BrokenLaw`.
   */
  run(input: Uint8Array): readonly string[];
  /** A new input, valid more often than not. */
  generate(random: Random): Uint8Array;
  mutate(input: Uint8Array, other: Uint8Array, random: Random): Uint8Array;
  /** Inputs that are simpler by one part, the coarsest cut first. */
  simpler(input: Uint8Array): Iterable<Uint8Array>;
}

/** The product answered, but not as it must. */
export class BrokenLaw extends Error {}

export const MAX_INPUT_BYTES = 64 * 1024;

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** Octets that are no UTF-8 become the replacement character. */
export const textOf = (input: Uint8Array): string => decoder.decode(input);
export const bytesOf = (text: string): Uint8Array => encoder.encode(text);
