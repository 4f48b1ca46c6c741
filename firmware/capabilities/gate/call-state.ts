/** One call on its way through the steps: what it asks for and what it has taken so far. */
import type { Refusal } from "../../core/errors.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import { GATE_LIMITS } from "../../core/limits.ts";
import type { DecisionResult } from "../../policy/types.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Capability, DriverOutcome, StepFailure, Target } from "../capability.ts";
import type { RunContext } from "../context.ts";
import type { Outputs } from "../outputs/outputs.ts";
import type {
  Budget,
  Decider,
  IntentCommitter,
  KillSwitch,
  Observer,
  ResourceProbe,
  Standing,
} from "../ports.ts";
import type { CapabilityRegistry } from "../registry.ts";
import type { AdmissionGate } from "./admission-gate.ts";
import type { ExclusivePaths } from "./exclusive.ts";
import type { PermissionSource } from "./permissions.ts";
import type { RateLimiter } from "./rates.ts";
import type { RequirementMemo } from "./requirement-memo.ts";

/** Everything that the steps stand on. */
export interface GateParts {
  readonly registry: CapabilityRegistry;
  readonly clock: Clock;
  readonly decider: Decider;
  readonly budget: Budget;
  readonly standing: Standing;
  readonly killSwitch: KillSwitch;
  readonly permissions: PermissionSource;
  readonly probe: ResourceProbe;
  readonly admission: AdmissionGate;
  readonly rates: RateLimiter;
  readonly paths: ExclusivePaths;
  readonly outputs: Outputs;
  readonly intents: IntentCommitter;
  readonly observer: Observer;
  readonly settings: GateSettings;
  /** True only in a composition started as a simulator. */
  readonly simulated: boolean;
}

export interface GateSettings {
  /** Longest wait for admission in ms. */
  readonly waitMs: number;
  /** The blocked call of this number ends the run. */
  readonly blockedCallsPerRun: number;
}

export const DEFAULT_GATE_SETTINGS: GateSettings = { waitMs: GATE_LIMITS.waitMs, blockedCallsPerRun: 6 };

/** Options of one call. */
export interface CallOptions {
  /** Hash of the plan that was shown; the call refuses with `plan_mismatch` when the present one differs. */
  readonly expect?: string;
  /** What the caller claims at this moment; the guard of an effect judges it (evidence.md 8, step 6). */
  readonly claims?: readonly unknown[];
}

/** Mutable state of one call; lives no longer than it. */
export interface CallState {
  readonly parts: GateParts;
  /** The gate's, over all its calls. */
  readonly demands: RequirementMemo;
  readonly ctx: RunContext;
  /** As asked for; canonical from step 1 on. */
  id: string;
  readonly rawArgs: Json;
  readonly signal: AbortSignal;
  readonly options: CallOptions;
  readonly callId: string;
  readonly startedMs: number;

  capability: Capability | null;
  args: JsonObject;
  target: Target | null;
  decision: DecisionResult | null;

  waited: boolean;
  slotTaken: boolean;
  /** The intent of this effect is in the ledger. */
  intentKept: boolean;
  chargedMilli: number;
  /** False only if the driver states that the bus was not touched. */
  touched: boolean;
  outcome: DriverOutcome | null;
  /** The call of a compound capability that has failed. */
  failedStep?: NonNullable<StepFailure["step"]>;
  readonly evidence: string[];
}

/** The parts that exist from step 2 on. */
export interface Resolved {
  readonly capability: Capability;
  readonly target: Target;
}

/** @throws Error when a step is run before those that it needs: a mistake of this module, never of a caller. */
export function resolved(call: CallState): Resolved {
  const { capability, target } = call;
  if (!capability || !target) throw new Error("A step ran before the call was resolved.");
  return { capability, target };
}

export type StepResult = Refusal | null;
