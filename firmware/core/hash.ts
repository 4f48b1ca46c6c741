/** SHA-256 and HMAC behind one module; on the device OpenSSL through `node:crypto` is the fastest correct choice. */
import * as crypto from "node:crypto";
import { concat } from "./bytes.ts";
import { canonicalize } from "./canonical-json.ts";

const { createHash, createHmac } = crypto;
/** In one call, twice as fast; Node 20 has it from 20.12 on. */
const oneShot = typeof crypto.hash === "function" ? crypto.hash : null;

export const ZERO_HASH = "0".repeat(64);

/** Beyond it parts are not joined for a single call: copying them would cost more than the call saves. */
const JOINED_BYTES = 8192;
const BLOCK_BYTES = 64;

const lengthOf = (parts: readonly Uint8Array[]): number => {
  let length = 0;
  for (let i = 0; i < parts.length; i++) length += (parts[i] as Uint8Array).length;
  return length;
};

/** A small array lies on the engine's own heap; a Buffer would need memory outside of it, and a finaliser. */
function digestOf(latin1: string): Uint8Array {
  const bytes = new Uint8Array(latin1.length);
  for (let i = 0; i < latin1.length; i++) bytes[i] = latin1.charCodeAt(i);
  return bytes;
}

/** 32 raw bytes. */
export const sha256 = (...parts: readonly Uint8Array[]): Uint8Array => {
  const [only] = parts;
  if (oneShot !== null && only !== undefined && (parts.length === 1 || lengthOf(parts) <= JOINED_BYTES)) {
    // The digest's encoding `binary`, one character a byte, is what Node's one-shot call gives fastest.
    return digestOf(oneShot("sha256", parts.length === 1 ? only : concat(...parts), "binary"));
  }
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};

/** 64 lower-case hex characters. */
export const sha256Hex = (bytes: Uint8Array | string): string =>
  oneShot === null ? createHash("sha256").update(bytes).digest("hex") : oneShot("sha256", bytes, "hex");

/** H(JCS(value)), the identity of every document in this project. @throws CodedError `not_canonical`. */
export const hashJson = (value: unknown): string => sha256Hex(canonicalize(value));

/** HMAC-SHA256, 64 lower-case hex characters. Local sealing only; statements of others use Ed25519. */
export function hmacSha256Hex(key: Uint8Array, ...parts: readonly Uint8Array[]): string {
  const length = lengthOf(parts);
  if (oneShot !== null && key.length <= BLOCK_BYTES && length <= JOINED_BYTES) {
    return shortMac(oneShot, key, parts, length);
  }
  const mac = createHmac("sha256", key);
  for (const part of parts) mac.update(part);
  return mac.digest("hex");
}

/** RFC 2104 written out: two one-shot digests cost less than one HMAC object, whose memory lies outside of the heap. */
function shortMac(
  digest: typeof crypto.hash,
  key: Uint8Array,
  parts: readonly Uint8Array[],
  length: number,
): string {
  const inner = Buffer.allocUnsafe(BLOCK_BYTES + length);
  const outer = Buffer.allocUnsafe(BLOCK_BYTES + 32);
  for (let i = 0; i < BLOCK_BYTES; i++) {
    const byte = key[i] ?? 0;
    inner[i] = byte ^ 0x36;
    outer[i] = byte ^ 0x5c;
  }
  let at = BLOCK_BYTES;
  for (const part of parts) {
    inner.set(part, at);
    at += part.length;
  }
  outer.write(digest("sha256", inner, "binary"), BLOCK_BYTES, "latin1");
  const mac = digest("sha256", outer, "hex");
  // Both begin with the key in disguise and lie in memory that others will be given.
  inner.fill(0, 0, BLOCK_BYTES);
  outer.fill(0, 0, BLOCK_BYTES);
  return mac;
}
