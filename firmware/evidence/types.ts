/** Shapes of evidence, requirements and claims (evidence.md 1, 4, 7, 9, 10). */
import type { Json } from "../core/json.ts";

export type EvidenceClass = "observation" | "attested" | "derived" | "trigger" | "effect" | "bookkeeping";
export type RiskLevel = "low" | "medium" | "high" | "prod";
export type ProvenanceLevel = 0 | 1 | 2 | 3;

export interface EvidenceBody {
  readonly v: 1;
  readonly kind: string;
  readonly source: string;
  readonly deviceId: string;
  readonly subject: string;
  readonly runId: string | null;
  readonly seq: number;
  readonly ts: number;
  readonly bootId: string;
  readonly monoMs: number;
  readonly ttlMs: number;
  readonly trust: number;
  readonly sha256: string;
  readonly payload?: Json;
  readonly parents: readonly string[];
  readonly policyHash: string;
}

export interface Evidence {
  readonly id: string;
  readonly body: EvidenceBody;
  readonly seal: { readonly kid: string; readonly mac: string };
}

export interface SourceRule {
  readonly prefix: string;
  readonly id: string;
  readonly trust: number;
  readonly points?: number;
  readonly kinds?: readonly string[];
  readonly maxTtlMs?: number;
  readonly keys?: readonly string[];
  readonly threshold?: number;
}

export interface GroupPolicy {
  readonly mode: "all" | "vote";
  readonly tolerance: number;
  readonly absTolerance?: number;
  readonly minMembers: number;
  readonly maxSpreadMs: number;
  readonly minAgree?: number;
  readonly majority: number;
}

export interface Relation {
  readonly rel: string;
  readonly a: string | number;
  readonly b: string | number;
  readonly tol?: number;
  readonly dominates?: string;
  readonly weights?: Readonly<Record<string, number>>;
}

/** What the guard demands; comes from signed policy only and is frozen. */
export interface Requirement {
  readonly required: boolean;
  readonly minTrust: number;
  readonly minCount: number;
  readonly minSources: number;
  readonly maxAgeMs: number | null;
  readonly minLevel: ProvenanceLevel;
  readonly requiredKinds: readonly string[];
  readonly accept: readonly EvidenceClass[];
  readonly minKinds: { readonly kinds: readonly string[]; readonly min: number } | null;
  readonly requireClaims: boolean;
  readonly requireGroups: boolean;
  readonly maxClaims: number;
  readonly minLevelByType: Readonly<Record<string, ProvenanceLevel>>;
  readonly freshnessMsByType: Readonly<Record<string, number>>;
  readonly defaultFreshnessMs: number;
  readonly groups: Readonly<Record<string, GroupPolicy>>;
  readonly relations: readonly Relation[];
  /** Relative tolerance of groups that policy does not name; 0.05 when absent (evidence.md 10). */
  readonly numberTolerance?: number;
  /** Points of claims (evidence.md 6). */
  readonly points: {
    readonly minDistinctSources: number;
    readonly minTotalTrust: number;
    readonly maxPointsPerSource: number;
    readonly minPointsPerClaim: number;
    readonly byType: Readonly<
      Record<string, { readonly minDistinctSources: number; readonly minTotalTrust: number }>
    >;
  };
}

export type ClaimSchema =
  | {
      readonly type: "number" | "integer";
      readonly unit: string;
      readonly min?: number;
      readonly max?: number;
      readonly tolerance?: number;
    }
  | { readonly type: "string"; readonly minLen?: number; readonly maxLen?: number; readonly pattern?: string }
  | { readonly type: "boolean" }
  | { readonly type: "hash" }
  | { readonly type: "enum"; readonly choices: readonly Json[] }
  | {
      readonly type: "list";
      readonly elements: ClaimSchema;
      readonly minItems?: number;
      readonly maxItems?: number;
    }
  | {
      readonly type: "object";
      readonly properties: Readonly<Record<string, ClaimSchema>>;
      readonly optional?: readonly string[];
      readonly closed?: boolean;
    };

export interface Claim {
  readonly id: string;
  readonly type: string;
  readonly text: string;
  readonly schema: ClaimSchema;
  readonly value: Json;
  readonly evidence: readonly string[];
  readonly minTrust?: number;
  readonly from?: { readonly evidence: string; readonly pointer: string };
  readonly predicate?: { readonly op: string; readonly value: Json };
  readonly group?: string;
  readonly quantile?: "p50" | "p95" | "p99";
}

/** What a redundant group agreed on (evidence.md 10). */
export interface GroupResolution {
  readonly group: string;
  readonly mode: "all" | "vote";
  readonly value: number;
  readonly members: readonly string[];
  readonly outliers: readonly string[];
  readonly weights: Readonly<Record<string, number>>;
}

export type GuardVerdict =
  | {
      readonly ok: true;
      readonly valid: readonly string[];
      readonly trust: number;
      /** Values that groups agreed on; `outliers` are claim ids. */
      readonly resolutions?: readonly GroupResolution[];
      /** Claims that a dominating relation overruled. */
      readonly overruled?: readonly string[];
      /** Group failures that profile dev only warns about. */
      readonly warnings?: readonly {
        readonly reason: string;
        readonly details: { readonly [k: string]: Json };
      }[];
    }
  | { readonly ok: false; readonly reason: string; readonly details: { readonly [k: string]: Json } };
