/** What an absent section or key means (policy.md 4): the compiled form shows every one of these. */
import { isJsonObject, type Json, type JsonObject, member } from "../core/json.ts";

const DAY_MS = 86_400_000;

const tier = (
  evidenceMaxAgeMs: number | null,
  evidenceTtlMs: number,
  externalEffects: boolean,
  grantMaxMs: number,
): JsonObject => ({ limits: {}, evidenceMaxAgeMs, evidenceTtlMs, externalEffects, grantMaxMs });

/** The tiers of policy.md 7; limits per run come from the tier column of vm.md 8. */
export const defaultTiers: JsonObject = {
  low: tier(DAY_MS, DAY_MS, false, 900_000),
  medium: tier(7 * DAY_MS, 7 * DAY_MS, true, 3_600_000),
  high: tier(30 * DAY_MS, 30 * DAY_MS, true, DAY_MS),
  system: tier(null, 365 * DAY_MS, true, DAY_MS),
};

/** Permissions of the built-in roles (policy.md 5.2). */
export const defaultRoles = {
  admin: ["**"],
  engineer: [
    "capability:request",
    "adapter:dry_run:*",
    "adapter:run:*",
    "runbook:*",
    "event:publish",
    "metrics:read",
  ],
  viewer: ["adapter:dry_run:*", "metrics:read", "event:read"],
} as const;

/** Limits of the channels that a program may name (policy.md 7). */
export const channelTable = {
  realtime: { p95Ms: 120, minTotalTrust: 1 },
  interactive: { p95Ms: 250, minTotalTrust: 0 },
  batch: { p95Ms: 5000, minTotalTrust: 0 },
  default: { p95Ms: 200, minTotalTrust: 0 },
} as const;

/** Everything that does not depend on the profile. */
export const sectionDefaults: JsonObject = {
  limits: {
    cpuSteps: null,
    memKb: null,
    ioCalls: null,
    wallMs: null,
    sleepMs: null,
    tasks: null,
    outputBytes: null,
    ioReadBytes: null,
    ioWriteBytes: null,
    netOutBytes: null,
  },
  tiers: defaultTiers,
  tenants: {},
  roles: defaultRoles,
  rates: {
    perCapability: {},
    perTarget: {},
    perTopic: { "**": { rps: 50, burst: 100 } },
    global: { rps: 200, burst: 100 },
    concurrency: { global: 32, perSubject: 8, perCapability: {} },
  },
  bindings: [],
  outputs: [],
  channels: ["batch", "default", "interactive", "realtime"],
  evidence: {
    required: true,
    points: { maxPointsPerSource: 5, byType: {} },
    maxClaims: 64,
    signatureFreshMs: 60_000,
    unknownTrust: 0.5,
    kinds: {},
    units: [],
  },
  risk: {
    domains: {
      sense: "low",
      respond: "medium",
      sync: "medium",
      program: "high",
      actuate: "high",
      ota: "prod",
      default: "medium",
    },
  },
  consistency: {
    driftPct: 0.2,
    anchorPct: 0.4,
    nearMissStreak: 3,
    healAction: "freeze_autotune",
    rollbackFactor: 0.5,
  },
  adaptive: {
    enabled: false,
    windowMs: 60_000,
    targets: {
      low: { p95Ms: 600, errorRate: 0.05 },
      medium: { p95Ms: 500, errorRate: 0.03 },
      high: { p95Ms: 400, errorRate: 0.02 },
      prod: { p95Ms: 300, errorRate: 0.01 },
    },
  },
  phi: {
    weights: {},
    norms: {},
    ceiling: 0.5,
    intents: [],
    epsilon: 0.001,
    promoteMargin: 0.01,
    budget: { capacityMilli: 50_000_000, refillPerHourMilli: 50_000_000, cost: {} },
    explore: { enabled: false },
  },
  performance: {
    p95Ms: { respond: 1200, "adapter.run": 4000 },
    sla: {
      p95Ms: 800,
      p99Ms: null,
      maxErrorRate: 0.02,
      maxDeniedRate: 0.02,
      minRps: null,
      nearMissFactor: 1.1,
      minSamples: 20,
    },
    minSamples: 20,
  },
  homeostasis: { quarantine: { backoffMs: 30_000, maxBackoffMs: 3_600_000 } },
  remediation: { enabled: false, maxClass: "conservative" },
  rollout: {
    objective: "no_regression",
    onExpiry: "keep",
    quorum: { k: 1 },
    windows: [],
    blockOnDrift: false,
  },
  commands: {
    quorum: { "device.wipe": 2, "policy.factory_reset": 2, "grace.issue": 2 },
    maxPerMin: 60,
  },
  privacy: { telemetryExport: false, shareEvidence: false, crossTenantLearning: false },
  network: { brokers: [], denyHosts: [] },
  retention: {
    evidenceDays: 30,
    evidenceBytes: 268_435_456,
    logBytes: 67_108_864,
    outboxBytes: 67_108_864,
  },
  features: {},
};

/** The author's value wins key by key; lists and numbers replace the default as a whole. Changes neither. */
export function withDefaults(defaults: JsonObject, author: JsonObject): JsonObject {
  const out: Record<string, Json> = { ...defaults };
  for (const [key, value] of Object.entries(author)) {
    const base = member(defaults, key);
    out[key] =
      base !== undefined && isJsonObject(base) && isJsonObject(value) ? withDefaults(base, value) : value;
  }
  return out;
}

export const subjectDefaults: JsonObject = {
  tenant: null,
  roles: [],
  priority: 100,
  enabled: true,
  strict: false,
  allowCompute: false,
  rollup: true,
};
export const bindingDefaults: JsonObject = {
  type: "number",
  unit: null,
  min: null,
  max: null,
  required: true,
  maxAgeMs: null,
  consistencyGroup: null,
};
export const outputDefaults: JsonObject = {
  durability: "group",
  protective: false,
  maxTogglesPerMin: null,
  onRefusal: "continue",
};
