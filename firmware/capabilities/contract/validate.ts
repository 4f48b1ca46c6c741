/** Checks values against contract schemas in the fixed order of capabilities.md 2. */
import { canonicalize } from "../../core/canonical-json.ts";
import { type Refusal, refusal } from "../../core/errors.ts";
import { isJsonObject, type Json, type JsonObject, member } from "../../core/json.ts";
import { GATE_LIMITS } from "../../core/limits.ts";
import type { ObjectSchema, Schema, TypeName, Violation } from "./types.ts";

/** No more than this many violations are listed. */
export const MAX_VIOLATIONS = GATE_LIMITS.violations;

const HEX = /^(?:[0-9a-f]{2})*$/;

/** The octets of `{"$bytes": hex}`, or null if the value is no such object. */
export function bytesLength(value: Json): number | null {
  if (!isJsonObject(value)) return null;
  const hex = member(value, "$bytes");
  if (typeof hex !== "string" || Object.keys(value).length !== 1 || !HEX.test(hex)) return null;
  return hex.length / 2;
}

/** The name of a value's type as contracts see it; 2.0 is an integer, `{"$bytes"}` is bytes. */
function typeNameOf(value: Json): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  if (typeof value === "object") return bytesLength(value) === null ? "object" : "bytes";
  return typeof value;
}

/** Whether a value is of a type; 2.0 is an integer, and every integer a number. */
export function hasType(value: Json, type: TypeName): boolean {
  switch (type) {
    case "null":
      return value === null;
    case "array":
      return Array.isArray(value);
    case "object":
      return isJsonObject(value);
    case "integer":
      return typeof value === "number" && Number.isInteger(value);
    case "number":
      return typeof value === "number" && Number.isFinite(value);
    default:
      return typeof value === type;
  }
}

const equal = (a: Json, b: Json): boolean => canonicalize(a) === canonicalize(b);
const violation = (reason: string, path: string, details: JsonObject): Violation => ({
  reason,
  path,
  details,
});

/** Everything that is wrong with `value`, in the order in which the reasons are defined; empty when valid. */
export function violationsOf(schema: Schema, value: Json, path = "$"): Violation[] {
  const found: Violation[] = [];
  collect(schema, value, path, found);
  return found;
}

function collect(schema: Schema, value: Json, path: string, found: Violation[]): void {
  if (found.length >= MAX_VIOLATIONS) return;
  const add = (reason: string, details: JsonObject, at = path): void => {
    if (found.length < MAX_VIOLATIONS) found.push(violation(reason, at, details));
  };
  if (schema.bytes) {
    collectBytes(schema.bytes, value, add);
    return;
  }
  const types = schema.type === undefined ? [] : [schema.type].flat();
  if (types.length > 0 && !types.some((type) => hasType(value, type))) {
    add("type_mismatch", { expected: types.join("|"), got: typeNameOf(value) });
    return;
  }
  if (schema.const !== undefined && !equal(schema.const, value)) {
    add("not_in_enum", { allowed: [schema.const], value });
  }
  if (schema.enum && !schema.enum.some((allowed) => equal(allowed, value))) {
    add("not_in_enum", { allowed: schema.enum, value });
  }
  if (typeof value === "number") collectNumber(schema, value, add);
  else if (typeof value === "string") collectText(schema, value, add);
  else if (Array.isArray(value)) collectItems(schema, value, path, add, found);
  else if (isJsonObject(value)) collectMembers(schema, value, path, add, found);
}

type Add = (reason: string, details: JsonObject, at?: string) => void;

function collectBytes(bounds: { readonly min: number; readonly max: number }, value: Json, add: Add): void {
  const length = bytesLength(value);
  if (length === null) add("type_mismatch", { expected: "bytes", got: typeNameOf(value) });
  else if (length < bounds.min) add("too_short", { limit: bounds.min, got: length });
  else if (length > bounds.max) add("too_long", { limit: bounds.max, got: length });
}

function collectNumber(schema: Schema, value: number, add: Add): void {
  if (schema.minimum !== undefined && value < schema.minimum) {
    add("below_minimum", { limit: schema.minimum, value });
  }
  if (schema.maximum !== undefined && value > schema.maximum) {
    add("above_maximum", { limit: schema.maximum, value });
  }
}

