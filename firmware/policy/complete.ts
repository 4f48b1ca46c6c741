/** Passes 6 to 8 of the compiler: defaults, the profile's adjustment and order of lists (policy.md 2.1, 3). */
import { isJsonObject, type Json, type JsonObject, member } from "../core/json.ts";
import { defaultRequirement, type RiskLevel } from "../evidence/index.ts";
import {
  bindingDefaults,
  outputDefaults,
  sectionDefaults,
  subjectDefaults,
  withDefaults,
} from "./defaults.ts";
import { type AuthorThresholds, adjustForProfile } from "./profile.ts";
import type { EvidenceSection } from "./requirements.ts";
import type { Binding, Output, Profile, Rule, Subject } from "./types.ts";

/** The compiled document: every key is there. Sections that other parts read stay JSON. */
export type CompiledDocument = JsonObject & {
  readonly id: string;
  readonly version: number;
  readonly profile: Profile;
  readonly loosens: readonly string[];
  readonly subjects: Readonly<Record<string, Subject>>;
  readonly bindings: readonly Binding[];
  readonly outputs: readonly Output[];
  readonly limits: Readonly<Record<string, number | null>>;
  readonly evidence: EvidenceSection;
  readonly risk: { readonly domains: Readonly<Record<string, RiskLevel>> };
  readonly decisions: {
    readonly rules: readonly Rule[];
    readonly noRule: "block" | "require_consent";
    readonly lowTrust: "block" | "require_consent";
  };
};

const sectionOf = (value: JsonObject, key: string): JsonObject => {
  const found = member(value, key);
  return found !== undefined && isJsonObject(found) ? found : {};
};

const objectsOf = (value: JsonObject, key: string): readonly JsonObject[] => {
  const found = member(value, key);
  return Array.isArray(found) ? found.filter(isJsonObject) : [];
};

const each = (section: JsonObject, fill: (value: JsonObject) => Json): JsonObject =>
  Object.fromEntries(
    Object.entries(section).map(([key, value]) => [key, isJsonObject(value) ? fill(value) : value]),
  );

/** Sorted and distinct: the order of these lists has no meaning. */
const asSet = (value: Json | undefined): Json =>
  Array.isArray(value)
    ? [...new Set(value.filter((item) => typeof item === "string"))].sort()
    : (value ?? []);

function withSets(section: JsonObject, ...keys: readonly string[]): JsonObject {
  const sets = keys
    .filter((key) => Object.hasOwn(section, key))
    .map((key) => [key, asSet(member(section, key))]);
  return { ...section, ...Object.fromEntries(sets) };
}

/** The author's thresholds out of the sections they are written in. */
function authorThresholds(document: JsonObject): AuthorThresholds {
  const evidence = sectionOf(document, "evidence");
  const flat: JsonObject = {
    ...sectionOf(evidence, "points"),
    ...sectionOf(evidence, "guard"),
    ...evidence,
    ...sectionOf(document, "performance"),
    ...sectionOf(document, "rollout"),
    ...sectionOf(document, "decisions"),
    quarantine: sectionOf(sectionOf(document, "homeostasis"), "quarantine"),
  };
  return flat as AuthorThresholds;
}

const factory = defaultRequirement("gpio.write");
/** The members of `/evidence/guard`; `accept` stays open because replies and physical effects differ in it. */
const guardDefaults: JsonObject = {
  minTrust: factory.minTrust,
  minCount: factory.minCount,
  minSources: factory.minSources,
  maxAgeMs: factory.maxAgeMs,
  requiredKinds: [],
  minKinds: null,
  requireClaims: factory.requireClaims,
  freshnessMsByType: {},
  defaultFreshnessMs: factory.defaultFreshnessMs,
  groups: {},
  relations: [],
};

function completeEvidence(filled: JsonObject, author: JsonObject, profile: Profile): JsonObject {
  const evidence = sectionOf(filled, "evidence");
  const adjusted = adjustForProfile(authorThresholds(author), profile);
  const { minDistinctSources, minTotalTrust, minPointsPerClaim, minLevel, minLevelByType } = adjusted;
  const points = sectionOf(evidence, "points");
  const guard = withDefaults(guardDefaults, sectionOf(evidence, "guard"));
  return {
    ...evidence,
    guard: withSets({ ...guard, minLevel, minLevelByType }, "requiredKinds", "accept"),
    points: {
      ...points,
      minDistinctSources,
      minTotalTrust,
      minPointsPerClaim,
      byType: each(sectionOf(points, "byType"), (demand) => ({
        minDistinctSources,
        minTotalTrust,
        ...demand,
      })),
    },
    requireGroups: adjusted.requireGroups || member(evidence, "requireGroups") === true,
    numberTolerance: adjusted.numberTolerance,
  };
}

/** Fills in every default, applies the profile and brings lists without order into order. Changes nothing given. */
export function complete(document: JsonObject): CompiledDocument {
  const filled = withDefaults(sectionDefaults, document);
  const profile = member(document, "profile") as Profile;
  const adjusted = adjustForProfile(authorThresholds(document), profile);
  const { noRule, lowTrust, p95Window, violationLimit } = adjusted;
  const homeostasis = sectionOf(filled, "homeostasis");
  const compiled: JsonObject = {
    ...withSets(filled, "boards", "loosens", "channels"),
    subjects: each(sectionOf(filled, "subjects"), (subject) =>
      withSets({ ...subjectDefaults, ...subject }, "roles", "keys"),
    ),
    bindings: objectsOf(filled, "bindings").map((binding) => ({ ...bindingDefaults, ...binding })),
    outputs: objectsOf(filled, "outputs").map((output) => ({ ...outputDefaults, ...output })),
    decisions: { ...sectionOf(filled, "decisions"), noRule, lowTrust },
    evidence: completeEvidence(filled, document, profile),
    performance: { ...sectionOf(filled, "performance"), p95Window },
    homeostasis: {
      ...homeostasis,
      quarantine: { ...sectionOf(homeostasis, "quarantine"), ...adjusted.quarantine },
    },
    rollout: { ...sectionOf(filled, "rollout"), violationLimit },
    network: withSets(sectionOf(filled, "network"), "denyHosts"),
    phi: withSets(sectionOf(filled, "phi"), "intents"),
  };
  return compiled as CompiledDocument;
}
