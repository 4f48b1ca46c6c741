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

/** Digits of a non-negative number before its point. */
function wholeDigits(n: number): number {
  let digits = 1;
  for (let power = 10; n >= power; power *= 10) digits++;
  return digits;
}

const POWERS = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000];

/**
 * Digits behind the point of readings such as 21.37, 0 where it takes more than six. The quotient of two exact numbers
 * is rounded correctly, so if it gives the number back, that many digits name it; the first such count is the shortest,
 * which is what ECMAScript writes.
 */
function fractionDigits(n: number): number {
  for (let digits = 1; digits < POWERS.length; digits++) {
    const power = POWERS[digits] as number;
    if (Math.round(n * power) / power === n) return digits;
  }
  return 0;
}

function numberSize(n: number): number {
  const absolute = Math.abs(n);
  const sign = n < 0 ? 1 : 0;
  if (Number.isSafeInteger(n)) return sign + wholeDigits(absolute);
  // Within these bounds ECMAScript writes no exponent, and the scaled number stays exact.
  if (absolute >= 0.001 && absolute < 1e9) {
    const digits = fractionDigits(absolute);
    if (digits > 0) return sign + wholeDigits(absolute) + 1 + digits;
  }
  return canonicalize(n).length;
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
