/** When exploring is due: a counter rule, no dice (phi.md 9). */
import { type Refusal, refusal } from "../core/errors.ts";
import { PHI_LIMITS } from "../core/limits.ts";
import { roundHalfEven } from "../core/round.ts";
import type { Intent } from "./weights.ts";
import { isIntent } from "./weights.ts";

const table: Readonly<Record<Intent, readonly [base: number, min: number, max: number]>> = {
  realtime: [0.05, 0, 0.2],
  sensitive: [0.02, 0, 0.1],
  batch: [0.2, 0, 0.6],
  cost_saver: [0.4, 0.05, 0.9],
  gpu: [0.15, 0, 0.5],
  mobile: [0.1, 0, 0.4],
  ui: [0.15, 0, 0.5],
};

/** Every n-th run of a history explores, n = max(1, round(1/ε)); ε ≤ 0 never, ε ≥ 1 always. */
export function explores(epsilon: number, historyLength: number): boolean {
  if (!(epsilon > 0)) return false;
  if (epsilon >= 1) return true;
  return (historyLength + 1) % Math.max(1, roundHalfEven(1 / epsilon)) === 0;
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

function haste(historyLength: number): number {
  if (historyLength < 3) return 1.8;
  if (historyLength < 10) return 1.2;
  return historyLength > 50 ? 0.8 : 1;
}

/** ε for a set of intents at a length of history; without intents those of a program, `batch`. */
export function epsilonFor(
  intents: readonly string[],
  historyLength: number,
): { readonly ok: true; readonly epsilon: number } | Refusal {
  const distinct = intents.length === 0 ? ["batch"] : [...new Set(intents)].sort();
  const rows: (readonly [number, number, number])[] = [];
  for (const intent of distinct) {
    if (!isIntent(intent)) return refusal("unknown_intent", 422, { value: intent });
    rows.push(table[intent]);
  }
  const base = mean(rows.map((row) => row[0]));
  const min = mean(rows.map((row) => row[1]));
  const max = Math.max(base, mean(rows.map((row) => row[2])));
  return { ok: true, epsilon: Math.min(max, Math.max(min, base * haste(historyLength))) };
}

export interface ExploreState {
  readonly lastExploreAt: number | null;
  readonly cooldownUntil: number;
  readonly failures: number;
}

/** True while nothing is explored whatever ε is; over at exactly `cooldownUntil`. */
export const inCooldown = (state: Pick<ExploreState, "cooldownUntil">, nowMs: number): boolean =>
  nowMs < state.cooldownUntil;

/** A regression starts a cool-down and is counted; an equal or better result clears both. */
export const afterExploration = (state: ExploreState, regressed: boolean, nowMs: number): ExploreState => ({
  lastExploreAt: nowMs,
  cooldownUntil: regressed ? nowMs + PHI_LIMITS.cooldownMs : 0,
  failures: regressed ? state.failures + 1 : 0,
});
