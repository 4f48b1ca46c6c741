/** What may be pruned (ledger.md 11). */
export const TILE = 256;

/** Called between rows of long work; waits for a turn of the event loop when the slice is used up. Throws when aborted. */
export type Breathe = () => Promise<void>;

export interface PruneInput {
  readonly size: number;
  readonly minIndex: number;
  /** Size of the largest witnessed checkpoint; of any signed one if the quorum is 0. */
  readonly largestWitnessed: number;
  /** Index of the first entry younger than the limits. */
  readonly firstIndexToKeep: number;
}

/** The largest whole tile that may go: never back, never beyond the log, never beyond what is witnessed. */
export function pruneIndex({ size, minIndex, largestWitnessed, firstIndexToKeep }: PruneInput): number {
  const limit = Math.min(largestWitnessed, firstIndexToKeep, size);
  return Math.max(minIndex, Math.floor(limit / TILE) * TILE);
}
