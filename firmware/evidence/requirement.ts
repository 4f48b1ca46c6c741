/** What the guard demands and how layers of policy combine: every layer can only tighten (evidence.md 7). */
import { canonicalize } from "../core/canonical-json.ts";
import { RISK_RULES } from "./risk.ts";
import type {
  EvidenceClass,
  GroupPolicy,
  ProvenanceLevel,
  Relation,
  Requirement,
  RiskLevel,
} from "./types.ts";

export type RequirementLayer = Partial<Requirement>;

const PHYSICAL: readonly EvidenceClass[] = ["observation", "attested"];
const STATEMENTS: readonly EvidenceClass[] = ["observation", "attested", "derived"];

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const member of Object.values(value)) deepFreeze(member);
  }
  return value;
}

/**
 * The guard's own demands for an effect (`gpio.write`, `RESPOND`, …). `signed` holds the two things that
 * signed policy alone may relax: `required: false` and, with it, `minCount: 0` and `minSources: 0`.
 */
export function defaultRequirement(
  effect: string,
  signed: Partial<Pick<Requirement, "required" | "minCount" | "minSources" | "requireGroups">> = {},
): Requirement {
  const statement = effect === "RESPOND" || effect === "mqtt.publish";
  return deepFreeze({
    required: true,
    minTrust: 0.7,
    minCount: 1,
    minSources: 1,
    maxAgeMs: null,
    minLevel: 2,
    requiredKinds: [],
    accept: statement ? STATEMENTS : PHYSICAL,
    minKinds: null,
    requireClaims: effect === "RESPOND",
    requireGroups: true,
    maxClaims: 64,
    minLevelByType: {},
    freshnessMsByType: {},
    defaultFreshnessMs: 0,
    groups: {},
    relations: [],
    points: {
      minDistinctSources: 1,
      minTotalTrust: 1,
      maxPointsPerSource: 5,
      minPointsPerClaim: 0,
      byType: {},
    },
    ...signed,
  });
}

/** The layer that a risk level adds. */
export const riskLayer = (risk: RiskLevel): RequirementLayer => {
  const { minTrust, maxAgeMs, minSources } = RISK_RULES[risk];
  return { minTrust, maxAgeMs, minSources };
};

const union = <T>(a: readonly T[], b: readonly T[]): readonly T[] => [...new Set([...a, ...b])];

function unionByContent(a: readonly Relation[], b: readonly Relation[]): readonly Relation[] {
  const byContent = new Map<string, Relation>();
  for (const relation of [...a, ...b]) byContent.set(canonicalize(relation), relation);
  return [...byContent.values()];
}

const smallerAge = (a: number | null, b: number | null): number | null =>
  a === null ? b : b === null ? a : Math.min(a, b);

/** 0 means off and is therefore the loosest freshness. */
const smallerFreshness = (a: number, b: number): number => (a === 0 ? b : b === 0 ? a : Math.min(a, b));

