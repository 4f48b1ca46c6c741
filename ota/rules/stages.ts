/** The publisher's stages: from a few devices to all of them, and back (rollout.md 12). Times are ms. */
import { type Refusal, refusal } from "../../firmware/core/errors.ts";
import { TRIAL_LIMITS } from "../../firmware/core/limits.ts";

export interface Stage {
  readonly name: string;
  readonly percent: number;
  readonly minHoldMs?: number;
}

export interface StageState {
  readonly state: "running" | "aborted" | "completed";
  readonly idx: number;
  readonly failures: number;
  /** The hold of the stage counts from here; after a failure it lies in the future by the backoff. */
  readonly stageStartedAt: number;
  /** Percents as applied: a heal lowers that of its stage. */
  readonly percents: readonly number[];
  readonly isAutotuneFrozen: boolean;
}

export type StageInput =
  | { readonly at: number; readonly gate: "pass" }
  | { readonly at: number; readonly gate: "fail"; readonly hard?: boolean }
  | { readonly at: number; readonly gate: "heal"; readonly rollbackFactor: number };

/** Wait before a stage may be passed again; 0 without a failure. */
export const stageBackoff = (failures: number): number =>
  failures < 1 ? 0 : Math.min(TRIAL_LIMITS.backoffMs, TRIAL_LIMITS.firstBackoffMs * 2 ** (failures - 1));

/** `canary_plan_empty`, `canary_percent_out_of_range`, `canary_plan_decreasing` (422), or null. */
export function planProblem(stages: readonly Stage[]): Refusal | null {
  if (stages.length === 0) return refusal("canary_plan_empty", 422);
  const outside = stages.find(({ percent }) => !(percent >= 0 && percent <= 100));
  if (outside)
    return refusal("canary_percent_out_of_range", 422, { stage: outside.name, percent: outside.percent });
  const falling = stages.find(({ percent }, i) => i > 0 && percent < (stages[i - 1]?.percent ?? 0));
  return falling
    ? refusal("canary_plan_decreasing", 422, { stage: falling.name, percent: falling.percent })
    : null;
}

export const firstStage = (stages: readonly Stage[], now: number): StageState => ({
  state: "running",
  idx: 0,
  failures: 0,
  stageStartedAt: now,
  percents: stages.map(({ percent }) => percent),
  isAutotuneFrozen: false,
});

function goBack(state: StageState, now: number): StageState {
  const failures = state.failures + 1;
  return {
    ...state,
    failures,
    idx: Math.max(0, state.idx - 1),
    stageStartedAt: now + stageBackoff(failures),
  };
}

/** One input; an aborted or completed rollout stays what it is. */
export function nextStage(stages: readonly Stage[], state: StageState, input: StageInput): StageState {
  if (state.state !== "running") return state;
  if (input.gate === "fail") {
    if (input.hard === true || state.idx === 0)
      return { ...state, state: "aborted", failures: state.failures + 1 };
    return goBack(state, input.at);
  }
  if (input.gate === "heal") {
    const back = goBack(state, input.at);
    const percents = back.percents.map((percent, i) =>
      i === back.idx ? Math.max(1, Math.floor(percent * input.rollbackFactor)) : percent,
    );
    return { ...back, percents, isAutotuneFrozen: true };
  }
  if (input.at - state.stageStartedAt < (stages[state.idx]?.minHoldMs ?? 0)) return state;
  return state.idx === stages.length - 1
    ? { ...state, state: "completed" }
    : { ...state, idx: state.idx + 1, stageStartedAt: input.at };
}
