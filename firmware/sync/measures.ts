/** Summaries and measures of agreement (sync.md 4.2, 10). */
import { hashJson } from "../core/hash.ts";
import { roundHalfEven } from "../core/round.ts";

export type HeadRow = readonly [origin: string, seq: number, hash: string];

/** Equal summaries mean equal knowledge. Any input order. */
export const summaryOf = (heads: readonly HeadRow[]): string =>
  hashJson([...heads].sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0)));

/** Share of the summaries that equal the most common one, to six decimals; without peers all agree. */
export function convergence(summaries: readonly string[]): { ratio: number; converged: boolean } {
  if (summaries.length === 0) return { ratio: 1, converged: true };
  const counts = new Map<string, number>();
  for (const summary of summaries) counts.set(summary, (counts.get(summary) ?? 0) + 1);
  const most = Math.max(...counts.values());
  return { ratio: roundHalfEven((most / summaries.length) * 1e6) / 1e6, converged: counts.size === 1 };
}

/** Batches known to exist and missing here, and of whom. Being ahead of others is no lag. */
export function lagOf(
  own: ReadonlyMap<string, number>,
  best: ReadonlyMap<string, number>,
): { readonly lagBatches: number; readonly behind: readonly string[] } {
  let lagBatches = 0;
  const behind: string[] = [];
  for (const [origin, seq] of best) {
    const missing = seq - (own.get(origin) ?? 0);
    if (missing <= 0) continue;
    lagBatches += missing;
    behind.push(origin);
  }
  return { lagBatches, behind: behind.sort() };
}

/** What counts of an origin once forks are proven: everything below the smallest proven sequence number. */
export function effectiveBatches(
  applied: readonly number[],
  provenForks: readonly number[],
): { readonly effective: readonly number[]; readonly rebuild: boolean } {
  const from = Math.min(...provenForks, Number.POSITIVE_INFINITY);
  const effective = applied.filter((seq) => seq < from);
  return { effective, rebuild: effective.length < applied.length };
}

/** The gauges and counters of one replica. */
export interface SyncMeasures {
  readonly converged: boolean;
  readonly ratio: number;
  readonly lagBatches: number;
  readonly held: number;
  readonly excludedOrigins: number;
  readonly unstableBatches: number;
  readonly counts: ReadonlyMap<string, number>;
}
