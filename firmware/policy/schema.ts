/** The schema of a policy document: which members exist, of which type and within which range (policy.md 2, 4, 5, 7). */
import type { Json } from "../core/json.ts";
import * as sections from "./schema-sections.ts";
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

export const profiles = ["dev", "stage", "prod", "strict"] as const;
export const tierNames = ["low", "medium", "high", "system"] as const;

const tier = oneOf(...tierNames);
const hash = text({ pattern: /^[0-9a-f]{64}$/ });
const timestamp = integer(0);
const isText = (value: Json): boolean => typeof value === "string";
const trust = either(isText, oneOf("unknown", ...tierNames), integer(0, 100));
const globs = list(text(), 64);

const overrides = object(
  {},
  { limits: sections.limits, evidence: sections.evidence, performance: sections.performance },
);

const subject = object(
  { kind: oneOf("operator", "program", "peer", "service"), tier },
  {
    keys: list(text({ maxLength: 128 }), 16),
    programHash: hash,
    tenant: nullable(text({ maxLength: 128 })),
    roles: list(text({ maxLength: 128 }), 64),
    priority: integer(0, 1_000_000),
    enabled: bool,
    strict: bool,
    allowCompute: bool,
    rollup: bool,
    overrides,
  },
);

const tierSection = object(
  {},
  {
    limits: sections.limits,
    evidenceMaxAgeMs: nullable(integer(0)),
    evidenceTtlMs: integer(0),
    externalEffects: bool,
    grantMaxMs: integer(0),
  },
);

const rule = object(
  {
    id: text({ pattern: /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/ }),
    topic: either(isText, text(), globs),
    action: oneOf("*", "read", "write", "transfer", "publish", "subscribe", "invoke", "configure"),
    decision: oneOf("allow", "block", "require_consent"),
  },
  {
    subjects: globs,
    minTrust: trust,
    lowTrust: oneOf("block", "require_consent"),
    maxRatePerMin: integer(0, 60_000),
    priority: integer(0, 1_000_000),
    grantTtlMs: integer(1),
  },
);

const decisions = object(
  { rules: list(rule, 1024) },
  { noRule: oneOf("block", "require_consent"), lowTrust: oneOf("block", "require_consent") },
);

const bindingName = text({ pattern: /^[A-Za-z][A-Za-z0-9._-]{0,63}$/ });
const uri = text({ pattern: /^[a-z][a-z0-9+.-]*:\S+$/ });
const bound = nullable(number(-Number.MAX_VALUE, Number.MAX_VALUE));

const binding = object(
  { name: bindingName, uri, kind: text({ maxLength: 64 }) },
  {
    type: oneOf("number", "string", "boolean", "date", "datetime"),
    unit: nullable(text({ maxLength: 32 })),
    min: bound,
    max: bound,
    required: bool,
    maxAgeMs: nullable(integer(0)),
    consistencyGroup: nullable(text({ maxLength: 64 })),
  },
);

const safe = either(
  (value) => typeof value === "number",
  oneOf(0, 1),
  either(isText, oneOf("hold"), object({ program: text({ maxLength: 128 }) })),
);
/** `safe`, `risk` and `requires` are asked for by lint, whose codes say what their absence means. */
const output = object(
  { name: bindingName, uri },
  {
    safe,
    risk: sections.riskLevel,
    requires: sections.requires,
    durability: oneOf("group", "before"),
    protective: bool,
    maxTogglesPerMin: nullable(integer(1, 60_000)),
    onRefusal: oneOf("continue", "abort"),
  },
);

const channelName = oneOf("realtime", "interactive", "batch", "default");
const channels = either(
  Array.isArray,
  list(channelName, 4),
  object({}, Object.fromEntries(["realtime", "interactive", "batch", "default"].map((name) => [name, json]))),
);

/** The whole document; `labels.team` is asked for by lint (`label_missing`). */
export const documentSchema: Check = object(
  {
    schema: oneOf("imu.policy/1"),
    id: text({ pattern: /^[a-z0-9][a-z0-9._-]{0,63}$/ }),
    version: integer(1),
    profile: oneOf(...profiles),
    ring: oneOf("dev", "staging", "prod"),
    issuedAt: timestamp,
    notBefore: timestamp,
    expiresAt: nullable(timestamp),
    replaces: nullable(hash),
    loosens: list(text({ pattern: /^(\/.*)?$/s }), 1024),
    runtime: object({ min: text(), max: nullable(text()) }),
    boards: list(text({ maxLength: 128 }), 256),
    labels: record(text(), 64),
    subjects: record(subject),
    decisions,
  },
  {
    limits: sections.limits,
    tiers: object({}, Object.fromEntries(tierNames.map((name) => [name, tierSection]))),
    tenants: record(json, 256),
    roles: record(globs, 256),
    rates: sections.rates,
    bindings: list(binding),
    outputs: list(output),
    channels,
    evidence: sections.evidence,
    risk: sections.risk,
    consistency: sections.consistency,
    adaptive: sections.adaptive,
    phi: sections.phi,
    performance: sections.performance,
    homeostasis: sections.homeostasis,
    remediation: sections.remediation,
    rollout: sections.rollout,
    commands: sections.commands,
    privacy: sections.privacy,
    network: sections.network,
    retention: sections.retention,
    features: record(object({ enabled: bool, secrets: list(text({ maxLength: 128 }), 64) }), 256),
  },
);
