/** The one order of checks, as data: calls and plans walk the same list (capabilities.md 4 and 5). */
import { refusal } from "../../core/errors.ts";
import * as acts from "./acts.ts";
import { type CallState, resolved, type StepResult } from "./call-state.ts";
import * as checks from "./checks.ts";
import { runDriver } from "./driver-step.ts";
import { planHashOf } from "./plan-hash.ts";

export type StepName =
  | "count"
  | "resolve"
  | "contract"
  | "allowlist"
  | "switch"
  | "standing"
  | "policy"
  | "permission"
  | "target"
  | "resource"
  | "expect"
  | "admission"
  | "rate"
  | "guard"
  | "charge"
  | "intent"
  | "driver"
  | "result"
  | "evidence";

export interface Step {
  /** Number in the specification's table; one kind of check keeps its number wherever it is repeated. */
  readonly number: number;
  readonly name: StepName;
  /** `ends`: a plan stops here on a refusal. `collected`: it goes on and lists it. `never`: not part of a plan. */
  readonly inPlan: "ends" | "collected" | "never";
  /** A refusal here drives the safe state of the named output. */
  readonly drivesSafeState: boolean;
  applies(call: CallState): boolean;
  run(call: CallState, purpose: "call" | "plan"): StepResult | Promise<StepResult>;
}

const always = (): boolean => true;
const isEffect = (call: CallState): boolean => resolved(call).target.class === "effect";
const isSafeValue = (call: CallState): boolean => resolved(call).target.safeValue;
const isProtective = (call: CallState): boolean =>
  isEffect(call) && resolved(call).target.output?.protective === true;
/** A safe program drives to safety: it passes like the safe value does (capabilities.md 9). */
const isFree = (call: CallState): boolean => isSafeValue(call) || call.ctx.safeProgram;

/** The parts of a compound capability pass these steps themselves (capabilities.md 14). */
const isCompound = (call: CallState): boolean => resolved(call).capability.compound === true;

const standing: Step = {
  number: 5,
  name: "standing",
  inPlan: "collected",
  drivesSafeState: true,
  applies: (call) => isEffect(call) && !isFree(call),
  run: checks.checkStanding,
};

function checkExpected(call: CallState): StepResult {
  const { expect } = call.options;
  if (expect === undefined) return null;
  const { capability, target } = resolved(call);
  const present = planHashOf(capability.contract, target.uri, call.args);
  return expect === present
    ? null
    : refusal("plan_mismatch", 409, { expected: expect.slice(0, 64), present });
}

export const STEPS: readonly Step[] = [
  step(0, "count", checks.countCall, { inPlan: "never" }),
  step(1, "resolve", checks.resolveContract, { inPlan: "ends" }),
  step(2, "contract", checks.checkContract, { inPlan: "ends" }),
  step(3, "allowlist", checks.checkAllowList, { inPlan: "collected" }),
  step(4, "switch", checks.checkSwitch, { inPlan: "collected" }),
  standing,
  step(6, "policy", (call, purpose) => checks.checkPolicy(call, purpose === "plan" ? "explain" : "decide"), {
    inPlan: "collected",
  }),
  step(7, "permission", checks.checkPermission, { inPlan: "collected" }),
  step(8, "target", checks.checkTarget, { inPlan: "collected" }),
  step(9, "resource", checks.checkResource, { inPlan: "collected" }),
  step(9, "expect", checkExpected),
  step(10, "admission", acts.admit, {
    applies: (call) => !isFree(call) && !isProtective(call) && !isCompound(call),
  }),
  { ...standing, inPlan: "never", applies: (call) => call.waited && standing.applies(call) },
  step(11, "rate", acts.takeRate, { applies: (call) => !isFree(call) && !call.ctx.dry }),
  step(12, "guard", acts.guard, {
    applies: (call) => isEffect(call) && !isFree(call) && !isCompound(call),
    drivesSafeState: true,
  }),
  step(13, "charge", acts.charge, { applies: (call) => !isFree(call) && !call.ctx.dry && !isCompound(call) }),
  step(14, "intent", acts.commitIntent, {
    applies: (call) =>
      isEffect(call) && !call.ctx.dry && resolved(call).target.output?.durability === "before",
    drivesSafeState: true,
  }),
  step(15, "driver", runDriver, { drivesSafeState: true }),
  step(16, "result", acts.checkResult, { drivesSafeState: true }),
  step(17, "evidence", acts.recordEvidence, { drivesSafeState: true }),
];

function step(
  number: number,
  name: StepName,
  run: Step["run"],
  options: Partial<Pick<Step, "inPlan" | "drivesSafeState" | "applies">> = {},
): Step {
  return {
    number,
    name,
    run,
    inPlan: options.inPlan ?? "never",
    drivesSafeState: options.drivesSafeState ?? false,
    applies: options.applies ?? always,
  };
}
