/** `export const program = { … }`: what the document says besides its code. */
import type ts from "typescript";
import { isJsonObject, type Json, type JsonObject } from "../../core/json.ts";
import type { SourcePosition } from "../types.ts";
import type { Compilation } from "./compilation.ts";
import { literalOf } from "./constants.ts";
import { membersOf } from "./operands.ts";

export interface Metadata {
  readonly fields: JsonObject;
  /** Where each member was written, for what the verifier says about it. */
  readonly places: ReadonlyMap<string, SourcePosition>;
  readonly node: ts.Node;
}

const KNOWN = new Set([
  ...["name", "version", "description", "outputs", "triggers", "payload", "response", "claims"],
  ...["limits", "intents", "overlap"],
]);
const DERIVED = new Set(["format", "isa", "code", "capabilities", "constants"]);
const EXAMPLE = 'Write export const program = { name: "pump", version: "1.0.0" } satisfies Program;';

function member(c: Compilation, [key, value]: readonly [string, ts.Expression]): Json | undefined {
  if (DERIVED.has(key)) {
    c.report(value, "derived_member", `${key} is derived from the code.`, "Remove it.");
    return undefined;
  }
  if (!KNOWN.has(key)) {
    c.report(
      value,
      "unknown_member",
      `A program has no member ${key}.`,
      "docs/programs.md lists the members.",
    );
    return undefined;
  }
  const literal = literalOf(c, value);
  if (literal === undefined)
    c.report(value, "literal_required", `${key} is a literal.`, "Write it out, or consts that hold it.");
  return literal;
}

function programNode(c: Compilation): ts.VariableDeclaration | null {
  for (const statement of c.source.statements) {
    if (!c.ts.isVariableStatement(statement)) continue;
    for (const declaration of statement.declarationList.declarations)
      if (c.ts.isIdentifier(declaration.name) && declaration.name.text === "program") return declaration;
  }
  return null;
}

/** Reads the metadata; null, with a report, if there is none. */
export function readMetadata(c: Compilation): Metadata | null {
  const node = programNode(c);
  const value = node?.initializer ? c.bare(node.initializer) : null;
  const members = value && c.ts.isObjectLiteralExpression(value) ? membersOf(c, value) : undefined;
  if (node === null || members === undefined) {
    c.report(node ?? c.source, "program_required", "The source does not say which program it is.", EXAMPLE);
    return null;
  }
  const fields = members.flatMap((one): (readonly [string, Json])[] => {
    const literal = member(c, one);
    return literal === undefined ? [] : [[one[0], literal]];
  });
  const places = new Map(members.map(([key, at]) => [key, c.positionOf(at)]));
  return { fields: Object.fromEntries(fields), places, node };
}

/** The outputs that the code drives, in order; those of the metadata must be the same. */
export function outputsOf(
  c: Compilation,
  { fields, node }: Metadata,
  driven: readonly string[],
): readonly string[] {
  const written = fields.outputs;
  if (written === undefined) return driven;
  const listed = Array.isArray(written) ? written.map(String) : [];
  for (const name of driven.filter((one) => !listed.includes(one)))
    c.report(
      node,
      "output_undeclared",
      `The code drives ${name}, which outputs does not list.`,
      "Add it, or leave outputs out.",
    );
  for (const name of listed.filter((one) => !driven.includes(one)))
    c.report(
      node,
      "output_unused",
      `outputs lists ${name}, which the code does not drive.`,
      "Remove it, or leave outputs out.",
    );
  return listed;
}

/** The schema of main's input, null if there is none. */
export const payloadOf = ({ fields }: Metadata): JsonObject | null =>
  isJsonObject(fields.payload) ? fields.payload : null;
