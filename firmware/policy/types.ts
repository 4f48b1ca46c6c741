/** Shapes of the signed policy and of its compiled form (policy.md 2 to 5, 7). */
import type { Json, JsonObject } from "../core/json.ts";
import type { Requirement, RiskLevel } from "../evidence/types.ts";
import type { Limits, Tier } from "../vm/types.ts";

export type Profile = "dev" | "stage" | "prod" | "strict";
export type DecisionWord = "allow" | "block" | "require_consent";
export type TrustName = "unknown" | "low" | "medium" | "high" | "system";

export interface Rule {
  readonly id: string;
  readonly topic: string | readonly string[];
  readonly action: string;
  readonly subjects?: readonly string[];
  readonly decision: DecisionWord;
  readonly minTrust?: TrustName | number;
  readonly lowTrust?: "block" | "require_consent";
  readonly maxRatePerMin?: number;
  readonly priority?: number;
  readonly grantTtlMs?: number;
}

export interface Binding {
  readonly name: string;
  /** For example `i2c://1/0x76/temperature`, `gpio://gpiochip0/17`. */
  readonly uri: string;
  readonly kind: string;
  readonly type: "number" | "string" | "boolean" | "date" | "datetime";
  readonly unit: string | null;
  readonly min: number | null;
  readonly max: number | null;
  readonly required: boolean;
  readonly maxAgeMs: number | null;
  readonly consistencyGroup: string | null;
}

export type SafeState = 0 | 1 | "hold" | { readonly program: string };

export interface Output {
  readonly name: string;
  readonly uri: string;
  readonly safe: SafeState;
  readonly durability: "group" | "before";
  readonly risk: RiskLevel;
  readonly protective: boolean;
  readonly maxTogglesPerMin: number | null;
  readonly onRefusal?: "continue" | "abort";
  readonly requires: Partial<Requirement>;
}

/** An output with the requirement that its guard applies: `tighten(guard, level of its risk, its own requires)`. */
export interface CompiledOutput extends Output {
  readonly requirement: Requirement;
}

export interface Subject {
  readonly kind: "operator" | "program" | "peer" | "service";
  readonly keys?: readonly string[];
  readonly programHash?: string;
  readonly tier: Tier;
  readonly tenant: string | null;
  readonly roles: readonly string[];
  readonly priority: number;
  readonly enabled: boolean;
  readonly strict?: boolean;
  readonly allowCompute?: boolean;
  readonly rollup?: boolean;
  readonly overrides?: JsonObject;
}

export interface Rate {
  readonly rps: number;
  readonly burst: number;
}

export interface Grant {
  readonly id: string;
  readonly subject: string;
  readonly ruleId: string;
  readonly ruleHash: string;
  readonly topic: string;
  readonly action: string;
  readonly trust: number;
  readonly grantedAt: number;
  readonly ttlMs: number;
  readonly usesLeft: number | null;
  readonly by: string;
  readonly revoked: boolean;
}

export interface DecisionResult {
  readonly decision: DecisionWord;
  readonly reason: string;
  readonly ruleId: string | null;
  readonly retryAfterMs?: number;
  readonly grantId?: string;
}

export interface PolicyIssue {
  readonly code: string;
  readonly path: string;
  readonly message: string;
  readonly details?: JsonObject;
}

/** The only form of a policy that the rest of the daemon sees: complete, deeply frozen, hashed. */
export interface CompiledPolicy {
  readonly policyHash: string;
  readonly compiledHash: string;
  readonly id: string;
  readonly version: number;
  readonly profile: Profile;
  readonly subjects: Readonly<Record<string, Subject>>;
  readonly bindings: readonly Binding[];
  readonly outputs: readonly CompiledOutput[];
  readonly limits: Partial<Limits>;
  readonly rules: readonly Rule[];
  readonly noRule: "block" | "require_consent";
  readonly lowTrust: "block" | "require_consent";
  /** Requirement of replies and publications of a domain that no output names (risk `medium`). */
  readonly replyRequirement: Requirement;
  /** The whole compiled document with every default filled in, for hashing, showing and comparing. */
  readonly compiled: { readonly [section: string]: Json };
}
