/** Arguments that must be known while compiling, because the instruction holds them. */
import type ts from "typescript";
import type { Json } from "../../core/json.ts";
import { constantOf, literalOf } from "./constants.ts";
import type { Frame } from "./frame.ts";

/** The literal text of an argument; reports and gives null if it is computed. */
export function literalText(
  frame: Frame,
  call: ts.CallExpression,
  index: number,
  what: string,
): string | null {
  const node = call.arguments[index];
  const value = node ? constantOf(frame.c, node) : undefined;
  if (typeof value === "string") return value;
  const message = `${what} is a literal.`;
  frame.c.report(node ?? call, "literal_required", message, "Write the text, or a const that holds it.");
  return null;
}

/** A literal integer within its bounds. */
export function literalInteger(
  frame: Frame,
  call: ts.CallExpression,
  index: number,
  [what, least, most]: readonly [string, number, number],
): number | null {
  const node = call.arguments[index];
  const value = node ? constantOf(frame.c, node) : undefined;
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
  const message = `${what} is a literal from ${least} to ${most}.`;
  frame.c.report(node ?? call, "literal_required", message, "Write the number, or a const that holds it.");
  return null;
}

/** A literal of any shape: a table, a format, a schema. */
export function literalValue(frame: Frame, node: ts.Expression | undefined, what: string): Json | null {
  const value = node ? literalOf(frame.c, node) : undefined;
  if (value !== undefined) return value;
  const hint = "Write it out, or a top-level const that holds it.";
  if (node) frame.c.report(node, "literal_required", `${what} is a literal.`, hint);
  return null;
}
