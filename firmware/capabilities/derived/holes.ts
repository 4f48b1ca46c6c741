/** Holes of templates: what they name, where they stand, and whether a value will be there (capabilities.md 14). */
import type { Refusal } from "../../core/errors.ts";
import { isJsonObject, type JsonObject, member } from "../../core/json.ts";
import { DERIVED_LIMITS } from "../../core/limits.ts";
import { problem } from "./problem.ts";
import type { DerivedTemplates, Template } from "./types.ts";

export type Hole =
  | { readonly kind: "param"; readonly name: string }
  | { readonly kind: "step"; readonly step: string; readonly pointer: string }
  /** Has the members of a hole, but not their types. */
  | { readonly kind: "malformed" };

/** A JSON pointer: each `/` begins a token, `~` only as `~0` and `~1`. */
const POINTER = /^(?:\/(?:[^~/]|~[01])*)*$/;

const isPointer = (text: string): boolean =>
  text.length <= DERIVED_LIMITS.pointerCharacters && POINTER.test(text);

/** The hole that an object is, or null for plain data. */
export function holeOf(object: JsonObject): Hole | null {
  const members = Object.keys(object).length;
  const name = member(object, "param");
  if (name !== undefined && members === 1) {
    return typeof name === "string" ? { kind: "param", name } : { kind: "malformed" };
  }
  const step = member(object, "step");
  const pointer = member(object, "pointer");
  if (step === undefined || pointer === undefined || members !== 2) return null;
  return typeof step === "string" && typeof pointer === "string" && isPointer(pointer)
    ? { kind: "step", step, pointer }
    : { kind: "malformed" };
}

interface Placed {
  readonly hole: Hole;
  readonly path: string;
  /** A hole that is a member of an object can be left out with it; others must have a value. */
  readonly mayDrop: boolean;
}

function* holesIn(template: Template, path: string, mayDrop: boolean): Generator<Placed> {
  if (Array.isArray(template)) {
    for (const [i, item] of template.entries()) yield* holesIn(item, `${path}[${i}]`, false);
  } else if (isJsonObject(template)) {
    const hole = holeOf(template);
    if (hole) {
      yield { hole, path, mayDrop };
      return;
    }
    for (const [key, value] of Object.entries(template)) yield* holesIn(value, `${path}.${key}`, true);
  }
}

/** Why no value will be there for a hole, or null. */
function faultOf({ hole, mayDrop }: Placed, { params }: DerivedTemplates, earlier: ReadonlySet<string>) {
  if (hole.kind === "malformed") return "malformed";
  if (hole.kind === "step") return earlier.has(hole.step) ? null : "no_earlier_step";
  const schema = Object.hasOwn(params.properties, hole.name) ? params.properties[hole.name] : undefined;
  if (!schema) return "no_param";
  const always = params.required.includes(hole.name) || schema.default !== undefined;
  return always || mayDrop ? null : "may_be_absent";
}

/**
 * The first hole without a value (`unknown_hole`), the first required param that no hole names (`unused_param`), or
 * null. Expects templates within the bounds that `readTemplates` checks.
 */
export function checkHoles(templates: DerivedTemplates): Refusal | null {
  const earlier = new Set<string>();
  const used = new Set<string>();
  let count = 0;
  const check = (template: Template, path: string): Refusal | null => {
    for (const placed of holesIn(template, path, false)) {
      const why = faultOf(placed, templates, earlier);
      if (why !== null) return problem("unknown_hole", placed.path, { why });
      if (placed.hole.kind === "param") used.add(placed.hole.name);
      if (++count > DERIVED_LIMITS.holes) {
        return problem("contract_unbounded", placed.path, { why: "too_many_holes" });
      }
    }
    return null;
  };
  for (const [i, step] of templates.steps.entries()) {
    const found = check(step.args, `$.steps[${i}].args`);
    if (found) return found;
    earlier.add(step.as);
  }
  const found = check(templates.returns, "$.returns");
  if (found) return found;
  const unused = templates.params.required.find((name) => !used.has(name));
  return unused === undefined ? null : problem("unused_param", `$.params.${unused}`);
}
