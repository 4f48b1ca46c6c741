/** Holes of contract templates: `{name}` is replaced by a checked argument, never by free text (capabilities.md 2). */
import type { Json, JsonObject } from "../../core/json.ts";
import { member } from "../../core/json.ts";

const HOLE = /\{([^{}]*)\}/g;

/** Names of the holes of a template, in order. */
export const holesOf = (template: string): string[] =>
  [...template.matchAll(HOLE)].map((match) => match[1] ?? "");

/** Names that every template may use besides the declared arguments. */
export const COMMON_HOLES: readonly string[] = ["self"];

/** Fills the holes; an argument that is absent or no number or text leaves the hole as `?`, which no rule matches. */
export function fillTemplate(template: string, args: JsonObject, self: string): string {
  return template.replace(HOLE, (_, name: string) => {
    const value: Json | undefined = name === "self" ? self : member(args, name);
    return typeof value === "string" || typeof value === "number" ? String(value) : "?";
  });
}
