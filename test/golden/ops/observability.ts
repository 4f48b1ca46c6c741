/** Vectors of the measures (percentiles, windows, verdicts, spikes) and of token buckets. */
import { percentile, sortSamples } from "../../../firmware/core/percentile.ts";
import { TokenBucket, takeAll } from "../../../firmware/core/token-bucket.ts";
import {
  compareWindows,
  detectSpike,
  ema,
  evaluateSla,
  iqrFilter,
  kpiStats,
  regression,
  runStats,
  sloState,
} from "../../../firmware/phi/index.ts";
import type { Given, OpModule } from "../registry.ts";

function takes(given: Given): unknown {
  const bucket = new TokenBucket({ rps: given.rate, burst: given.burst }, 0);
  return given.steps.map(([at, n]: [number, number]) => bucket.take(n, at));
}

function multiBucket(given: Given): unknown {
  const buckets: [string, TokenBucket][] = Object.entries<Given>(given.buckets).map(
    ([scope, { rate, burst }]) => [scope, new TokenBucket({ rps: rate, burst }, 0)],
  );
  const rejected: Record<string, number> = {};
  let accepted = 0;
  for (const take of given.takes) {
    const wanted = buckets.map(([scope, bucket]) => ({ scope, bucket, n: take[scope] ?? 0 }));
    const verdict = takeAll(wanted, take.atMs ?? 0);
    if (verdict.ok) accepted++;
    else rejected[verdict.scope] = (rejected[verdict.scope] ?? 0) + 1;
  }
  const left = Object.fromEntries(buckets.map(([scope, bucket]) => [scope, bucket.available(0)]));
  return { accepted, rejected, left };
}

const firstRefusal = (results: Given): unknown => results.find((result: Given) => !result.ok);

export const modules: readonly OpModule[] = [
  {
    area: "observability",
    ops: {
      percentile: (given) => ({ value: percentile(sortSamples(given.values).sorted, given.p) }),
      kpi: (given) => kpiStats(given.samples, given),
      sla: (given) => evaluateSla(given.stats, given.sla),
      compare: (given) => compareWindows(given.baseline, given.canary, given),
      regression: (given) => regression(given.before, given.after, given.limits),
      slo: (given) => sloState(given.latencies, given.limitMs, given.minSamples),
      run_stats: (given) => runStats(given.runs, given.nowMs, given.hours),
      spike: (given) => detectSpike(given.series, given),
      ema: (given) => ({ values: ema(given.values, given.alpha) }),
      iqr: (given) => ({ kept: iqrFilter(given.values, given.k) }),
    },
  },
  {
    area: "broker",
    ops: {
      token_bucket: (given) => ({
        results: (takes(given) as Given).map((r: Given) => (r.code === "exceeds_burst" ? r.code : r.ok)),
      }),
      retry_after: (given) => firstRefusal(takes(given)),
      multi_bucket: multiBucket,
    },
  },
];
