/** A sweep of power cuts: every step of a window is a place where the power goes, once before, during and after it (simulator.md 9). */
import type { CutPoint } from "../power/steps.ts";
import type { Run } from "../scenario/types.ts";
import { SeededEntropy } from "../time/entropy.ts";
import type { StepSeen } from "./boot-steps.ts";
import { type ExecuteOptions, execute, type RunOutcome } from "./outcome.ts";
import type { Sim } from "./sim.ts";

/** How long a device is off after a cut of a sweep. */
const OFF_MS = 3000;
export const CUT_POINTS: readonly CutPoint[] = ["before", "during", "after"];

/** One cut, and perhaps a second one while the device recovers from it. */
export interface CutPlan {
  readonly device: string;
  /** Number of the step in the device's life. */
  readonly step: number;
  readonly label: string;
  readonly point: CutPoint;
  /** The second cut: so many steps into the recovery; null for none. */
  readonly second: { readonly after: number; readonly point: CutPoint } | null;
}

/** Orders the cuts of a run that has not begun. */
export function prepareCut(sim: Sim, { device, step, point, second }: CutPlan): void {
  sim.fault({
    fault: "cut",
    devices: [device],
    label: null,
    nth: null,
    step,
    point,
    offMs: OFF_MS,
    torn: null,
  });
  if (second === null) return;
  const member = sim.member(device);
  const boots = { before: 0 };
  const watching = member.device.counter.onStep(({ number }) => {
    if (number === step) boots.before = member.device.boots;
    if (number <= step || member.device.boots === boots.before) return;
    watching[Symbol.dispose]();
    member.device.cutAt({ step: number + second.after, point: second.point }, { offMs: OFF_MS, torn: false });
  });
}

export interface SweepWindow {
  readonly device: string;
  readonly fromUs: number;
  readonly toUs: number;
}

export interface WindowSteps {
  readonly steps: readonly StepSeen[];
  /** Steps of the device's first start: how long a recovery is, about. */
  readonly startSteps: number;
  readonly outcome: RunOutcome;
}

/** Runs once without a cut. @throws CodedError `not_found` (404) for a device that is not there; as `execute`. */
export async function countSteps(
  run: Run,
  window: SweepWindow,
  options: ExecuteOptions,
): Promise<WindowSteps> {
  const steps: StepSeen[] = [];
  let startSteps = 0;
  const outcome = await execute(run, {
    ...options,
    prepare: (sim) => {
      const { device } = sim.member(window.device);
      device.counter.onStep((step) => {
        if (!device.isRunning && device.boots === 1) startSteps = step.number;
        if (step.atUs >= window.fromUs && step.atUs <= window.toUs) steps.push(step);
      });
    },
  });
  return { steps, startSteps, outcome };
}

export interface SweepOptions {
  readonly points: readonly CutPoint[];
  readonly isDouble: boolean;
  /** More plans than this are sampled. */
  readonly maxRuns: number;
}

/** Chosen places keep their order. */
function sampledPlans(plans: readonly CutPlan[], count: number, entropy: SeededEntropy): readonly CutPlan[] {
  if (plans.length <= count) return plans;
  const order = plans.map((_, index) => index);
  for (let index = 0; index < count; index++) {
    const other = index + entropy.below(order.length - index);
    [order[index], order[other]] = [order[other] ?? 0, order[index] ?? 0];
  }
  const chosen = new Set(order.slice(0, count));
  return plans.filter((_, index) => chosen.has(index));
}

/** Every cut of a sweep; draws come from stream `faults` of the run's seed. */
export function planSweep(
  seed: string,
  device: string,
  { steps, startSteps }: Pick<WindowSteps, "steps" | "startSteps">,
  { points, isDouble, maxRuns }: SweepOptions,
): readonly CutPlan[] {
  const entropy = new SeededEntropy(seed, "faults");
  const plans = steps.flatMap(({ number, label }) =>
    points.map((point): CutPlan => ({ device, step: number, label, point, second: null })),
  );
  const chosen = sampledPlans(plans, maxRuns, entropy);
  if (!isDouble) return chosen;
  return chosen.map((plan) => ({
    ...plan,
    second: {
      after: entropy.below(Math.max(1, startSteps)),
      point: points[entropy.below(points.length)] ?? "during",
    },
  }));
}
