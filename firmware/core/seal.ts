/** Sealing of local data (trust.md 9): HKDF-SHA256 per purpose, AES-256-GCM bound to the place where the object lies. */
import { createCipheriv, createDecipheriv, hkdfSync } from "node:crypto";
import { concat, utf8 } from "./bytes.ts";
import { jcs } from "./canonical-json.ts";
import { decodeCbor, encodeCbor } from "./cbor.ts";
import { CodedError } from "./errors.ts";
import { sha256Hex } from "./hash.ts";
import { isJsonObject } from "./json.ts";

const SALT = "imu.seal/1";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export interface SealKey {
  /** First 16 hex digits of SHA-256 of the derived key. */
  readonly kid: string;
  /** 32 bytes. */
  readonly key: Uint8Array;
}

/** Where a sealed object lies; moved elsewhere it does not open. */
export interface SealPlace {
  readonly sublevel: string;
  readonly key: string;
}

/** @throws CodedError `key_malformed` unless the master has 32 bytes. */
export function deriveSealKey(master: Uint8Array, purpose: string, subject: string): SealKey {
  if (master.length !== 32) throw new CodedError("key_malformed", "A master key has 32 bytes.");
  const key = new Uint8Array(hkdfSync("sha256", master, utf8(SALT), jcs({ purpose, subject }), 32));
  return { kid: sha256Hex(key).slice(0, 16), key };
}

/** The authenticated but not encrypted part. */
export const sealAad = (place: SealPlace): Uint8Array => jcs([SALT, place.sublevel, place.key]);

/** @param nonce 12 bytes from the operating system, never used twice with one key. */
export function seal(key: SealKey, place: SealPlace, nonce: Uint8Array, plain: Uint8Array): Uint8Array {
  const { cipher, tag } = sealParts(key, place, nonce, plain);
  return encodeCbor({ v: 1, kid: key.kid, n: nonce, c: cipher, t: tag });
}

/** The parts of a sealed object. @throws CodedError `key_malformed` for a nonce that has not 12 bytes. */
export function sealParts(
  key: SealKey,
  place: SealPlace,
  nonce: Uint8Array,
  plain: Uint8Array,
): { readonly cipher: Uint8Array; readonly tag: Uint8Array } {
  if (nonce.length !== NONCE_BYTES) throw new CodedError("key_malformed", "A sealing nonce has 12 bytes.");
  const gcm = createCipheriv("aes-256-gcm", key.key, nonce, { authTagLength: TAG_BYTES });
  gcm.setAAD(sealAad(place));
  const cipher = concat(gcm.update(plain), gcm.final());
  return { cipher, tag: new Uint8Array(gcm.getAuthTag()) };
}

const isBytes = (value: unknown, length?: number): value is Uint8Array =>
  value instanceof Uint8Array && (length === undefined || value.length === length);

/**
 * Opens what `seal` wrote. A damaged object is never taken for an absent one.
 * @throws CodedError `seal_unknown_key`, `seal_bad_tag`.
 */
export function unseal(keys: readonly SealKey[], place: SealPlace, sealed: Uint8Array): Uint8Array {
  let value: unknown;
  try {
    value = decodeCbor(sealed);
  } catch (cause) {
    throw new CodedError("seal_bad_tag", "A sealed object is damaged.", { cause });
  }
  const { v, kid, n, c, t } = isJsonObject(value) ? (value as Readonly<Record<string, unknown>>) : {};
  if (v !== 1 || !isBytes(n, NONCE_BYTES) || !isBytes(c) || !isBytes(t, TAG_BYTES)) {
    throw new CodedError("seal_bad_tag", "A sealed object is damaged.");
  }
  const key = keys.find((candidate) => candidate.kid === kid);
  if (!key) throw new CodedError("seal_unknown_key", "The object was sealed under a key that is not here.");
  const gcm = createDecipheriv("aes-256-gcm", key.key, n, { authTagLength: TAG_BYTES });
  gcm.setAAD(sealAad(place));
  gcm.setAuthTag(t);
  try {
    return concat(gcm.update(c), gcm.final());
  } catch (cause) {
    throw new CodedError("seal_bad_tag", "A sealed object is damaged or lies in another place.", { cause });
  }
}
