/** What a planted fault is: changes of text, and the rules that may notice them. */
import type { InvariantId } from "../../sim/harness/violations.ts";

export interface Change {
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly find: string;
  readonly replace: string;
}

export interface PlantedFault {
  readonly name: string;
  /** What goes wrong, as a person would tell it. */
  readonly what: string;
  readonly changes: readonly Change[];
  /** Rules that may notice it first. */
  readonly expects: readonly InvariantId[];
}

/** A single change. */
export const one = (file: string, find: string, replace: string): readonly Change[] => [
  { file, find, replace },
];
