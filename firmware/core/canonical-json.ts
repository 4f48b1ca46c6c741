/**
 * RFC 8785 (JSON Canonicalization Scheme). Everything hashed or signed passes through here, so any language
 * can check it. ECMAScript number serialisation and UTF-16 key order are what the RFC prescribes, therefore
 * the engine's own `JSON.stringify` does the leaves.
 */
import { utf8 } from "./bytes.ts";
import { CodedError } from "./errors.ts";
import { JSON_LIMITS } from "./limits.ts";

const loneSurrogate = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;

function notCanonical(why: string): never {
  throw new CodedError("not_canonical", `The value has no canonical JSON form: ${why}.`, {
    status: 422,
    details: { why },
  });
}

/** Longer texts are left to the engine's own scan. */
const SHORT = 64;

/** Most texts are short and plain ASCII: those stand between quotes as they are. */
function quoted(text: string): string {
  if (text.length <= SHORT && isPlain(text)) return `"${text}"`;
  if (loneSurrogate.test(text)) notCanonical("lone surrogate");
  return JSON.stringify(text);
}

function isPlain(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x20 || unit > 0x7e || unit === 0x22 || unit === 0x5c) return false;
  }
  return true;
}

/** Keys by UTF-16 code units. They are in order already wherever the writer of an object took care of it. */
function sortedKeys(object: object): string[] {
  const keys = Object.keys(object);
  for (let i = 1; i < keys.length; i++) {
    if ((keys[i - 1] as string) > (keys[i] as string)) return keys.sort();
  }
  return keys;
}

function write(value: unknown, depth: number): string {
  if (depth > JSON_LIMITS.canonicalDepth) notCanonical("nesting too deep");
  if (value === null) return "null";
  switch (typeof value) {
    case "boolean":
      return value ? "true" : "false";
    case "number":
      if (!Number.isFinite(value)) notCanonical("non-finite number");
      // As JSON has it, −0 included.
      return `${value}`;
    case "string":
      return quoted(value);
    case "object":
      break;
    default:
      return notCanonical(typeof value);
  }
  if (Array.isArray(value)) {
    let out = "[";
    for (let i = 0; i < value.length; i++) out += (i ? "," : "") + write(value[i], depth + 1);
    return `${out}]`;
  }
  if (ArrayBuffer.isView(value)) return notCanonical("binary data");
  const object = value as Record<string, unknown>;
  const keys = sortedKeys(object);
  let out = "{";
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string;
    out += `${i ? "," : ""}${quoted(key)}:${write(object[key], depth + 1)}`;
  }
  return `${out}}`;
}

/** The RFC 8785 text of a JSON value. @throws CodedError `not_canonical` (422). */
export const canonicalize = (value: unknown): string => write(value, 0);

/** The RFC 8785 form as UTF-8 bytes: what is hashed and signed. @throws CodedError `not_canonical` (422). */
export const jcs = (value: unknown): Uint8Array => utf8(write(value, 0));
