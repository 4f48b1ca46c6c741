/** Rates and budgets that calls of several runs share, compared between two policies. */
import type { CallVerdict, SharedBounds } from "./diff-verdicts.ts";

const most = (bound: number | null): number => bound ?? Number.POSITIVE_INFINITY;

/**
 * Whether what passed under `than` passes under `bounds` as well. Without the other side only bounds that no recorded
 * call can meet alone are sure.
 */
export function looser(bounds: SharedBounds, than: SharedBounds | null): boolean {
  if (than === null) return bounds.maxRatePerMin === null && bounds.maxTogglesPerMin === null;
  const rates = new Map(than.rates.map((rate) => [rate.scope, rate]));
  return (
    most(bounds.maxRatePerMin) >= most(than.maxRatePerMin) &&
    most(bounds.maxTogglesPerMin) >= most(than.maxTogglesPerMin) &&
    (bounds.costMilli ?? 0) <= (than.costMilli ?? 0) &&
    bounds.capacityMilli >= than.capacityMilli &&
    bounds.refillPerHourMilli >= than.refillPerHourMilli &&
    bounds.rates.every(({ scope, rps, burst }) => {
      const other = rates.get(scope);
      return other !== undefined && rps >= other.rps && burst >= other.burst;
    })
  );
}

const WINDOW_MS = 60_000;

/** Calls that the rate of their rule refuses whatever other runs did: this run alone has used it up. */
export function struckAt(calls: readonly CallVerdict[]): ReadonlySet<number> {
  const struck = new Set<number>();
  const passed = new Map<string, number[]>();
  for (const { number, ruleId, bounds, atMs, outcome } of calls) {
    const max = bounds?.maxRatePerMin ?? null;
    if (max === null || ruleId === null || atMs === null || outcome === "deny") continue;
    const recent = (passed.get(ruleId) ?? []).filter((at) => at >= atMs - WINDOW_MS);
    if (recent.length >= max) struck.add(number);
    else recent.push(atMs);
    passed.set(ruleId, recent);
  }
  return struck;
}
