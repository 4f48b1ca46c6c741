/** Canonical JSON (RFC 8785): writing it, and reading only what is already written that way. */
import { fromUtf8, sha256Hex, utf8 } from "./bytes.ts";
import { refuse } from "./codes.ts";
import { LIMITS } from "./limits.ts";

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

const LONE = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;

function quoted(text: string): string {
  if (LONE.test(text)) refuse("malformed", { why: "lone surrogate" });
  return JSON.stringify(text);
}

/** The RFC 8785 text. @throws Refused `malformed` for what has none. */
export function canonicalize(value: Json): string {
  if (typeof value === "string") return quoted(value);
  if (typeof value === "number") {
    if (!Number.isFinite(value)) refuse("malformed", { why: "number without bounds" });
    return JSON.stringify(value);
  }
  if (value === null || typeof value === "boolean") return String(value);
  if (isList(value)) return `[${value.map(canonicalize).join(",")}]`;
  // Order of UTF-16 code units, which is what sort() without an argument does.
  const members = Object.keys(value)
    .sort()
    .map((key) => `${quoted(key)}:${canonicalize(value[key] ?? null)}`);
  return `{${members.join(",")}}`;
}

export const jcs = (value: Json): Uint8Array => utf8(canonicalize(value));
/** H(JCS(value)). */
export const hashJson = (value: Json): string => sha256Hex(jcs(value));

const isList = (value: Json): value is readonly Json[] => Array.isArray(value);

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Levels are counted before the parser sees the text, so that no nesting can exhaust a stack. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  let inText = false;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (inText) {
      if (unit === 0x5c) i++;
      else if (unit === 0x22) inText = false;
    } else if (unit === 0x22) inText = true;
    else if (unit === 0x7b || unit === 0x5b) {
      if (++depth > LIMITS.depth) return true;
    } else if (unit === 0x7d || unit === 0x5d) depth--;
  }
  return false;
}

/** An object, in whatever way it is written. @throws Refused `malformed`, `too_large`. */
export function readObject(bytes: Uint8Array): { readonly text: string; readonly value: JsonObject } {
  const text = fromUtf8(bytes) ?? refuse("malformed", { why: "not UTF-8" });
  if (isTooDeep(text)) refuse("too_large", { levels: LIMITS.depth });
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    return refuse("malformed", { why: "not JSON" });
  }
  return isObject(value) ? { text, value } : refuse("malformed", { why: "not an object" });
}

/**
 * One line. Since it must be the canonical form of what it says, no byte of it can change without changing what it
 * says, and no two readers can read two things.
 * @throws Refused `malformed`, `too_large`.
 */
export function readLine(bytes: Uint8Array): JsonObject {
  const { text, value } = readObject(bytes);
  if (canonicalize(value) !== text) refuse("malformed", { why: "not canonical" });
  return value;
}

/** Whether the object has exactly the members named, those with `?` at will. */
export function hasMembers(value: JsonObject, names: string): boolean {
  const wanted = names.split(" ");
  const allowed = new Set(wanted.map((name) => name.replace("?", "")));
  const required = wanted.filter((name) => !name.endsWith("?"));
  return (
    Object.keys(value).every((key) => allowed.has(key)) && required.every((key) => Object.hasOwn(value, key))
  );
}

const HEX64 = /^[0-9a-f]{64}$/;

export const isHash = (value: Json | undefined): value is string =>
  typeof value === "string" && HEX64.test(value);
export const isIndex = (value: Json | undefined): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;
