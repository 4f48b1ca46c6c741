/** Weights and norms of the multi-objective score, and how intents move them (phi.md 5, 6). */
import { type Refusal, refusal } from "../core/errors.ts";

export const DIMENSIONS = ["latency", "cost", "errors", "distrust", "energy", "memory"] as const;
export type Dimension = (typeof DIMENSIONS)[number];
export type Weights = Readonly<Record<Dimension, number>>;
/** Where a dimension reaches its worst value 1: ms, cost units, rate, energy units, KiB. */
export type Norms = Readonly<Record<Exclude<Dimension, "distrust">, number>>;

export const DEFAULT_WEIGHTS: Weights = {
  latency: 0.6,
  cost: 0.25,
  errors: 0.1,
  distrust: 0.03,
  energy: 0.015,
  memory: 0.005,
};
export const DEFAULT_NORMS: Norms = { latency: 1000, cost: 10_000, errors: 1, energy: 100, memory: 1024 };

export type Intent = "realtime" | "batch" | "mobile" | "sensitive" | "cost_saver" | "gpu" | "ui";

const deltas: Readonly<Record<Intent, Partial<Weights>>> = {
  realtime: { latency: 0.25, errors: 0.05, distrust: 0.02, cost: -0.15 },
  batch: { latency: -0.2, cost: 0.15, energy: 0.05 },
  mobile: { energy: 0.1, latency: 0.05, memory: 0.05 },
  sensitive: { errors: 0.2, distrust: 0.1, cost: -0.1 },
  cost_saver: { cost: 0.3, latency: -0.2 },
  gpu: { energy: 0.06, cost: 0.08, latency: -0.06 },
  ui: { latency: 0.08, errors: 0.04 },
};

export const isIntent = (name: string): name is Intent => Object.hasOwn(deltas, name);
const isDimension = (name: string): name is Dimension => (DIMENSIONS as readonly string[]).includes(name);

export type WeightsResult = { readonly ok: true; readonly weights: Weights } | Refusal;

/** Policy values replace the defaults key by key; a bad one refuses. */
function policyWeights(policy: Readonly<Record<string, unknown>>): Record<Dimension, number> | Refusal {
  const weights: Record<Dimension, number> = { ...DEFAULT_WEIGHTS };
  for (const [key, value] of Object.entries(policy)) {
    const path = `/phi/weights/${key}`;
    if (!isDimension(key)) return refusal("unknown_field", 422, { path });
    if (typeof value !== "number" || !Number.isFinite(value) || value < 0) {
      return refusal("out_of_range", 422, { path });
    }
    weights[key] = value;
  }
  return weights;
}

/**
 * Defaults, replaced by policy, moved by each distinct intent, negatives set to 0, divided by the sum.
 * All deltas are added before the clamp and in one fixed order, so the order of intents does not matter.
 * Refusals: `unknown_field`, `out_of_range`, `unknown_intent`, `phi_weights_zero` (422).
 */
export function weightsFor(
  policy: Readonly<Record<string, unknown>>,
  intents: readonly string[],
): WeightsResult {
  const weights = policyWeights(policy);
  if ("ok" in weights) return weights;
  for (const intent of [...new Set(intents)].sort()) {
    if (!isIntent(intent))
      return refusal("unknown_intent", 422, { value: intent, allowed: Object.keys(deltas) });
    for (const dimension of DIMENSIONS) weights[dimension] += deltas[intent][dimension] ?? 0;
  }
  let sum = 0;
  for (const dimension of DIMENSIONS) {
    if (weights[dimension] < 1e-12) weights[dimension] = 0;
    sum += weights[dimension];
  }
  if (sum === 0) return refusal("phi_weights_zero", 422);
  for (const dimension of DIMENSIONS) weights[dimension] /= sum;
  return { ok: true, weights };
}
