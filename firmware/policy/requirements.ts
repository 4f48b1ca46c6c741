/** From the evidence section to what the guard applies: one effective requirement per output (policy.md 3.2). */
import type { JsonObject } from "../core/json.ts";
import {
  defaultRequirement,
  type Requirement,
  type RequirementLayer,
  type RiskLevel,
  riskLayer,
  tighten,
} from "../evidence/index.ts";
import type { Binding, Output } from "./types.ts";

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

/** Groups inherit what their author left out (evidence.md 10). */
function completeGroups(section: EvidenceSection): Requirement["groups"] {
  const groups = section.guard.groups ?? {};
  const base = {
    mode: "all",
    tolerance: section.numberTolerance,
    minMembers: 2,
    maxSpreadMs: 2000,
    majority: 1.3,
  } as const;
  return Object.fromEntries(Object.entries(groups).map(([name, group]) => [name, { ...base, ...group }]));
}

/** What the signed evidence section demands of an effect, before its risk and its own demands. */
export function guardRequirement(section: EvidenceSection, effect: string): Requirement {
  const base = defaultRequirement(effect);
  return {
    ...base,
    ...section.guard,
    requireClaims: base.requireClaims || (section.guard.requireClaims ?? false),
    groups: completeGroups(section),
    required: section.required,
    requireGroups: section.requireGroups,
    maxClaims: section.maxClaims,
    points: section.points,
    numberTolerance: section.numberTolerance,
  };
}

/** `tighten(guard, level of its risk, its own requires)`. */
export const outputRequirement = (section: EvidenceSection, output: Output): Requirement =>
  tighten(guardRequirement(section, capabilityOf(output.uri)), riskLayer(output.risk), output.requires);

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

/** Distinct origins that the declared bindings can give. */
export const originsOf = (
  bindings: readonly Binding[],
  originOf: (uri: string) => string,
): ReadonlySet<string> => new Set(bindings.map((binding) => originOf(binding.uri)));
