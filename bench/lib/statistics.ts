/** Figures of repeated measurements. */

export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly rounds: readonly number[];
}

const ascending = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);

/** The value below which the share `p` (0..1) of all values lies, by nearest rank. @throws RangeError if there are none. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = ascending(values);
  const value = sorted[Math.max(0, Math.ceil(p * sorted.length) - 1)];
  if (value === undefined) throw new RangeError("No values.");
  return value;
}

/** The middle value, or the mean of the two in the middle. @throws RangeError if there are none. */
export function median(values: readonly number[]): number {
  const sorted = ascending(values);
  const upper = sorted[sorted.length >> 1];
  const lower = sorted[(sorted.length - 1) >> 1];
  if (upper === undefined || lower === undefined) throw new RangeError("No values.");
  return (lower + upper) / 2;
}

export const summarise = (rounds: readonly number[]): Summary => ({
  median: median(rounds),
  min: Math.min(...rounds),
  max: Math.max(...rounds),
  rounds,
});

/** `digits` significant digits, for people and for short JSON. */
export const significant = (value: number, digits = 4): number =>
  Number.isFinite(value) ? Number(value.toPrecision(digits)) : value;
