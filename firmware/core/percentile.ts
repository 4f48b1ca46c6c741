/**
 * The percentile of samples sorted in ascending order by linear interpolation at `k = (n − 1)·p`; null without
 * samples. The one percentile rule of the project (observability.md 1, DESIGN 4).
 */
export function percentile(sorted: readonly number[], p: number): number | null {
  if (sorted.length === 0) return null;
  const k = (sorted.length - 1) * Math.min(1, Math.max(0, p));
  const below = sorted[Math.floor(k)] ?? 0;
  const above = sorted[Math.ceil(k)] ?? below;
  return below + (above - below) * (k - Math.floor(k));
}

/** A measurement that may enter a window: finite and not negative (observability.md 1). */
export const isSample = (value: unknown): value is number =>
  typeof value === "number" && Number.isFinite(value) && value >= 0;

/** A sorted copy of the usable samples and the count of those that were refused. */
export function sortSamples(values: readonly unknown[]): {
  readonly sorted: readonly number[];
  readonly refused: number;
} {
  const sorted = values.filter(isSample).sort((a, b) => a - b);
  return { sorted, refused: values.length - sorted.length };
}
