/** Shapes of the optional sections of a policy (policy.md 4; homeostasis.md 18; rollout.md 18). */
import { PROFILES } from "../evidence/index.ts";
import {
  bool,
  type Check,
  either,
  integer,
  json,
  list,
  nullable,
  number,
  object,
  oneOf,
  record,
  text,
} from "./shape.ts";

const ratio = number(0, 1);
const ms = integer(0);
const factor = number(0, 1000);
const any = (...keys: readonly string[]): Readonly<Record<string, Check>> =>
  Object.fromEntries(keys.map((key) => [key, json]));
const numbers = (...keys: readonly string[]): Check =>
  object({}, Object.fromEntries(keys.map((key) => [key, number(0, Number.MAX_SAFE_INTEGER)])));

export const riskLevel = oneOf("low", "medium", "high", "prod");
const evidenceClass = oneOf("observation", "attested", "derived", "trigger", "effect", "bookkeeping");
/** Bookkeeping exists in every run; a policy can declare no more of it. */
const customClass = oneOf("observation", "attested", "derived", "trigger", "effect");
const level = integer(0, 3);

export const limitKeys = [
  "cpuSteps",
  "memKb",
  "ioCalls",
  "wallMs",
  "sleepMs",
  "tasks",
  "outputBytes",
  "ioReadBytes",
  "ioWriteBytes",
  "netOutBytes",
] as const;
export const limits = object({}, Object.fromEntries(limitKeys.map((key) => [key, nullable(integer(0))])));

const pointsByType = object({}, { minDistinctSources: integer(0, 64), minTotalTrust: number(0, 1000) });
const points = object(
  {},
  {
    minDistinctSources: integer(0, 64),
    minTotalTrust: number(0, 1000),
    maxPointsPerSource: number(0, 1000),
    minPointsPerClaim: number(0, 1000),
    byType: record(pointsByType),
  },
);

const group = object(
  {},
  {
    mode: oneOf("all", "vote"),
    tolerance: number(0, 0.999999),
    absTolerance: number(0, Number.MAX_SAFE_INTEGER),
    minMembers: integer(1, 64),
    maxSpreadMs: ms,
    minAgree: integer(1, 64),
    majority: number(0, 1000),
  },
);
const relation = object(
  {
    rel: text(),
    a: either((value) => typeof value === "number", number(-1e15, 1e15), text()),
    b: either((value) => typeof value === "number", number(-1e15, 1e15), text()),
  },
  { tol: number(0, 1e15), dominates: text(), weights: record(number(-1e9, 1e9)) },
);

const guardKeys: Readonly<Record<string, Check>> = {
  minTrust: ratio,
  minCount: integer(0, 1000),
  minSources: integer(0, 64),
  maxAgeMs: nullable(ms),
  minLevel: level,
  requiredKinds: list(text({ maxLength: 64 }), 64),
  accept: list(evidenceClass, 6),
  minKinds: nullable(object({ kinds: list(text({ maxLength: 64 }), 64), min: integer(1, 64) })),
  requireClaims: bool,
  minLevelByType: record(level, 64),
  freshnessMsByType: record(ms, 64),
  defaultFreshnessMs: ms,
  groups: record(group, 64),
  relations: list(relation, 64),
};
/** What one output demands beyond the guard of the policy: any part of a `Requirement` (evidence.md 7). */
export const requires = object(
  {},
  { ...guardKeys, required: bool, requireGroups: bool, maxClaims: integer(1, 1000), points },
);

export const evidence = object(
  {},
  {
    required: bool,
    guard: object({}, guardKeys),
    points,
    requireGroups: bool,
    numberTolerance: number(0, 0.999999),
    maxClaims: integer(1),
    signatureFreshMs: ms,
    unknownTrust: ratio,
    kinds: record(object({ class: customClass }, { profile: oneOf(...Object.keys(PROFILES)) }), 256),
    units: list(text({ pattern: /^[!-~]{1,32}$/ }), 256),
  },
);

const rate = object({ rps: number(0, 100_000), burst: integer(1, 1_000_000_000) });
export const rates = object(
  {},
  {
    perCapability: record(rate),
    perTarget: record(rate),
    perTopic: record(rate),
    global: rate,
    concurrency: object(
      {},
      { global: integer(1, 4096), perSubject: integer(1, 4096), perCapability: record(integer(1, 4096)) },
    ),
  },
);

