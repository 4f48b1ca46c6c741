/** The states of one update and every arrow between them (rollout.md 2). Pure: who calls it does the work and stores it. */
import { type Refusal, refusal } from "../firmware/core/errors.ts";
import { STEP_LIMITS, TRIAL_LIMITS } from "../firmware/core/limits.ts";

export const OTA_STATES = [
  "received",
  "verified",
  "planned",
  "gated",
  "shadowed",
  "active",
  "self_test",
  "probe",
  "canary",
  "committed",
  "rejected",
  "rolling_back",
  "rolled_back",
  "safe_mode",
] as const;
export type OtaState = (typeof OTA_STATES)[number];

/** Work between two states; its name stands in events (`verify_ok`) and reasons (`timeout:verify`). */
export type OtaStep =
  | "verify"
  | "plan"
  | "gates"
  | "shadow"
  | "activate"
  | "self_test"
  | "probe"
  | "hold"
  | "guard"
  | "rollback";

export type OtaEvent =
  | "bytes_received"
  | `${Exclude<OtaStep, "hold" | "guard">}_ok`
  | `${Exclude<OtaStep, "guard">}_fail`
  | "hold_start"
  | "commit_ok"
  | "commit_fail"
  | "regression"
  | "emergency"
  | "recover_ok"
  | "timeout"
  | "abort"
  | "power_loss"
  | "crash";

export interface Progress {
  readonly state: OtaState | null;
  /** Restarts while the candidate was on trial. */
  readonly trialRestarts: number;
  readonly reason: string | null;
}

export const BEGINNING: Progress = { state: null, trialRestarts: 0, reason: null };

const FORWARD: Readonly<Partial<Record<OtaState, Readonly<Partial<Record<OtaEvent, OtaState>>>>>> = {
  received: { verify_ok: "verified", verify_fail: "rejected" },
  verified: { plan_ok: "planned", plan_fail: "rejected" },
  planned: { gates_ok: "gated", gates_fail: "rejected" },
  gated: { shadow_ok: "shadowed", shadow_fail: "rejected" },
  shadowed: { activate_ok: "active", activate_fail: "rejected" },
  active: { self_test_ok: "self_test", self_test_fail: "rolling_back", activate_fail: "rolling_back" },
  self_test: { probe_ok: "probe", probe_fail: "rolling_back" },
  probe: { hold_start: "canary", hold_fail: "rolling_back" },
  canary: { commit_ok: "committed", commit_fail: "rolling_back", hold_fail: "rolling_back" },
  committed: { regression: "rolling_back", emergency: "rolling_back" },
  rolling_back: { rollback_ok: "rolled_back", rollback_fail: "safe_mode" },
  safe_mode: { recover_ok: "rolled_back", rollback_ok: "rolled_back", rollback_fail: "safe_mode" },
};

const NEXT_STEP: Readonly<Partial<Record<OtaState, OtaStep>>> = {
  received: "verify",
  verified: "plan",
  planned: "gates",
  gated: "shadow",
  shadowed: "activate",
  active: "self_test",
  self_test: "probe",
  probe: "hold",
  canary: "hold",
  committed: "guard",
  rolling_back: "rollback",
};

/** Deadlines of the steps in ms; the probe's own waiting comes on top (rollout.md 2). */
export const STEP_DEADLINE_MS: Readonly<Record<OtaStep, number | null>> = {
  verify: STEP_LIMITS.verify,
  plan: STEP_LIMITS.plan,
  gates: STEP_LIMITS.gates,
  shadow: STEP_LIMITS.shadow,
  activate: STEP_LIMITS.activate,
  self_test: STEP_LIMITS.selfTest,
  probe: STEP_LIMITS.probe,
  hold: null,
  guard: null,
  rollback: null,
};

/** What is to be done in a state; null in a terminal one and in safe mode. */
export const stepOf = (state: OtaState): OtaStep | null => NEXT_STEP[state] ?? null;

/** The candidate is not in force yet: leaving means `rejected`. */
export const isBeforeActive = (state: OtaState): boolean =>
  ["received", "verified", "planned", "gated", "shadowed"].includes(state);

/** The candidate is in force but may still be undone by itself. */
export const isTrial = (state: OtaState): boolean =>
  ["active", "self_test", "probe", "canary"].includes(state);

export const isTerminal = (state: OtaState): boolean => state === "rejected" || state === "rolled_back";

const invalid = (state: OtaState | null, event: string): Refusal =>
  refusal("invalid_transition", 409, { state, event });

const leave = (progress: Progress, state: OtaState, reason: string): Progress | Refusal => {
  if (isBeforeActive(state)) return { ...progress, state: "rejected", reason };
  return isTrial(state) ? { ...progress, state: "rolling_back", reason } : invalid(state, reason);
};

/** The recovery table of rollout.md 2.1. */
function restarted(
  progress: Progress,
  state: OtaState,
  event: "power_loss" | "crash",
  maxTrialRestarts: number,
): Progress {
  if (!isTrial(state)) return progress;
  if (event === "crash") return { ...progress, state: "rolling_back", reason: "trial_crash" };
  const trialRestarts = progress.trialRestarts + 1;
  return trialRestarts > maxTrialRestarts
    ? { state: "rolling_back", trialRestarts, reason: "trial_restart_limit" }
    : { state: "active", trialRestarts, reason: progress.reason };
}

/**
 * The next progress, or `invalid_transition` (409), which changes nothing.
 * @param reason why a step failed; kept as the reason of the run.
 */
export function transition(
  progress: Progress,
  event: OtaEvent,
  options: { readonly reason?: string; readonly maxTrialRestarts?: number } = {},
): Progress | Refusal {
  const { state } = progress;
  if (state === null)
    return event === "bytes_received" ? { ...progress, state: "received" } : invalid(state, event);
  if (event === "power_loss" || event === "crash") {
    return restarted(progress, state, event, options.maxTrialRestarts ?? TRIAL_LIMITS.restarts);
  }
  const step = stepOf(state);
  if (event === "abort") return leave(progress, state, options.reason ?? "aborted_by_command");
  if (event === "emergency") {
    const reason = options.reason ?? "emergency_rollback";
    return state === "committed"
      ? { ...progress, state: "rolling_back", reason }
      : leave(progress, state, reason);
  }
  if (event === "timeout")
    return step === null ? invalid(state, event) : leave(progress, state, `timeout:${step}`);
  const row = FORWARD[state];
  const next = row && Object.hasOwn(row, event) ? row[event] : undefined;
  if (next === undefined) return invalid(state, event);
  // The reason to undo stays the reason of the run, whatever the undoing comes to.
  if (next === "rejected" || next === "rolling_back") {
    return { ...progress, state: next, reason: options.reason ?? step ?? event };
  }
  return { ...progress, state: next };
}

/** True for a refusal of `transition`. */
export const isRefused = (result: Progress | Refusal): result is Refusal => "ok" in result;
