/** Every seed that ever found a defect, with what it found. They run before the new seed of each run. */
export interface KeptSeed {
  readonly seed: number;
  /** The case within the seed, as the failing run printed it; without it the first programs of the seed are run. */
  readonly path?: string;
  readonly found: string;
}

export const SEEDS: readonly KeptSeed[] = [
  { seed: 2, found: "−0 of a payload reached the program after inputs were no longer copied at each use" },
  { seed: 680669688, found: "a compiled branch read its condition after the stack below it had been moved" },
];
