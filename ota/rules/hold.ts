/** The hold of a device's own canary: one decision per evaluation (rollout.md 10). */

export interface HoldConfig {
  readonly minHoldMs: number;
  readonly maxHoldMs: number;
  readonly minSamples: number;
  /** Breaches that are forgiven; 0 in prod and strict. */
  readonly violationLimit: number;
  /** Good evaluations in a row that a commit needs. */
  readonly consecutiveOk: number;
}

export interface HoldState {
  readonly consecutiveOk: number;
  readonly violations: number;
  readonly requiredHoldMs: number;
}

/** What one window says. Times are powered, running ms. */
export interface Evaluation {
  readonly heldMs: number;
  readonly samples: number;
  /** An event that ends the trial whatever the numbers say, by its code. */
  readonly hard?: string | null;
  readonly spike?: boolean;
  readonly noData?: boolean;
  readonly breach?: boolean;
  readonly nearMiss?: boolean;
  /** Against the baseline. */
  readonly notWorse?: boolean;
}

export type HoldDecision =
  | { readonly do: "hold" }
  | { readonly do: "pre_commit" }
  | { readonly do: "rollback"; readonly reason: string };

export const holdBegin = (config: HoldConfig): HoldState => ({
  consecutiveOk: 0,
  violations: 0,
  requiredHoldMs: config.minHoldMs,
});

const HOLD: HoldDecision = { do: "hold" };
const undo = (reason: string): HoldDecision => ({ do: "rollback", reason });

function counted(state: HoldState, seen: Evaluation, config: HoldConfig): HoldState {
  if (seen.noData === true) return { ...state, consecutiveOk: 0 };
  if (seen.breach === true) return { ...state, consecutiveOk: 0, violations: state.violations + 1 };
  if (seen.nearMiss === true) {
    const requiredHoldMs = Math.min(config.maxHoldMs, seen.heldMs + config.minHoldMs);
    return { ...state, consecutiveOk: 0, requiredHoldMs };
  }
  return { ...state, consecutiveOk: state.consecutiveOk + 1 };
}

function decideHold(state: HoldState, seen: Evaluation, config: HoldConfig): HoldDecision {
  const isOver = seen.heldMs >= config.maxHoldMs;
  if (seen.noData === true) return isOver ? undo("canary_insufficient_samples") : HOLD;
  if (seen.breach === true && state.violations > config.violationLimit) return undo("sla_breach");
  const isDue = seen.heldMs >= state.requiredHoldMs && seen.samples >= config.minSamples;
  if (isDue && state.consecutiveOk >= config.consecutiveOk) return { do: "pre_commit" };
  if (!isOver) return HOLD;
  if (seen.samples < config.minSamples) return undo("canary_insufficient_samples");
  return seen.breach !== true && seen.notWorse === true ? { do: "pre_commit" } : undo("canary_hold_limit");
}

/** Judges one evaluation; the first line of the table that applies decides. */
export function evaluateHold(
  state: HoldState,
  seen: Evaluation,
  config: HoldConfig,
): { readonly state: HoldState; readonly decision: HoldDecision } {
  if (seen.hard) return { state, decision: undo(seen.hard) };
  if (seen.spike === true) return { state, decision: undo("spike") };
  const next = counted(state, seen, config);
  return { state: next, decision: decideHold(next, seen, config) };
}

/** Promote, hold or roll back by a window alone. @param slaOk null: no data. */
export function windowVerdict(
  slaOk: boolean | null,
  compare: "not_worse" | "worse" | "insufficient_data" | string,
): "promote" | "hold" | "rollback" {
  if (slaOk !== true) return "rollback";
  return compare === "not_worse" || compare === "improved" ? "promote" : "hold";
}
