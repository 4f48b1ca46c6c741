/**
 * Rendering: values are put in the places of holes, as they are. No text is ever built, so what a value says means
 * nothing here, not even when it looks like a hole (capabilities.md 14).
 */
import type { Refusal } from "../../core/errors.ts";
import { isJsonObject, type Json, type JsonObject, member } from "../../core/json.ts";
import { resolvePointer } from "../../evidence/index.ts";
import { type Hole, holeOf } from "./holes.ts";
import { problem } from "./problem.ts";
import type { DerivedStep, DerivedTemplates, Template } from "./types.ts";

/** What earlier steps answered, by their `as`. */
export type StepResults = ReadonlyMap<string, Json>;

export type Rendered<T = Json> = { readonly ok: true; readonly value: T } | Refusal;

interface Scope {
  /** Checked, with defaults. */
  readonly args: JsonObject;
  /** Null: nothing was called yet, so holes of steps stand for themselves. */
  readonly results: StepResults | null;
  /** The first hole that had to have a value and has none. */
  missing: Refusal | null;
}

function fill(hole: Hole, written: JsonObject, path: string, scope: Scope): Json | undefined {
  if (hole.kind === "param") return member(scope.args, hole.name);
  if (hole.kind === "step") {
    if (scope.results === null) return written;
    const result = scope.results.get(hole.step);
    const value = result === undefined ? undefined : resolvePointer(result, hole.pointer);
    if (value !== undefined) return value;
  }
  scope.missing ??= problem("unknown_hole", path, { why: "no_such_value" });
  return undefined;
}

/** The value of a template; undefined for a hole without one, whose member is then left out. */
function place(template: Template, path: string, scope: Scope): Json | undefined {
  if (Array.isArray(template)) {
    return template.map((item: Json, i) => required(item, `${path}[${i}]`, scope));
  }
  if (!isJsonObject(template)) return template;
  const hole = holeOf(template);
  if (hole) return fill(hole, template, path, scope);
  const members: [string, Json][] = [];
  for (const [key, inner] of Object.entries(template)) {
    const value = place(inner, `${path}.${key}`, scope);
    if (value !== undefined) members.push([key, value]);
  }
  // Own members whatever their names, `__proto__` included.
  return Object.fromEntries(members);
}

/** In an array and at the top nothing can be left out. */
function required(template: Template, path: string, scope: Scope): Json {
  const value = place(template, path, scope);
  if (value !== undefined) return value;
  scope.missing ??= problem("unknown_hole", path, { why: "no_such_value" });
  return null;
}

function render(template: Template, path: string, args: JsonObject, results: StepResults | null): Rendered {
  const scope: Scope = { args, results, missing: null };
  const value = required(template, path, scope);
  return scope.missing ?? { ok: true, value };
}

/**
 * The arguments of one call. Refuses with `unknown_hole` where an earlier result lacks what a hole points at.
 * @param args checked, with defaults (`checkArguments`).
 */
export const renderStep = (step: DerivedStep, args: JsonObject, results: StepResults): Rendered =>
  render(step.args, `$.${step.as}.args`, args, results);

/** What the whole answers once all steps have. Refuses like `renderStep`. */
export const renderReturns = (
  { returns }: Pick<DerivedTemplates, "returns">,
  args: JsonObject,
  results: StepResults,
): Rendered => render(returns, "$.returns", args, results);

/** All calls as far as they are known before the first: holes of earlier steps stand as they are written. */
export function renderCalls(
  { steps }: Pick<DerivedTemplates, "steps">,
  args: JsonObject,
): Rendered<readonly { readonly call: string; readonly args: Json }[]> {
  const calls: { readonly call: string; readonly args: Json }[] = [];
  for (const [i, step] of steps.entries()) {
    const rendered = render(step.args, `$.steps[${i}].args`, args, null);
    if (!rendered.ok) return rendered;
    calls.push({ call: step.call, args: rendered.value });
  }
  return { ok: true, value: calls };
}
