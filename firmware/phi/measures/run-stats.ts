/** How the runs of a period went, out of their records (observability.md 2). Wall-clock ms. */
import { CodedError } from "../../core/errors.ts";
import { percentile, sortSamples } from "../../core/percentile.ts";
import { roundHalfEven } from "../../core/round.ts";

const HOUR_MS = 3_600_000;

export interface RunTiming {
  readonly startTs: number;
  readonly endTs: number | null;
  /** Null while the run is unfinished. */
  readonly ok: boolean | null;
  readonly ms: number | null;
}

export interface RunStats {
  readonly count: number;
  readonly ok: number;
  readonly fail: number;
  readonly avgMs: number | null;
  readonly p50: number | null;
  readonly p90: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

/**
 * Runs whose end, else start, lies in the last `hours` (1 to 720). An unfinished run counts in `count` only.
 * @throws CodedError `out_of_range` (422) for a bad period.
 */
export function runStats(runs: readonly RunTiming[], nowMs: number, hours = 24): RunStats {
  if (!Number.isSafeInteger(hours) || hours < 1 || hours > 720) {
    throw new CodedError("out_of_range", "The period must be 1 to 720 whole hours.", {
      status: 422,
      details: { hours: String(hours) },
    });
  }
  const inside = runs.filter(({ startTs, endTs }) => {
    const ts = endTs ?? startTs;
    return nowMs - hours * HOUR_MS <= ts && ts <= nowMs;
  });
  const { sorted } = sortSamples(inside.flatMap(({ endTs, ms }) => (endTs === null ? [] : [ms])));
  const total = sorted.reduce((sum, ms) => sum + ms, 0);
  return {
    count: inside.length,
    ok: inside.filter((run) => run.ok === true).length,
    fail: inside.filter((run) => run.ok === false).length,
    avgMs: sorted.length === 0 ? null : roundHalfEven(total / sorted.length),
    p50: percentile(sorted, 0.5),
    p90: percentile(sorted, 0.9),
    p95: percentile(sorted, 0.95),
    p99: percentile(sorted, 0.99),
  };
}
