/**
 * Checks a document against the part of JSON Schema 2020-12 that the schema of scenarios uses. Compiled by ajv that
 * schema becomes half a megabyte of code; a test holds this check to the same answers.
 */
import { isJsonObject, type Json, type JsonObject } from "../../firmware/core/json.ts";
import { pointer } from "./scenario-error.ts";

export interface SchemaProblem {
  /** JSON pointer of what is wrong. */
  readonly path: string;
  readonly why: string;
}

type Rule = (value: Json, rule: Json, schema: JsonObject, check: Checker) => SchemaProblem | string | null;
type Checker = (value: Json, schema: Json | undefined, step?: string | number) => SchemaProblem | null;

const typeOf = (value: Json): string =>
  value === null
    ? "null"
    : Array.isArray(value)
      ? "array"
      : Number.isInteger(value)
        ? "integer"
        : typeof value;

const listed = (value: Json | undefined): readonly Json[] =>
  Array.isArray(value) ? value : value === undefined ? [] : [value as Json];
const names = (values: readonly Json[]): string => values.map((value) => JSON.stringify(value)).join(", ");
const isText = (value: Json): value is string => typeof value === "string";
const isList = (value: Json): value is readonly Json[] => Array.isArray(value);

const isType: Rule = (value, rule) => {
  const type = typeOf(value);
  const allowed = listed(rule);
  if (allowed.includes(type) || (type === "integer" && allowed.includes("number"))) return null;
  return `must be ${allowed.join(" or ")}, not ${type}`;
};

const oneOf: Rule = (value, rule, schema, check) => {
  const key = isJsonObject(schema.discriminator ?? null)
    ? String((schema.discriminator as JsonObject).propertyName)
    : "";
  if (!isJsonObject(value)) return null;
  const kindOf = (branch: Json): Json => {
    const { properties } = branch as { readonly properties: Readonly<Record<string, JsonObject>> };
    return properties[key]?.const ?? null;
  };
  const branches = listed(rule);
  const branch = branches.find((one) => kindOf(one) === value[key]);
  if (branch !== undefined) return check(value, branch);
  if (value[key] === undefined) return `lacks "${key}"`;
  return `${key} ${JSON.stringify(value[key])} is none of ${branches.map(kindOf).join(", ")}`;
};

const properties: Rule = (value, rule, _schema, check) => {
  if (!isJsonObject(value)) return null;
  for (const [name, schema] of Object.entries(rule as JsonObject)) {
    const inner = Object.hasOwn(value, name) ? value[name] : undefined;
    const problem = inner === undefined ? null : check(inner, schema, name);
    if (problem) return problem;
  }
  return null;
};

const additionalProperties: Rule = (value, rule, schema, check) => {
  if (!isJsonObject(value)) return null;
  const known = (schema.properties ?? {}) as JsonObject;
  for (const [name, inner] of Object.entries(value)) {
    if (Object.hasOwn(known, name)) continue;
    if (rule === false) return check(null, false, name);
    const problem = check(inner, rule, name);
    if (problem) return problem;
  }
  return null;
};

const items: Rule = (value, rule, _schema, check) => {
  if (!isList(value)) return null;
  for (const [index, item] of value.entries()) {
    const problem = check(item, rule, index);
    if (problem) return problem;
  }
  return null;
};

const propertyNames: Rule = (value, rule, _schema, check) => {
  if (!isJsonObject(value)) return null;
  for (const name of Object.keys(value)) {
    const problem = check(name, rule);
    if (problem) return `has the name "${name}", which ${problem.why}`;
  }
  return null;
};

const required: Rule = (value, rule) => {
  if (!isJsonObject(value)) return null;
  const missing = listed(rule).find((name) => !Object.hasOwn(value, String(name)));
  return missing === undefined ? null : `lacks "${String(missing)}"`;
};

const conditional: Rule = (value, rule, schema, check) =>
  check(value, check(value, rule) === null ? schema.then : schema.else);

