/** Bytes, texts and hashes; nothing here is specific to Node.js or to a browser. */
import { sha256 as noble } from "@noble/hashes/sha2.js";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export const utf8 = (text: string): Uint8Array => encoder.encode(text);

/** Null unless the bytes are well-formed UTF-8. */
export function fromUtf8(bytes: Uint8Array): string | null {
  try {
    return decoder.decode(bytes);
  } catch {
    return null; // A TypeError of the decoder: the caller names what was not UTF-8.
  }
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

export const equal = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);

const DIGITS = "0123456789abcdef";

/** Lower-case hex. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += (DIGITS[byte >> 4] ?? "") + (DIGITS[byte & 15] ?? "");
  return text;
}

/** Null unless it is an even number of lower-case hex digits. */
export function fromHex(text: string): Uint8Array | null {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/.test(text)) return null;
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

export function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 3072)
    text += btoa(String.fromCharCode(...bytes.subarray(i, i + 3072)));
  return text;
}

/** RFC 4648 section 4 with padding and zero trailing bits; null for anything else. */
export function fromBase64(text: string): Uint8Array | null {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return null;
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  // Unused bits of the last digit: two texts must not stand for the same bytes.
  const tail = bytes.subarray(bytes.length - (bytes.length % 3 || 3));
  return toBase64(tail) === text.slice(text.length - 4) ? bytes : null;
}

export const sha256 = (...parts: readonly Uint8Array[]): Uint8Array =>
  noble(parts.length === 1 ? (parts[0] ?? new Uint8Array()) : concat(...parts));

/** 64 lower-case hex characters. */
export const sha256Hex = (...parts: readonly Uint8Array[]): string => toHex(sha256(...parts));
