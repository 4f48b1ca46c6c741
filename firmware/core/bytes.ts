import { CodedError } from "./errors.ts";

const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A plain view of bytes of its own; a Buffer's `slice` and text forms would be traps for whoever gets it. */
const plain = (bytes: Buffer): Uint8Array => new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The same bytes in memory of their own. */
export const copyOf = (bytes: Uint8Array): Uint8Array => plain(Buffer.from(bytes));

/** Lone surrogates become U+FFFD. */
export const utf8 = (text: string): Uint8Array => plain(Buffer.from(text, "utf8"));

/** @throws CodedError `bad_encoding` (422) if the bytes are not well-formed UTF-8. */
export function fromUtf8(bytes: Uint8Array): string {
  try {
    return strictDecoder.decode(bytes);
  } catch (cause) {
    throw new CodedError("bad_encoding", "The bytes are not well-formed UTF-8.", { status: 422, cause });
  }
}

/** Lower-case hex. */
export const toHex = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");

/** @throws CodedError `bad_encoding` (422) unless the text is an even number of lower-case hex digits. */
export function fromHex(hex: string): Uint8Array {
  if (hex.length % 2 !== 0 || !/^[0-9a-f]*$/.test(hex)) {
    throw new CodedError("bad_encoding", "Expected an even number of lower-case hex digits.", {
      status: 422,
    });
  }
  return new Uint8Array(Buffer.from(hex, "hex"));
}

/** Hashes that lie one behind the other, each as hex. @param size bytes of one; what is left over is left out. */
export const hexPieces = (bytes: Uint8Array, size: number): string[] =>
  Array.from({ length: Math.floor(bytes.length / size) }, (_, i) =>
    toHex(bytes.subarray(i * size, (i + 1) * size)),
  );

/** RFC 4648 section 4 base64 with padding. */
export const toBase64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");

/** Strict: alphabet, padding and zero trailing bits are checked. @throws CodedError `bad_encoding` (422). */
export function fromBase64(text: string): Uint8Array {
  const bytes = Buffer.from(text, "base64");
  if (bytes.toString("base64") !== text) {
    throw new CodedError("bad_encoding", "Expected RFC 4648 base64 with padding.", { status: 422 });
  }
  return new Uint8Array(bytes);
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Compares without an early exit, so that timing does not tell how much of a secret matched. */
export function equalConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return difference === 0;
}

/** Order of the raw bytes, which is the order of keys in the store. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b);
}