/** A rule for numbers: what must not hold, and what to say then. */
const bound =
  (broken: (value: number, limit: number) => boolean, words: string): Rule =>
  (value, rule) =>
    typeof value === "number" && broken(value, Number(rule)) ? `must be ${words} ${String(rule)}` : null;

/** A rule for how much something holds. */
const size =
  (of: (value: Json) => number | null, least: boolean, words: string): Rule =>
  (value, rule) => {
    const held = of(value);
    if (held === null || (least ? held >= Number(rule) : held <= Number(rule))) return null;
    return `must have at ${least ? "least" : "most"} ${String(rule)} ${words}`;
  };

const length = (value: Json): number | null => (isText(value) ? value.length : null);
const entries = (value: Json): number | null => (isList(value) ? value.length : null);
const members = (value: Json): number | null => (isJsonObject(value) ? Object.keys(value).length : null);

/** By keyword, in the order in which they are looked at. */
const RULES: Readonly<Record<string, Rule>> = {
  type: isType,
  const: (value, rule) => (value === rule ? null : `must be ${JSON.stringify(rule)}`),
  enum: (value, rule) => (listed(rule).includes(value) ? null : `must be one of ${names(listed(rule))}`),
  minimum: bound((value, limit) => value < limit, "at least"),
  exclusiveMinimum: bound((value, limit) => value <= limit, "above"),
  maximum: bound((value, limit) => value > limit, "at most"),
  minLength: size(length, true, "characters"),
  maxLength: size(length, false, "characters"),
  pattern: (value, rule) =>
    !isText(value) || new RegExp(String(rule), "u").test(value) ? null : `must match ${String(rule)}`,
  minItems: size(entries, true, "entries"),
  maxItems: size(entries, false, "entries"),
  minProperties: size(members, true, "members"),
  maxProperties: size(members, false, "members"),
  required,
  propertyNames,
  oneOf,
  properties,
  additionalProperties,
  items,
  if: conditional,
};

/** Say something about a schema, and nothing about a document. */
const SILENT = new Set(["$defs", "description", "default", "discriminator", "then", "else"]);

/** Keywords of a schema that nothing here looks at; there must be none. */
export function unknownKeywords(schema: Json): readonly string[] {
  if (!isJsonObject(schema)) return [];
  const named = ["properties", "$defs"].flatMap((key) => Object.values((schema[key] ?? {}) as JsonObject));
  const inner = ["items", "additionalProperties", "propertyNames", "oneOf", "if", "then", "else"];
  const below = [...named, ...inner.flatMap((key) => listed(schema[key]))];
  const own = Object.keys(schema).filter(
    (key) => key !== "$ref" && !SILENT.has(key) && !Object.hasOwn(RULES, key),
  );
  return [...own, ...below.flatMap(unknownKeywords)];
}

/** The first thing in which a document does not fit, or null. @param root the schema; `$ref` names its `$defs`. */
export function checkSchema(document: Json, root: JsonObject): SchemaProblem | null {
  const checkAt =
    (path: string): Checker =>
    (value, schema, step) => {
      const here = step === undefined ? path : pointer(path, step);
      if (schema === false) return { path: here, why: "there is no such member" };
      if (!isJsonObject(schema ?? null)) return null;
      return checkObject(value, schema as JsonObject, here);
    };
  const checkObject = (value: Json, schema: JsonObject, path: string): SchemaProblem | null => {
    const check = checkAt(path);
    if (isText(schema.$ref ?? null)) {
      const name = String(schema.$ref).replace("#/$defs/", "");
      const problem = check(value, (root.$defs as JsonObject)[name]);
      if (problem) return problem;
    }
    for (const [keyword, rule] of Object.entries(RULES)) {
      const given = schema[keyword];
      const problem = given === undefined ? null : rule(value, given, schema, check);
      if (problem !== null) return typeof problem === "string" ? { path, why: problem } : problem;
    }
    return null;
  };
  return checkAt("")(document, root);
}