export const performance = object(
  {},
  {
    p95Ms: record(number(0, 86_400_000)),
    sla: object(
      {},
      {
        p95Ms: number(0, 86_400_000),
        p99Ms: nullable(number(0, 86_400_000)),
        maxErrorRate: ratio,
        maxDeniedRate: ratio,
        minRps: nullable(number(0, 1e6)),
        nearMissFactor: factor,
        minSamples: integer(1, 100_000),
      },
    ),
    p95Window: integer(20, 100_000),
    minSamples: integer(1, 100_000),
  },
);

export const quarantine = object(
  {},
  {
    minCalls: integer(1, 100_000),
    windowCalls: integer(1, 100_000),
    errorRate: ratio,
    violationRate: ratio,
    consecutive: integer(0, 100_000),
    backoffMs: ms,
    consecutiveBackoffMs: ms,
    maxBackoffMs: ms,
    recoverOk: integer(1, 100_000),
  },
);
export const homeostasis = object(
  {},
  {
    ...any("signals", "emit", "budget", "sustain", "hitl", "params", "rules", "modes", "boot", "coherence"),
    ...any("tuning", "feedback", "rhythm", "forceStrict", "autotune"),
    quarantine,
    throttle: numbers(
      ...["tickMs", "windowMs", "p95HiMs", "p95MidMs", "faultHi", "faultMid", "deniedMid", "minSamples"],
      "relaxAfter",
    ),
  },
);

export const consistency = object(
  {},
  {
    driftPct: ratio,
    anchorPct: ratio,
    nearMissStreak: integer(1, 1000),
    healAction: oneOf("freeze_autotune", "rollback", "raise_require_fresh"),
    rollbackFactor: ratio,
  },
);

export const adaptive = object(
  {},
  {
    enabled: bool,
    windowMs: ms,
    targets: record(object({}, { p95Ms: number(0, 86_400_000), errorRate: ratio }), 16),
  },
);

const weights = record(number(0, 1e6), 16);
export const phi = object(
  {},
  {
    weights,
    norms: record(number(Number.MIN_VALUE, 1e12), 16),
    ceiling: ratio,
    intents: list(text({ maxLength: 64 }), 16),
    budget: object(
      {},
      // The sign of a cost is judged by the lint rule `cost_negative`, which says more than a range.
      {
        capacityMilli: integer(0),
        refillPerHourMilli: integer(0),
        cost: record(integer(Number.MIN_SAFE_INTEGER)),
      },
    ),
    promoteMargin: ratio,
    epsilon: ratio,
    explore: object({}, { enabled: bool, epsilon: ratio }),
  },
);

export const remediation = object(
  {},
  {
    ...any("cooldownMs", "maxPerDay", "templates", "repairs", "actions"),
    enabled: bool,
    maxClass: oneOf("conservative", "risky", "forbidden"),
  },
);

export const rollout = object(
  {},
  {
    violationLimit: integer(0, 1000),
    minHoldMs: ms,
    maxHoldMs: ms,
    minSamples: integer(1, 100_000),
    consecutiveOk: integer(1, 1000),
    maxTrialRestarts: integer(0, 1000),
    guardMs: ms,
    gateTtlMs: ms,
    objective: oneOf("no_regression", "improve"),
    regression: json,
    ab: object(
      {},
      { maxErrorRate: ratio, maxP95Ms: number(0, 86_400_000), maxRegressionP95Ms: number(0, 86_400_000) },
    ),
    shadow: object(
      {},
      { maxRuns: integer(1, 100_000), minRuns: integer(0, 100_000), maxNewRefusals: ratio, cpuShare: ratio },
    ),
    sampling: object({}, { count: integer(8, 200) }),
    probe: object(
      {},
      { count: integer(1, 1000), windowMs: ms, maxErrorRate: ratio, maxP95Ms: number(0, 86_400_000) },
    ),
    spike: json,
    quorum: object({}, { k: integer(1, 64) }),
    windows: list(object({ days: list(json, 7), from: json, to: json }), 64),
    onExpiry: oneOf("keep", "sense_only"),
    gates: record(object({ enabled: bool }), 64),
    blockOnDrift: bool,
  },
);

export const commands = object({}, { quorum: record(integer(1, 64), 64), maxPerMin: integer(0, 100_000) });
export const privacy = object({}, { telemetryExport: bool, shareEvidence: bool, crossTenantLearning: bool });
export const network = object({}, { brokers: list(json, 64), denyHosts: list(text(), 1024) });
export const retention = object(
  {},
  {
    evidenceDays: integer(0, 36_500),
    evidenceBytes: integer(0),
    logBytes: integer(0),
    outboxBytes: integer(0),
  },
);
export const risk = object({}, { domains: record(riskLevel, 64) });
