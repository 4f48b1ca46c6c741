/** What a tortured child tells its parent: lines on its standard output, written at once, so that a kill loses none. */

export type Told =
  /** Everything is open; from here on there is load. */
  | { readonly t: "up" }
  /** A unit is durable, as the ledger said. */
  | { readonly t: "unit"; readonly id: string; readonly index: number; readonly hash: string }
  /** A run has settled, as the daemon said. `index` is null for a run that shares a rollup. */
  | {
      readonly t: "run";
      readonly runId: string;
      readonly program: string;
      readonly index: number | null;
      readonly hash: string | null;
    }
  /** A checkpoint is signed and stored. */
  | { readonly t: "checkpoint"; readonly size: number; readonly note: string };

/** Lines that came whole; the last one may have been cut off by the kill. */
export function toldBy(output: string): Told[] {
  return output
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Told);
}

/** One unit of the ledger's load: it writes as many rows as entries, and both name it and their place in it. */
export interface UnitPart {
  readonly unit: string;
  readonly part: number;
  readonly of: number;
}

/** Sublevel of the rows that a unit writes beside its entries. */
export const UNIT_ROWS = "torture";
export const unitKey = (unit: string, part: number): string => `${unit}!${String(part).padStart(3, "0")}`;
