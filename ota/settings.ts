/** The numbers of the policy in force by which a candidate is judged, frozen when its run begins (rollout.md 1, 18). */
import { isJsonObject, type Json, type JsonObject, member } from "../firmware/core/json.ts";
import { TRIAL_LIMITS } from "../firmware/core/limits.ts";
import {
  type AbThresholds,
  DEFAULT_NORMS,
  DEFAULT_REGRESSION_LIMITS,
  type Objective,
  type RegressionLimits,
  type Sla,
} from "../firmware/phi/index.ts";
import type { CompiledPolicy } from "../firmware/policy/index.ts";
import type { HoldConfig } from "./rules/hold.ts";
import { DEFAULT_PROBE, type ProbeLimits } from "./rules/probe.ts";

/** The device's own configuration; counts where the policy says nothing. */
export interface OtaConfig {
  readonly holdMs?: number;
  readonly minRuns?: number;
  readonly maxRuns?: number;
  readonly guardMs?: number;
  /** Between two looks at the window of a trial; default 30000 ms. */
  readonly evaluateMs?: number;
}

export interface OtaSettings {
  /** Of the policy whose rules these are; absent in runs that versions before this one began. */
  readonly policyHash?: string;
  readonly hold: HoldConfig;
  readonly maxTrialRestarts: number;
  readonly guardMs: number;
  readonly gateTtlMs: number;
  readonly quorumK: number;
  readonly objective: Objective;
  readonly epsilon: number;
  readonly ceiling: number;
  readonly weights: JsonObject;
  readonly norms: typeof DEFAULT_NORMS;
  readonly ab: AbThresholds;
  readonly regression: RegressionLimits;
  readonly shadow: { readonly maxRuns: number; readonly minRuns: number; readonly maxNewRefusals: number };
  readonly probe: ProbeLimits;
  readonly sla: Sla & { readonly nearMissFactor: number };
  /** Gates that the policy switches off. */
  readonly disabledGates: readonly string[];
}

const section = (object: JsonObject, key: string): JsonObject => {
  const value = member(object, key);
  return value !== undefined && isJsonObject(value) ? value : {};
};
const number = (object: JsonObject, key: string, otherwise: number): number => {
  const value = member(object, key);
  return typeof value === "number" ? value : otherwise;
};
const maybe = (object: JsonObject, key: string): number | null => {
  const value = member(object, key);
  return typeof value === "number" ? value : null;
};

function holdOf(rollout: JsonObject, policy: CompiledPolicy, config: OtaConfig): HoldConfig {
  const isStrict = policy.profile === "prod" || policy.profile === "strict";
  const minHoldMs = number(rollout, "minHoldMs", config.holdMs ?? TRIAL_LIMITS.minHoldMs);
  return {
    minHoldMs,
    maxHoldMs: Math.max(minHoldMs, number(rollout, "maxHoldMs", TRIAL_LIMITS.maxHoldMs)),
    minSamples: number(rollout, "minSamples", config.minRuns ?? 30),
    violationLimit: number(rollout, "violationLimit", isStrict ? 0 : 3),
    consecutiveOk: number(rollout, "consecutiveOk", 2),
  };
}

function regressionOf(rollout: JsonObject, minRuns: number): RegressionLimits {
  const given = section(rollout, "regression");
  const base = DEFAULT_REGRESSION_LIMITS;
  return {
    ...base,
    maxP95IncreaseMs: number(given, "maxP95IncreaseMs", base.maxP95IncreaseMs),
    maxErrorRateIncrease: number(given, "maxErrorRateIncrease", base.maxErrorRateIncrease),
    blockOnSchemaRegression: member(given, "blockOnSchemaRegression") !== false,
    minSamples: number(given, "minSamples", Math.min(base.minSamples, minRuns)),
  };
}

function slaOf(policy: CompiledPolicy, minRuns: number): OtaSettings["sla"] {
  const given = section(section(policy.compiled, "performance"), "sla");
  return {
    p95Ms: number(given, "p95Ms", 800),
    p99Ms: maybe(given, "p99Ms"),
    maxErrorRate: number(given, "maxErrorRate", 0.02),
    maxDeniedRate: number(given, "maxDeniedRate", 0.02),
    minRps: maybe(given, "minRps"),
    minSamples: Math.min(number(given, "minSamples", 20), minRuns),
    nearMissFactor: number(given, "nearMissFactor", 1.1),
  };
}

function probeOf(rollout: JsonObject): ProbeLimits {
  const given = section(rollout, "probe");
  return {
    count: number(given, "count", DEFAULT_PROBE.count),
    windowMs: number(given, "windowMs", DEFAULT_PROBE.windowMs),
    maxErrorRate: number(given, "maxErrorRate", DEFAULT_PROBE.maxErrorRate),
    maxP95Ms: number(given, "maxP95Ms", DEFAULT_PROBE.maxP95Ms),
  };
}

/** Policy first, then the device's configuration, then the defaults. */
export function settingsOf(policy: CompiledPolicy, config: OtaConfig = {}): OtaSettings {
  const rollout = section(policy.compiled, "rollout");
  const phi = section(policy.compiled, "phi");
  const shadow = section(rollout, "shadow");
  const ab = section(rollout, "ab");
  const norms = section(phi, "norms");
  const minRuns = Math.max(1, number(shadow, "minRuns", config.minRuns ?? 30));
  const gates = Object.entries(section(rollout, "gates"));
  const isOff = (gate: Json): boolean => isJsonObject(gate) && gate.enabled === false;
  return {
    policyHash: policy.policyHash,
    hold: holdOf(rollout, policy, config),
    maxTrialRestarts: number(rollout, "maxTrialRestarts", 2),
    guardMs: number(rollout, "guardMs", config.guardMs ?? TRIAL_LIMITS.guardMs),
    gateTtlMs: number(rollout, "gateTtlMs", TRIAL_LIMITS.gateTtlMs),
    quorumK: number(section(rollout, "quorum"), "k", 1),
    objective: member(rollout, "objective") === "improve" ? "improve" : "no_regression",
    epsilon: number(phi, "epsilon", 0.001),
    ceiling: number(phi, "ceiling", 0.5),
    weights: section(phi, "weights"),
    norms: Object.fromEntries(
      Object.entries(DEFAULT_NORMS).map(([key, value]) => [key, number(norms, key, value)]),
    ) as typeof DEFAULT_NORMS,
    ab: {
      maxErrorRate: number(ab, "maxErrorRate", 0.02),
      maxP95Ms: number(ab, "maxP95Ms", 800),
      maxRegressionP95Ms: number(ab, "maxRegressionP95Ms", 10),
      minSamples: Math.min(20, minRuns),
    },
    regression: regressionOf(rollout, minRuns),
    shadow: {
      maxRuns: number(shadow, "maxRuns", config.maxRuns ?? 200),
      minRuns,
      maxNewRefusals: number(shadow, "maxNewRefusals", 0.02),
    },
    probe: probeOf(rollout),
    sla: slaOf(policy, minRuns),
    disabledGates: gates.filter(([, gate]) => isOff(gate)).map(([name]) => name),
  };
}
