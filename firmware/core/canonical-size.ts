/** How long the RFC 8785 form of a value is, without writing it: what metering asks for at every reply and call. */
import { canonicalize } from "./canonical-json.ts";

/** Printable ASCII without quote and backslash stands in JSON as it is. */
function quotedSize(text: string): number {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x20 || unit > 0x7e || unit === 0x22 || unit === 0x5c) {
      return Buffer.byteLength(canonicalize(text), "utf8");
    }
  }
  return text.length + 2;
}

function numberSize(n: number): number {
  if (!Number.isSafeInteger(n)) return canonicalize(n).length;
  let size = n < 0 ? 2 : 1;
  const digits = Math.abs(n);
  for (let power = 10; digits >= power; power *= 10) size++;
  return size;
}

function sizeAt(value: unknown, depth: number): number {
  if (value === null) return 4;
  if (typeof value === "string") return quotedSize(value);
  if (typeof value === "number") return numberSize(value);
  if (typeof value === "boolean") return value ? 4 : 5;
  // Deep and unusual values take the way that knows all refusals.
  if (typeof value !== "object" || depth > 16 || ArrayBuffer.isView(value)) {
    return Buffer.byteLength(canonicalize(value), "utf8");
  }
  if (Array.isArray(value)) {
    let size = value.length === 0 ? 2 : 1 + value.length;
    for (let i = 0; i < value.length; i++) size += sizeAt(value[i], depth + 1);
    return size;
  }
  const object = value as Readonly<Record<string, unknown>>;
  let size = 1;
  for (const key in object) {
    size += 2 + quotedSize(key) + sizeAt(object[key], depth + 1);
  }
  return size === 1 ? 2 : size;
}

/** Bytes of the UTF-8 form. @throws CodedError `not_canonical` (422), like `canonicalize`. */
export const canonicalSize = (value: unknown): number => sizeAt(value, 0);
