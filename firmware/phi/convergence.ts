/** Trend of a score and whether it has settled (phi.md 8). */
import { CodedError } from "../core/errors.ts";

const SLACK = 1e-12;

export interface TrendOptions {
  /** Newest values looked at; default 10. */
  readonly window?: number;
  /** Slope per step that counts as movement; default 0.01. */
  readonly epsilon?: number;
  /** Rises tolerated while converging; default 2. */
  readonly maxViolations?: number;
}

export interface Trend {
  readonly state: "converging" | "diverging" | "undecided";
  readonly count: number;
  readonly slope: number | null;
  readonly violations: number;
}

/** Least-squares slope over the index. */
function slopeOf(values: readonly number[]): number {
  const meanIndex = (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  let covariance = 0;
  let variance = 0;
  for (const [i, value] of values.entries()) {
    covariance += (i - meanIndex) * (value - mean);
    variance += (i - meanIndex) ** 2;
  }
  return covariance / variance;
}

/** Whether the newest values fall, rise or neither; fewer than three are undecided. */
export function trend(values: readonly number[], options: TrendOptions = {}): Trend {
  const { window = 10, epsilon = 0.01, maxViolations = 2 } = options;
  const last = values.slice(-window);
  const violations = last.filter((value, i) => value > (last[i - 1] ?? value) + SLACK).length;
  const count = last.length;
  if (count < 3) return { state: "undecided", count, slope: null, violations };
  const slope = slopeOf(last);
  // A hair of slack, because sums of decimal fractions are not exact.
  if (slope <= -epsilon + SLACK && violations <= maxViolations) {
    return { state: "converging", count, slope, violations };
  }
  const diverging = slope >= epsilon - SLACK && violations >= maxViolations;
  return { state: diverging ? "diverging" : "undecided", count, slope, violations };
}

/** Means over the last `window` values, over fewer at the head. @throws CodedError `out_of_range` (422). */
export function movingAverage(values: readonly number[], window: number): number[] {
  if (!Number.isSafeInteger(window) || window <= 0) {
    throw new CodedError("out_of_range", "The window must be an integer of at least 1.", {
      status: 422,
      details: { window: String(window) },
    });
  }
  return values.map((_, i) => {
    const part = values.slice(Math.max(0, i - window + 1), i + 1);
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  });
}

export interface SettledOptions {
  /** Default 20. */
  readonly window?: number;
  /** Spread of the tail relative to its maximum; default 0.02. */
  readonly relTol?: number;
  /** Default 5. */
  readonly tail?: number;
}

/** True if the moving average has stopped moving or never rises at its end. @throws CodedError `out_of_range`. */
export function settled(values: readonly number[], options: SettledOptions = {}): boolean {
  const { window = 20, relTol = 0.02, tail = 5 } = options;
  const averages = movingAverage(values, window).slice(-tail);
  if (values.length < Math.max(window, tail)) return false;
  const max = Math.max(...averages);
  const flat = max - Math.min(...averages) <= relTol * max + SLACK;
  return flat || averages.every((value, i) => value <= (averages[i - 1] ?? value) + SLACK);
}