const own = <T>(record: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(record, key) ? record[key] : undefined;

/** Combines per key; `combine` sees what each side demands for the key, its own default included. */
function mergeRecords<T>(
  a: Readonly<Record<string, T>>,
  b: Readonly<Record<string, T>>,
  combine: (a: T | undefined, b: T | undefined) => T,
): Readonly<Record<string, T>> {
  const keys = union(Object.keys(a), Object.keys(b));
  return Object.fromEntries(keys.map((key) => [key, combine(own(a, key), own(b, key))]));
}

function stricterGroup(a: GroupPolicy | undefined, b: GroupPolicy | undefined): GroupPolicy {
  const first = a ?? b;
  if (!first) throw new TypeError("a group policy is combined with nothing");
  const second = b ?? first;
  const abs = smallestDefined(first.absTolerance, second.absTolerance);
  const agree = Math.max(first.minAgree ?? 0, second.minAgree ?? 0);
  return {
    mode: first.mode === "all" || second.mode === "all" ? "all" : "vote",
    tolerance: Math.min(first.tolerance, second.tolerance),
    minMembers: Math.max(first.minMembers, second.minMembers),
    maxSpreadMs: Math.min(first.maxSpreadMs, second.maxSpreadMs),
    majority: Math.max(first.majority, second.majority),
    ...(abs === undefined ? {} : { absTolerance: abs }),
    ...(agree === 0 ? {} : { minAgree: agree }),
  };
}

function smallestDefined(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? b : b === undefined ? a : Math.min(a, b);
}

/** Seeing `min` kinds of the intersection satisfies both demands. */
function stricterKinds(a: Requirement["minKinds"], b: Requirement["minKinds"]): Requirement["minKinds"] {
  if (a === null || b === null) return a ?? b;
  return { kinds: a.kinds.filter((kind) => b.kinds.includes(kind)), min: Math.max(a.min, b.min) };
}

function stricterPoints(a: Requirement["points"], b: Requirement["points"]): Requirement["points"] {
  return {
    minDistinctSources: Math.max(a.minDistinctSources, b.minDistinctSources),
    minTotalTrust: Math.max(a.minTotalTrust, b.minTotalTrust),
    maxPointsPerSource: Math.min(a.maxPointsPerSource, b.maxPointsPerSource),
    minPointsPerClaim: Math.max(a.minPointsPerClaim, b.minPointsPerClaim),
    byType: mergeRecords(a.byType, b.byType, (x, y) => ({
      minDistinctSources: Math.max((x ?? a).minDistinctSources, (y ?? b).minDistinctSources),
      minTotalTrust: Math.max((x ?? a).minTotalTrust, (y ?? b).minTotalTrust),
    })),
  };
}

function stricter(a: Requirement, layer: RequirementLayer): Requirement {
  const freshness = layer.defaultFreshnessMs ?? 0;
  const tolerance = smallestDefined(a.numberTolerance, layer.numberTolerance);
  return {
    required: a.required || (layer.required ?? false),
    minTrust: Math.max(a.minTrust, layer.minTrust ?? 0),
    minCount: Math.max(a.minCount, layer.minCount ?? 0),
    minSources: Math.max(a.minSources, layer.minSources ?? 0),
    maxAgeMs: smallerAge(a.maxAgeMs, layer.maxAgeMs ?? null),
    minLevel: Math.max(a.minLevel, layer.minLevel ?? 0) as ProvenanceLevel,
    requiredKinds: union(a.requiredKinds, layer.requiredKinds ?? []),
    accept: layer.accept ? a.accept.filter((cls) => layer.accept?.includes(cls)) : a.accept,
    minKinds: stricterKinds(a.minKinds, layer.minKinds ?? null),
    requireClaims: a.requireClaims || (layer.requireClaims ?? false),
    requireGroups: a.requireGroups || (layer.requireGroups ?? false),
    maxClaims: Math.min(a.maxClaims, layer.maxClaims ?? Number.POSITIVE_INFINITY),
    minLevelByType: mergeRecords(
      a.minLevelByType,
      layer.minLevelByType ?? {},
      (x, y) => Math.max(x ?? 0, y ?? 0) as ProvenanceLevel,
    ),
    freshnessMsByType: mergeRecords(a.freshnessMsByType, layer.freshnessMsByType ?? {}, (x, y) =>
      smallerFreshness(x ?? a.defaultFreshnessMs, y ?? freshness),
    ),
    defaultFreshnessMs: smallerFreshness(a.defaultFreshnessMs, freshness),
    groups: mergeRecords(a.groups, layer.groups ?? {}, stricterGroup),
    relations: unionByContent(a.relations, layer.relations ?? []),
    ...(tolerance === undefined ? {} : { numberTolerance: tolerance }),
    points: layer.points ? stricterPoints(a.points, layer.points) : a.points,
  };
}

/**
 * The effective requirement: field by field the stricter of all layers, frozen. Order and repetition of
 * layers do not matter (only the order in which required kinds are listed follows them).
 */
export const tighten = (base: Requirement, ...layers: readonly RequirementLayer[]): Requirement =>
  deepFreeze(structuredClone(layers.reduce<Requirement>(stricter, base)));
