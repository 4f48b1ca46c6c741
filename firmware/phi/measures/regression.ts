/** Has a change made things worse? The window frozen before it against the window since (observability.md 4). */
const SLACK = 1e-9;

export interface RegressionSide {
  readonly count: number;
  readonly p95: number | null;
  readonly errorRate: number | null;
  readonly schemaErrorRate: number | null;
}

export interface RegressionLimits {
  readonly maxP95IncreaseMs: number;
  /** Null: not tested. */
  readonly maxP95IncreaseRel: number | null;
  readonly minP95DeltaMs: number;
  readonly maxErrorRateIncrease: number;
  readonly blockOnSchemaRegression: boolean;
  readonly minSamples: number;
}

export const DEFAULT_REGRESSION_LIMITS: RegressionLimits = {
  maxP95IncreaseMs: 50,
  maxP95IncreaseRel: null,
  minP95DeltaMs: 5,
  maxErrorRateIncrease: 0.01,
  blockOnSchemaRegression: true,
  minSamples: 20,
};

export interface RegressionDeltas {
  readonly p95Ms: number | null;
  readonly errorRate: number | null;
  readonly schemaErrorRate: number | null;
}

export interface RegressionVerdict {
  readonly ok: boolean;
  /** All that apply, in the order of the table. */
  readonly reasons: readonly string[];
  readonly deltas: RegressionDeltas;
}

const difference = (before: number | null, after: number | null): number | null =>
  before === null || after === null ? null : after - before;

/** A missing rate on either side cannot show that nothing got worse, so it is `insufficient_data`. */
export function regression(
  before: RegressionSide,
  after: RegressionSide,
  limits: RegressionLimits = DEFAULT_REGRESSION_LIMITS,
): RegressionVerdict {
  const deltas = {
    p95Ms: difference(before.p95, after.p95),
    errorRate: difference(before.errorRate, after.errorRate),
    schemaErrorRate: difference(before.schemaErrorRate, after.schemaErrorRate),
  };
  const enough = before.count >= limits.minSamples && after.count >= limits.minSamples;
  if (!enough || deltas.errorRate === null) return { ok: false, reasons: ["insufficient_data"], deltas };
  const reasons: string[] = [];
  const { p95Ms } = deltas;
  if (p95Ms !== null && p95Ms > limits.maxP95IncreaseMs + SLACK) reasons.push("p95_regression");
  if (p95Ms !== null && limits.maxP95IncreaseRel !== null) {
    const relative = p95Ms > limits.maxP95IncreaseRel * (before.p95 ?? 0) + SLACK;
    if (relative && p95Ms > limits.minP95DeltaMs + SLACK) reasons.push("p95_relative_regression");
  }
  if (deltas.errorRate > limits.maxErrorRateIncrease + SLACK) reasons.push("error_rate_regression");
  if (limits.blockOnSchemaRegression && (deltas.schemaErrorRate ?? 0) > SLACK) {
    reasons.push("schema_error_regression");
  }
  return { ok: reasons.length === 0, reasons, deltas };
}
