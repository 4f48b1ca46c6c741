/** Spikes and filters over series of numbers (observability.md 6). */
import { CodedError } from "../../core/errors.ts";
import { percentile } from "../../core/percentile.ts";

const SLACK = 1e-9;

export interface SpikeOptions {
  /** Default 3. */
  readonly z?: number;
  /** Values before the last that form the history; default 60. */
  readonly window?: number;
  /** Default 12. */
  readonly minSamples?: number;
  /** Smallest deviation that may count, > 0: a wobble on a flat series is no spike. */
  readonly minDelta: number;
  /** Default `up`. */
  readonly direction?: "up" | "down" | "both";
}

export type SpikeVerdict =
  | { readonly spike: false; readonly reason: "insufficient_data" }
  | { readonly spike: boolean; readonly z: number; readonly mean: number; readonly sigma: number };

/** Judges the last value by the values before it. @throws CodedError `out_of_range` (422) if minDelta is not > 0. */
export function detectSpike(series: readonly number[], options: SpikeOptions): SpikeVerdict {
  const { z: threshold = 3, window = 60, minSamples = 12, minDelta, direction = "up" } = options;
  if (!(minDelta > 0) || !(threshold > 0)) {
    throw new CodedError("out_of_range", "minDelta and z must be greater than 0.", { status: 422 });
  }
  const last = series[series.length - 1];
  const history = series.slice(0, -1).slice(-window);
  if (last === undefined || history.length < minSamples || history.length < 2) {
    return { spike: false, reason: "insufficient_data" };
  }
  const mean = history.reduce((sum, value) => sum + value, 0) / history.length;
  const squares = history.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const sigma = Math.max(Math.sqrt(squares / (history.length - 1)), minDelta / threshold);
  const z = (last - mean) / sigma;
  const size = { up: z, down: -z, both: Math.abs(z) }[direction];
  return { spike: size >= threshold - SLACK, z, mean, sigma };
}

/** Exponential moving average for display; null keeps the value before. Never the basis of a decision. */
export function ema(values: readonly (number | null)[], alpha = 0.2): (number | null)[] {
  let smooth: number | null = null;
  return values.map((value) => {
    if (value !== null) smooth = smooth === null ? value : alpha * value + (1 - alpha) * smooth;
    return smooth;
  });
}

/** Keeps what lies within k interquartile ranges of the quartiles; fewer than four values are all kept. */
export function iqrFilter(values: readonly number[], k = 1.5): number[] {
  if (values.length < 4) return [...values];
  const sorted = [...values].sort((a, b) => a - b);
  const q1 = percentile(sorted, 0.25) ?? 0;
  const q3 = percentile(sorted, 0.75) ?? 0;
  const reach = k * (q3 - q1) + SLACK;
  return values.filter((value) => value >= q1 - reach && value <= q3 + reach);
}
