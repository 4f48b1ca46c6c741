/** SHA-256 and HMAC behind one module; on the device OpenSSL through `node:crypto` is the fastest correct choice. */
import { createHash, createHmac } from "node:crypto";
import { jcs } from "./canonical-json.ts";

export const ZERO_HASH = "0".repeat(64);

/** 32 raw bytes. */
export const sha256 = (...parts: readonly Uint8Array[]): Uint8Array => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};

/** 64 lower-case hex characters. */
export const sha256Hex = (bytes: Uint8Array | string): string =>
  createHash("sha256").update(bytes).digest("hex");

/** H(JCS(value)), the identity of every document in this project. @throws CodedError `not_canonical`. */
export const hashJson = (value: unknown): string => sha256Hex(jcs(value));

/** HMAC-SHA256, 64 lower-case hex characters. Local sealing only; statements of others use Ed25519. */
export function hmacSha256Hex(key: Uint8Array, ...parts: readonly Uint8Array[]): string {
  const mac = createHmac("sha256", key);
  for (const part of parts) mac.update(part);
  return mac.digest("hex");
}
