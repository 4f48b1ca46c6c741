/** Which way is tighter, per key of the policy (the direction column of policy.md 4). */
import { limitKeys } from "./schema-sections.ts";
import type { Direction, DirectionTable } from "./tighten.ts";

const limits: DirectionTable = Object.fromEntries(limitKeys.map((key) => [key, "lower" as Direction]));

const pointsOf = (more: DirectionTable): DirectionTable => ({
  minDistinctSources: "higher",
  minTotalTrust: "higher",
  ...more,
});

const points: DirectionTable = pointsOf({
  maxPointsPerSource: "lower",
  minPointsPerClaim: "higher",
  byType: { each: { keys: pointsOf({}) } },
});

const group: DirectionTable = {
  mode: ["vote", "all"],
  tolerance: "lower",
  absTolerance: "lower",
  minMembers: "higher",
  maxSpreadMs: "lower",
  minAgree: "higher",
  majority: "higher",
};

const guard: DirectionTable = {
  minTrust: "higher",
  minCount: "higher",
  minSources: "higher",
  maxAgeMs: "lower",
  minLevel: "higher",
  requiredKinds: "union",
  accept: "intersection",
  requireClaims: "true",
  minLevelByType: { each: "higher" },
  freshnessMsByType: { each: "lower" },
  groups: { each: { keys: group } },
  relations: "union",
};

const evidence: DirectionTable = {
  required: "true",
  guard: { keys: guard },
  points: { keys: points },
  requireGroups: "true",
  numberTolerance: "lower",
  maxClaims: "lower",
  signatureFreshMs: "lower",
  unknownTrust: "lower",
};

const performanceKeys: DirectionTable = {
  p95Ms: { each: "lower" },
  sla: {
    keys: {
      p95Ms: "lower",
      p99Ms: "lower",
      maxErrorRate: "lower",
      maxDeniedRate: "lower",
      minRps: "higher",
      nearMissFactor: "higher",
      minSamples: "higher",
    },
  },
  p95Window: "higher",
  minSamples: "higher",
};

/** What a subject of the document may override. */
export const overrideDirections: DirectionTable = {
  limits: { keys: limits },
  evidence: { keys: evidence },
  performance: { keys: performanceKeys },
};

/** A tier's own numbers. */
export const tierDirections: DirectionTable = {
  limits: { keys: limits },
  evidenceMaxAgeMs: "lower",
  evidenceTtlMs: "lower",
  externalEffects: "false",
  grantMaxMs: "lower",
};

/** What an output may not silently lose between two policies. */
export const outputDirections: DirectionTable = {
  risk: ["low", "medium", "high", "prod"],
  maxTogglesPerMin: "lower",
  requires: {
    keys: { ...guard, required: "true", requireGroups: "true", maxClaims: "lower", points: { keys: points } },
  },
};

/** What a subject may not silently gain between two policies. */
export const subjectDirections: DirectionTable = {
  tier: ["system", "high", "medium", "low"],
  roles: "intersection",
  enabled: "false",
  strict: "true",
  allowCompute: "false",
  overrides: { keys: overrideDirections },
};

const bucket: Direction = { keys: { rps: "lower", burst: "lower" } };

/** Everything that is compared between the active policy and its successor (lint `unacknowledged_loosening`). */
export const documentDirections: DirectionTable = {
  ...overrideDirections,
  profile: ["dev", "stage", "prod", "strict"],
  tiers: { each: { keys: tierDirections } },
  decisions: {
    keys: { noRule: ["require_consent", "block"], lowTrust: ["require_consent", "block"] },
  },
  rates: {
    keys: {
      perCapability: { each: bucket },
      perTarget: { each: bucket },
      perTopic: { each: bucket },
      global: bucket,
      concurrency: { keys: { global: "lower", perSubject: "lower", perCapability: { each: "lower" } } },
    },
  },
  consistency: {
    keys: {
      driftPct: "lower",
      anchorPct: "lower",
      nearMissStreak: "lower",
      healAction: ["freeze_autotune", "rollback", "raise_require_fresh"],
      rollbackFactor: "lower",
    },
  },
  homeostasis: {
    keys: {
      quarantine: {
        keys: { errorRate: "lower", violationRate: "lower", backoffMs: "higher", maxBackoffMs: "higher" },
      },
    },
  },
  phi: { keys: { ceiling: "lower" } },
  remediation: { keys: { enabled: "false", maxClass: ["forbidden", "risky", "conservative"] } },
  rollout: { keys: { violationLimit: "lower", onExpiry: ["keep", "sense_only"] } },
  risk: { keys: { domains: { each: ["low", "medium", "high", "prod"] } } },
  commands: { keys: { quorum: { each: "higher" }, maxPerMin: "lower" } },
  privacy: {
    keys: { telemetryExport: "false", shareEvidence: "false", crossTenantLearning: "false" },
  },
  network: { keys: { brokers: "intersection", denyHosts: "union" } },
  retention: {
    keys: { evidenceDays: "lower", evidenceBytes: "lower", logBytes: "lower", outboxBytes: "lower" },
  },
};
