/** From the evidence section to what the guard applies: one effective requirement per output (policy.md 3.2). */
import type { JsonObject } from "../core/json.ts";
import { isJsonObject, member } from "../core/json.ts";
import {
  defaultRequirement,
  type Requirement,
  type RequirementLayer,
  type RiskLevel,
  riskLayer,
  tighten,
} from "../evidence/index.ts";
import type { Limits } from "../vm/types.ts";
import type { Output, Subject } from "./types.ts";

/** The compiled evidence section; the schema has checked every member. */
export interface EvidenceSection {
  readonly required: boolean;
  readonly guard: RequirementLayer;
  readonly points: Requirement["points"];
  readonly requireGroups: boolean;
  readonly numberTolerance: number;
  readonly maxClaims: number;
}

const capabilityOf = (uri: string): string => (uri.startsWith("mqtt:") ? "mqtt.publish" : "gpio.write");

/** Points that demand nothing: what a layer says that leaves them out. */
const loosestPoints: Requirement["points"] = {
  minDistinctSources: 0,
  minTotalTrust: 0,
  maxPointsPerSource: Number.MAX_SAFE_INTEGER,
  minPointsPerClaim: 0,
  byType: {},
};

const loosestByType = { minDistinctSources: 0, minTotalTrust: 0 };

/** Groups inherit what their author left out (evidence.md 10). */
function completeGroups(groups: Requirement["groups"], tolerance: number): Requirement["groups"] {
  const base = { mode: "all", tolerance, minMembers: 2, maxSpreadMs: 2000, majority: 1.3 } as const;
  return Object.fromEntries(Object.entries(groups).map(([name, group]) => [name, { ...base, ...group }]));
}

/** A document may state parts of points and groups; the merge of requirements reads whole ones. */
function completeLayer(layer: RequirementLayer, tolerance: number): RequirementLayer {
  const points = layer.points;
  const stated: Readonly<Record<string, Partial<typeof loosestByType>>> = points?.byType ?? {};
  const byType = Object.entries(stated).map(([type, demand]) => [type, { ...loosestByType, ...demand }]);
  return {
    ...layer,
    ...(layer.groups ? { groups: completeGroups(layer.groups, tolerance) } : {}),
    ...(points ? { points: { ...loosestPoints, ...points, byType: Object.fromEntries(byType) } } : {}),
  };
}

/** What the signed evidence section demands of an effect, before its risk and its own demands. */
export function guardRequirement(section: EvidenceSection, effect: string): Requirement {
  const base = defaultRequirement(effect);
  return {
    ...base,
    ...section.guard,
    requireClaims: base.requireClaims || (section.guard.requireClaims ?? false),
    groups: completeGroups(section.guard.groups ?? {}, section.numberTolerance),
    required: section.required,
    requireGroups: section.requireGroups,
    maxClaims: section.maxClaims,
    points: section.points,
    numberTolerance: section.numberTolerance,
  };
}

/** `tighten(guard, level of its risk, its own requires)`. */
export const outputRequirement = (section: EvidenceSection, output: Output): Requirement =>
  tighten(
    guardRequirement(section, capabilityOf(output.uri)),
    riskLayer(output.risk),
    completeLayer(output.requires, section.numberTolerance),
  );

/** Replies and publications that no output names, held to the level of the domain `respond`. */
export const replyRequirement = (section: EvidenceSection, risk: RiskLevel): Requirement =>
  tighten(guardRequirement(section, "RESPOND"), riskLayer(risk));

/** True if some evidence could fail what the output itself demands; an empty demand is no guard. */
export function demandsSomething(requires: JsonObject): boolean {
  const layer = requires as RequirementLayer;
  return (
    (layer.requiredKinds?.length ?? 0) > 0 ||
    (layer.relations?.length ?? 0) > 0 ||
    (layer.minCount ?? 0) > 0 ||
    (layer.minSources ?? 0) > 0 ||
    (layer.minTrust ?? 0) > 0 ||
    (layer.minLevel ?? 0) > 0 ||
    (layer.defaultFreshnessMs ?? 0) > 0 ||
    (layer.maxAgeMs ?? null) !== null ||
    (layer.minKinds ?? null) !== null ||
    layer.requireClaims === true ||
    layer.accept !== undefined
  );
}

/** What a subject's own overrides add: limits of its runs and a layer for every requirement it meets. */
export interface SubjectStatement {
  readonly limits: Partial<Limits>;
  readonly requirement: RequirementLayer;
}

const objectAt = (value: JsonObject, key: string): JsonObject => {
  const found = member(value, key);
  return found !== undefined && isJsonObject(found) ? found : {};
};

/** The tightening that goes with a subject (policy.md 7, 8); `strict` demands two sources and trust of two. */
export function subjectStatement(subject: Subject): SubjectStatement {
  const overrides = subject.overrides ?? {};
  const evidence = objectAt(overrides, "evidence");
  const { guard, ...rest } = evidence;
  const points = objectAt(evidence, "points");
  const stated = { ...(guard !== undefined && isJsonObject(guard) ? guard : {}), ...rest, points };
  const layer = completeLayer(stated as RequirementLayer, 0.05);
  const limits = Object.entries(objectAt(overrides, "limits")).filter(([, value]) => value !== null);
  if (subject.strict !== true) return { limits: Object.fromEntries(limits), requirement: layer };
  const base = layer.points ?? loosestPoints;
  const strict = {
    ...base,
    minDistinctSources: Math.max(2, base.minDistinctSources),
    minTotalTrust: Math.max(2, base.minTotalTrust),
  };
  return { limits: Object.fromEntries(limits), requirement: { ...layer, points: strict } };
}