function collectText(schema: Schema, value: string, add: Add): void {
  const length = [...value].length;
  if (schema.minLength !== undefined && length < schema.minLength) {
    add("too_short", { limit: schema.minLength, got: length });
  }
  if (schema.maxLength !== undefined && length > schema.maxLength) {
    add("too_long", { limit: schema.maxLength, got: length });
  }
  if (schema.pattern !== undefined && !new RegExp(schema.pattern, "u").test(value)) {
    add("pattern_mismatch", { pattern: schema.pattern });
  }
}

function collectItems(
  schema: Schema,
  value: readonly Json[],
  path: string,
  add: Add,
  found: Violation[],
): void {
  if (schema.minItems !== undefined && value.length < schema.minItems) {
    add("too_few_items", { limit: schema.minItems, got: value.length });
  }
  if (schema.maxItems !== undefined && value.length > schema.maxItems) {
    add("too_many_items", { limit: schema.maxItems, got: value.length });
  }
  const { items } = schema;
  if (items) for (const [i, item] of value.entries()) collect(items, item, `${path}[${i}]`, found);
}

function collectMembers(schema: Schema, value: JsonObject, path: string, add: Add, found: Violation[]): void {
  for (const name of schema.required ?? []) {
    if (!Object.hasOwn(value, name)) add("missing_param", {}, `${path}.${name}`);
  }
  const declared = schema.properties ?? {};
  if (schema.additionalProperties === false) {
    for (const name of Object.keys(value).sort()) {
      if (!Object.hasOwn(declared, name)) add("unexpected_param", {}, `${path}.${name}`);
    }
  }
  for (const [name, property] of Object.entries(declared)) {
    const inner = member(value, name);
    if (inner !== undefined) collect(property, inner, `${path}.${name}`, found);
  }
}

/** The value with the defaults of missing members filled in, at every depth. */
function withDefaults(schema: Schema, value: Json): Json {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items ? value.map((item: Json) => withDefaults(items, item)) : value;
  }
  if (!isJsonObject(value) || !schema.properties) return value;
  const filled: Record<string, Json> = { ...value };
  for (const [name, property] of Object.entries(schema.properties)) {
    const present = member(value, name);
    const whole = present === undefined ? property.default : withDefaults(property, present);
    // A member of that name is never assigned: it would be another prototype.
    if (whole !== undefined && whole !== present && name !== "__proto__") filled[name] = whole;
  }
  return filled;
}

/** What a capability's arguments are checked against. */
export interface ArgumentContract {
  readonly params: ObjectSchema;
  readonly positional: readonly string[];
}

/** A refusal that names the first violation and lists all that were found. */
export function violationRefusal(
  code: string,
  status: number,
  where: string,
  found: readonly Violation[],
): Refusal {
  const first = found[0] ?? violation("type_mismatch", "$", {});
  return refusal(
    code,
    status,
    {
      where,
      reason: first.reason,
      path: first.path,
      ...first.details,
      violations: found.map(({ reason, path }) => ({ reason, path })),
    },
    code,
  );
}

/**
 * Named arguments with defaults out of named or positional ones.
 * Refuses with `contract_violation` (422), details {where: "args", reason, path, …, violations}.
 * @param accepts the compiled check of the parameters, see `compileSchema`: what it takes needs no list of violations.
 */
export function checkArguments(
  contract: ArgumentContract,
  args: Json,
  accepts: (filled: Json) => boolean = () => false,
): { readonly ok: true; readonly args: JsonObject } | Refusal {
  let named: Json = args;
  if (Array.isArray(args)) {
    const surplus = args
      .slice(contract.positional.length, contract.positional.length + MAX_VIOLATIONS)
      .map((_, i) => violation("unexpected_param", `$[${contract.positional.length + i}]`, {}));
    if (surplus.length > 0) return violationRefusal("contract_violation", 422, "args", surplus);
    const pairs: [string, Json][] = [];
    for (const [i, name] of contract.positional.entries()) {
      const value: Json | undefined = args[i];
      if (value !== undefined) pairs.push([name, value]);
    }
    named = Object.fromEntries(pairs);
  }
  const filled = withDefaults(contract.params, named);
  if (isJsonObject(filled) && accepts(filled)) return { ok: true, args: filled };
  const found = violationsOf(contract.params, filled);
  if (found.length > 0 || !isJsonObject(filled)) {
    return violationRefusal("contract_violation", 422, "args", found);
  }
  return { ok: true, args: filled };
}
