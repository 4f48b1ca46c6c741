/** Ed25519 (RFC 8032) through `node:crypto`, over raw 32-byte keys. */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";
import { concat, fromHex, toHex } from "./bytes.ts";
import { CodedError } from "./errors.ts";
import { DSSE_LIMITS } from "./limits.ts";

const SPKI_PREFIX = fromHex("302a300506032b6570032100");
const PKCS8_PREFIX = fromHex("302e020100300506032b657004220420");

export interface Ed25519KeyPair {
  /** 32 bytes, RFC 8032 private key ("seed"). */
  readonly seed: Uint8Array;
  /** 32 bytes, lower-case hex. */
  readonly publicKeyHex: string;
  sign(message: Uint8Array): Uint8Array;
}

function privateKeyObject(seed: Uint8Array): KeyObject {
  if (seed.length !== 32) throw new CodedError("key_malformed", "An Ed25519 private key has 32 bytes.");
  return createPrivateKey({ key: Buffer.from(concat(PKCS8_PREFIX, seed)), format: "der", type: "pkcs8" });
}

/** @throws CodedError `key_malformed` unless the seed has 32 bytes. */
export function keyPairFromSeed(seed: Uint8Array): Ed25519KeyPair {
  const key = privateKeyObject(seed);
  const spki = createPublicKey(key).export({ format: "der", type: "spki" });
  const publicKeyHex = toHex(new Uint8Array(spki).subarray(SPKI_PREFIX.length));
  return { seed, publicKeyHex, sign: (message) => new Uint8Array(sign(null, message, key)) };
}

const publicKeys = new Map<string, KeyObject>();

function publicKeyObject(publicKeyHex: string): KeyObject {
  const known = publicKeys.get(publicKeyHex);
  if (known) return known;
  const raw = fromHex(publicKeyHex);
  if (raw.length !== 32) throw new CodedError("key_malformed", "An Ed25519 public key has 32 bytes.");
  const key = createPublicKey({ key: Buffer.from(concat(SPKI_PREFIX, raw)), format: "der", type: "spki" });
  if (publicKeys.size >= DSSE_LIMITS.keyCache) publicKeys.clear();
  publicKeys.set(publicKeyHex, key);
  return key;
}

/** False for a wrong signature, a signature of another length, and a malformed public key. */
export function verifyEd25519(publicKeyHex: string, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64) return false;
  try {
    return verify(null, message, publicKeyObject(publicKeyHex), signature);
  } catch (error) {
    if (error instanceof CodedError || (error as { code?: string }).code?.startsWith("ERR_")) return false;
    throw error;
  }
}

/** PKCS#8 PEM of a private key, the form in which key files are stored (trust.md 10). */
export const privateKeyPem = (pair: Ed25519KeyPair): string =>
  privateKeyObject(pair.seed).export({ format: "pem", type: "pkcs8" }).toString();

/** SPKI PEM of a public key. */
export const publicKeyPem = (publicKeyHex: string): string =>
  publicKeyObject(publicKeyHex).export({ format: "pem", type: "spki" }).toString();

function readPem(read: () => KeyObject): KeyObject {
  try {
    const key = read();
    if (key.asymmetricKeyType === "ed25519") return key;
  } catch (cause) {
    throw new CodedError("key_malformed", "The file is not a PEM key.", { cause });
  }
  throw new CodedError("key_malformed", "The file holds a key that is not Ed25519.");
}

/** @throws CodedError `key_malformed`. */
export function keyPairFromPem(pem: string): Ed25519KeyPair {
  const key = readPem(() => createPrivateKey(pem));
  const der = new Uint8Array(key.export({ format: "der", type: "pkcs8" }));
  return keyPairFromSeed(der.slice(-32));
}

/** 64 hex characters. @throws CodedError `key_malformed`. */
export function publicKeyFromPem(pem: string): string {
  const der = new Uint8Array(readPem(() => createPublicKey(pem)).export({ format: "der", type: "spki" }));
  return toHex(der.slice(-32));
}

/** A fresh key from the operating system's generator; only `init` and tests create keys. */
export function generateKeyPair(): Ed25519KeyPair {
  const { privateKey } = generateKeyPairSync("ed25519");
  return keyPairFromSeed(new Uint8Array(privateKey.export({ format: "der", type: "pkcs8" })).slice(-32));
}
