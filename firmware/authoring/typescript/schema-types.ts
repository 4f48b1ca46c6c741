/** Types of TypeScript from the schemas of contracts (capabilities.md 2). */
import type { Schema } from "../../capabilities/index.ts";
import type { Json } from "../../core/json.ts";

/** Integers of so few values are written out, so that a wrong literal is a type error. */
const MAX_WRITTEN_OUT = 3;

/** `given`: what a program hands over; `got`: what it receives. */
export type Direction = "given" | "got";

const literalType = (value: Json): string =>
  value === null || typeof value !== "object" ? JSON.stringify(value) : "Json";

export const memberName = (name: string): string =>
  /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : JSON.stringify(name);

function integerType({ minimum, maximum }: Schema): string {
  if (minimum === undefined || maximum === undefined || maximum - minimum >= MAX_WRITTEN_OUT) return "number";
  const values = Array.from({ length: maximum - minimum + 1 }, (_, i) => String(minimum + i));
  return values.join(" | ");
}

/** Members that may be missing: left out when given, null when read. */
function objectType({ properties = {}, required = [] }: Schema, direction: Direction): string {
  const members = Object.entries(properties).map(([name, schema]) => {
    const type = schemaType(schema, direction);
    if (required.includes(name)) return `readonly ${memberName(name)}: ${type}`;
    return direction === "given"
      ? `readonly ${memberName(name)}?: ${type}`
      : `readonly ${memberName(name)}: ${type} | null`;
  });
  return members.length === 0 ? "{}" : `{ ${members.join("; ")} }`;
}

function namedType(name: string, schema: Schema, direction: Direction): string {
  switch (name) {
    case "integer":
      return integerType(schema);
    case "array":
      return `readonly (${schemaType(schema.items ?? {}, direction)})[]`;
    case "object":
      return schema.properties === undefined ? "JsonObject" : objectType(schema, direction);
    default:
      return name;
  }
}

/** The type of the values that a schema lets pass. */
export function schemaType(schema: Schema, direction: Direction): string {
  if (schema.bytes !== undefined) return "Bytes";
  if (schema.const !== undefined) return literalType(schema.const);
  if (schema.enum !== undefined) return schema.enum.map(literalType).join(" | ");
  const names = [schema.type ?? []].flat();
  if (names.length === 0) return direction === "given" ? "Value" : "Json";
  return names.map((name) => namedType(name, schema, direction)).join(" | ");
}
