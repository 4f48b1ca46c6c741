/** Contract schemas made into checks once: most values are sound, and for those nothing needs to be listed. */
import { canonicalize } from "../../core/canonical-json.ts";
import { isJsonObject, type Json, type JsonObject, member } from "../../core/json.ts";
import type { Schema, TypeName } from "./types.ts";
import { bytesLength, hasType } from "./validate.ts";

/** True if and only if `violationsOf` finds nothing. */
export type Accepts = (value: Json) => boolean;

type Test<T> = (value: T) => boolean;

const all =
  <T>(tests: readonly Test<T>[]): Test<T> =>
  (value) => {
    for (let i = 0; i < tests.length; i++) if (!(tests[i] as Test<T>)(value)) return false;
    return true;
  };

function numberTests({ minimum, maximum }: Schema): Test<number>[] {
  const tests: Test<number>[] = [];
  if (minimum !== undefined) tests.push((value) => !(value < minimum));
  if (maximum !== undefined) tests.push((value) => !(value > maximum));
  return tests;
}

/** Code points; never more than units. */
function codePoints(text: string): number {
  let surrogates = 0;
  for (let i = 0; i + 1 < text.length; i++) {
    const isPair = (text.charCodeAt(i) & 0xfc00) === 0xd800 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00;
    if (isPair) {
      surrogates++;
      i++;
    }
  }
  return text.length - surrogates;
}

function textTests({ minLength, maxLength, pattern }: Schema): Test<string>[] {
  const tests: Test<string>[] = [];
  if (minLength !== undefined) tests.push((value) => codePoints(value) >= minLength);
  if (maxLength !== undefined)
    tests.push((value) => value.length <= maxLength || codePoints(value) <= maxLength);
  if (pattern !== undefined) {
    const compiled = new RegExp(pattern, "u");
    tests.push((value) => compiled.test(value));
  }
  return tests;
}

function itemTests({ items, minItems, maxItems }: Schema): Test<readonly Json[]>[] {
  const tests: Test<readonly Json[]>[] = [];
  if (minItems !== undefined) tests.push((value) => value.length >= minItems);
  if (maxItems !== undefined) tests.push((value) => value.length <= maxItems);
  if (items) {
    const accepts = compileSchema(items);
    tests.push((value) => value.every((item: Json) => accepts(item)));
  }
  return tests;
}

function memberTests({ properties = {}, required = [], additionalProperties }: Schema): Test<JsonObject>[] {
  const tests: Test<JsonObject>[] = required.map((name) => (value) => Object.hasOwn(value, name));
  if (additionalProperties === false)
    tests.push((value) => Object.keys(value).every((name) => Object.hasOwn(properties, name)));
  for (const [name, property] of Object.entries(properties)) {
    const accepts = compileSchema(property);
    tests.push((value) => {
      const inner = member(value, name);
      return inner === undefined || accepts(inner);
    });
  }
  return tests;
}

function valueTests({ type, const: only, enum: allowed }: Schema): Test<Json>[] {
  const tests: Test<Json>[] = [];
  const types: readonly TypeName[] = type === undefined ? [] : [type].flat();
  if (types.length > 0) {
    tests.push((value) => types.some((name) => hasType(value, name)));
  }
  if (only !== undefined) {
    const text = canonicalize(only);
    tests.push((value) => canonicalize(value) === text);
  }
  if (allowed) {
    const texts = new Set(allowed.map((value) => canonicalize(value)));
    tests.push((value) => texts.size > 0 && texts.has(canonicalize(value)));
  }
  return tests;
}

/** The check of a schema; compiled by whoever keeps the schema, once. */
export function compileSchema(schema: Schema): Accepts {
  const { bytes } = schema;
  if (bytes) {
    return (value) => {
      const length = bytesLength(value);
      return length !== null && length >= bytes.min && length <= bytes.max;
    };
  }
  const any = all(valueTests(schema));
  const number = all(numberTests(schema));
  const text = all(textTests(schema));
  const items = all(itemTests(schema));
  const members = all(memberTests(schema));
  return (value) => {
    if (!any(value)) return false;
    if (typeof value === "number") return number(value);
    if (typeof value === "string") return text(value);
    if (Array.isArray(value)) return items(value);
    return isJsonObject(value) ? members(value) : true;
  };
}
