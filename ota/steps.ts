/** Which work belongs to which step (rollout.md 2). */
import { gatesStep, planStep, shadowStep, verifyStep } from "./before.ts";
import type { OtaContext, StepOutcome } from "./context.ts";
import type { OtaStep } from "./machine.ts";
import { rollbackStep } from "./rollback.ts";
import type { OtaRun } from "./run.ts";
import type { Pointer } from "./slots.ts";
import {
  activateStep,
  guardStep,
  holdStartStep,
  holdStep,
  probeStep,
  selfTestStep,
  type TrialWatch,
} from "./trial.ts";

/** An arrow to take, a run to go on holding, or a guard period that is over. */
export type Work =
  | StepOutcome
  | { readonly hold: OtaRun }
  | { readonly done: OtaRun; readonly isJudged: boolean };

export interface StepParts {
  readonly watch: () => TrialWatch;
  readonly storeTarget: (run: OtaRun, pointer: Pointer) => Promise<void>;
}

/** Does the work of one step; the caller takes the arrow. */
export async function performStep(
  context: OtaContext,
  run: OtaRun,
  step: OtaStep,
  parts: StepParts,
  signal: AbortSignal,
): Promise<Work> {
  if (step === "hold" && run.state === "probe") return holdStartStep(run);
  switch (step) {
    case "verify":
      return verifyStep(context, run, signal);
    case "plan":
      return planStep(context, run, signal);
    case "gates":
      return gatesStep(context, run, signal);
    case "shadow":
      return shadowStep(context, run, signal);
    case "activate":
      return activateStep(context, run);
    case "self_test":
      return selfTestStep(context, run, signal);
    case "probe":
      return probeStep(context, run, signal);
    case "hold":
      return holdStep(context, run, parts.watch(), signal);
    case "guard":
      return guardStep(context, run, parts.watch(), signal);
    case "rollback":
      return rollbackStep(context, run, parts.storeTarget, signal);
  }
}
