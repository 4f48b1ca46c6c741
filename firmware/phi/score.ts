/** Scores: one run, a suite of runs and the multi-objective score of a window (phi.md 3 to 5). Lower is better. */
import { hashJson } from "../core/hash.ts";
import { percentile } from "../core/percentile.ts";
import { DIMENSIONS, type Dimension, type Norms, type Weights } from "./weights.ts";

/** A score, or null as the worst value with what was missing; `missing` also names dimensions scored at their worst. */
export interface Phi {
  readonly phi: number | null;
  readonly missing: readonly string[];
  readonly reason?: string;
}

/** What one run measured; absent, negative or non-finite values count as missing. */
export interface RunMetrics {
  /** True unless the run ended `ok`: refused, denied, failed, timed out or over quota. */
  readonly error?: boolean | null;
  /** p95 of the run's window, ms; preferred over the run's own latency. */
  readonly p95Ms?: number | null;
  readonly latencyMs?: number | null;
  readonly cpuSteps?: number | null;
  readonly memKb?: number | null;
  readonly ioCalls?: number | null;
}

const usable = (value: unknown): value is number =>
  typeof value === "number" && Number.isFinite(value) && value >= 0;

/** A present but bad p95 is missing; only an absent one falls back to the latency. */
const latencyOf = (run: RunMetrics): number | null | undefined => run.p95Ms ?? run.latencyMs;

/** Φ_run = 10·err + 3·L/500 + cpuSteps/500000 + 0.5·memKb/65536 + 0.3·ioCalls/1000; null if anything is missing. */
export function runScore(run: RunMetrics): Phi {
  const latency = latencyOf(run);
  const { error, cpuSteps, memKb, ioCalls } = run;
  const missing: string[] = [];
  if (typeof error !== "boolean") missing.push("error");
  if (!usable(latency)) missing.push("latency");
  if (!usable(cpuSteps)) missing.push("cpuSteps");
  if (!usable(memKb)) missing.push("memKb");
  if (!usable(ioCalls)) missing.push("ioCalls");
  if (!usable(latency) || !usable(cpuSteps) || !usable(memKb) || !usable(ioCalls) || missing.length > 0) {
    return { phi: null, missing };
  }
  const phi =
    (error ? 10 : 0) +
    3 * (latency / 500) +
    cpuSteps / 500_000 +
    0.5 * (memKb / 65_536) +
    0.3 * (ioCalls / 1000);
  return { phi, missing };
}

/** Below this a run is as good as free; without a floor one trivial run could hide a bad one (phi.md 4). */
const NOISE_FLOOR = 0.001;

export type SuiteScore =
  | { readonly phi: number; readonly tail: number }
  | { readonly phi: null; readonly reason: "no_runs" | "worst_run_present" };

/** Geometric mean and tail (p95) of the runs of a suite. */
export function suiteScore(scores: readonly (number | null)[]): SuiteScore {
  if (scores.length === 0) return { phi: null, reason: "no_runs" };
  const sound = scores.filter(usable);
  if (sound.length < scores.length) return { phi: null, reason: "worst_run_present" };
  const logs = sound.reduce((sum, phi) => sum + Math.log(Math.max(phi, NOISE_FLOOR)), 0);
  const sorted = [...sound].sort((a, b) => a - b);
  return { phi: Math.exp(logs / sound.length), tail: percentile(sorted, 0.95) ?? 0 };
}

/** What a window measured over many runs (phi.md 5.1). */
export interface WindowMetrics {
  readonly p95Ms?: number | null;
  readonly costUnits?: number | null;
  readonly errorRate?: number | null;
  readonly sessionTrust?: number | null;
  readonly energyUnits?: number | null;
  readonly memKb?: number | null;
}

/** The normalised value in [0, 1] of one dimension; null if it is missing or bad. */
function normalised(metrics: WindowMetrics, norms: Norms, dimension: Dimension): number | null {
  if (dimension === "distrust") {
    const trust = metrics.sessionTrust;
    return usable(trust) && trust <= 1 ? 1 - trust : null;
  }
  const [value, norm] = {
    latency: [metrics.p95Ms, norms.latency] as const,
    cost: [metrics.costUnits, norms.cost] as const,
    errors: [metrics.errorRate, norms.errors] as const,
    energy: [metrics.energyUnits, norms.energy] as const,
    memory: [metrics.memKb, norms.memory] as const,
  }[dimension];
  return usable(value) ? Math.min(1, value / norm) : null;
}

/** Φ = Σ w·n over six dimensions; a missing dimension counts 1 and is named if it has weight. */
export function multiScore(
  metrics: WindowMetrics,
  weights: Weights,
  norms: Norms,
): Phi & { readonly phi: number } {
  const missing: string[] = [];
  let phi = 0;
  for (const dimension of DIMENSIONS) {
    const n = normalised(metrics, norms, dimension);
    if (n === null && weights[dimension] > 0) missing.push(dimension);
    phi += weights[dimension] * (n ?? 1);
  }
  return { phi, missing };
}

/** True iff `next` is lower by more than 1e-9; null is worse than any number (phi.md 1, law 7). */
export const isBetter = (next: number | null, old: number | null): boolean =>
  next !== null && (old === null || next + 1e-9 < old);

/** Scores with different context hashes are never compared (phi.md 1, law 5). */
export const contextHash = (weights: Weights, norms: Norms, metricVersion: number): string =>
  hashJson({ weights, norms, metricVersion });
