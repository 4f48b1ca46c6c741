/** What must exist for all steps, as templates over the arguments of the whole. */
import { isJsonObject, type Json, member } from "../../core/json.ts";
import { COMMON_HOLES, holesOf } from "../contract/template.ts";
import { holeOf } from "./holes.ts";
import type { DerivedStep, StepFacts, Template } from "./types.ts";

/** What stands for a step's argument in a resource of the whole, or null if it is only known when the step is called. */
function standIn(args: Template, name: string): string | null {
  if (COMMON_HOLES.includes(name)) return `{${name}}`;
  const value: Json | undefined = isJsonObject(args) ? member(args, name) : undefined;
  if (typeof value === "number") return String(value);
  if (typeof value === "string") return /[{}]/.test(value) ? null : value;
  const hole = isJsonObject(value) ? holeOf(value) : null;
  return hole?.kind === "param" ? `{${hole.name}}` : null;
}

function restated(resource: string, args: Template): string | null {
  const names = new Map(holesOf(resource).map((name) => [name, standIn(args, name)] as const));
  if ([...names.values()].includes(null)) return null;
  return resource.replace(/\{([^{}]*)\}/g, (hole, name: string) => names.get(name) ?? hole);
}

/**
 * The resources of all steps, each once, sorted. One whose name depends on an earlier step's answer or on policy is
 * left out: the step itself asks for it when it is called.
 */
export function unitedResources(
  steps: readonly DerivedStep[],
  facts: readonly StepFacts[],
): readonly string[] {
  const all = facts.flatMap(({ resources }, i) =>
    resources.map((resource) => restated(resource, steps[i]?.args ?? null)),
  );
  return [...new Set(all.filter((resource) => resource !== null))].sort();
}
