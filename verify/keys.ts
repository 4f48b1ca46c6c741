/** The keys a verifier is given, and Ed25519 through the WebCrypto of Node.js and browsers. */
import { concat, fromBase64, fromHex, sha256Hex, toHex } from "./bytes.ts";
import { refuse } from "./codes.ts";
import { LIMITS } from "./limits.ts";
import { type NoteKey, noteKey, parseVkey, TYPE_COSIGNATURE, TYPE_LOG } from "./notes.ts";

export type LogKey =
  | { readonly is: "vkey"; readonly key: NoteKey }
  /** A bare public key: the device is known by it, the name of its log is not. */
  | { readonly is: "bare"; readonly publicKey: Uint8Array; readonly device: string };

export interface Keys {
  readonly logs: readonly LogKey[];
  readonly witnesses: readonly NoteKey[];
}

const SPKI_ED25519 = "302a300506032b6570032100";

/** `imu-` and the first 16 hex digits of SHA-256 of the raw public key (trust.md 8). */
export const deviceOf = (publicKey: Uint8Array): string => `imu-${sha256Hex(publicKey).slice(0, 16)}`;

function rawKey(text: string): Uint8Array | null {
  if (/^[0-9a-f]{64}$/.test(text)) return fromHex(text);
  const [, body = ""] =
    /^-----BEGIN PUBLIC KEY-----\s([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----\s*$/.exec(text) ?? [];
  const der = fromBase64(body.replace(/\s/g, ""));
  if (der === null || der.length !== 44 || toHex(der.subarray(0, 12)) !== SPKI_ED25519) return null;
  return der.slice(12);
}

/** A device's key: vkey of its log, SPKI PEM, or 64 hex digits. @throws Refused `bad_key`. */
export function readLogKey(text: string): LogKey {
  const key = parseVkey(text.trim());
  if (key !== null && key.type === TYPE_LOG) return { is: "vkey", key };
  const publicKey = key === null ? rawKey(text.trim()) : null;
  if (publicKey === null) refuse("bad_key", { given: text.slice(0, 80) });
  return { is: "bare", publicKey, device: deviceOf(publicKey) };
}

/** A witness's vkey, type 0x04. @throws Refused `bad_key`. */
export function readWitnessKey(text: string): NoteKey {
  const key = parseVkey(text.trim());
  if (key === null || key.type !== TYPE_COSIGNATURE) refuse("bad_key", { given: text.slice(0, 80) });
  return key;
}

/** @throws Refused `bad_key`. */
export function readKeys(logs: readonly string[], witnesses: readonly string[]): Keys {
  if (logs.length + witnesses.length > LIMITS.keys) refuse("bad_key", { given: "too many keys" });
  return { logs: logs.map(readLogKey), witnesses: witnesses.map(readWitnessKey) };
}

/** The device that an origin `<authority>/<fleet>/<device>/<epoch>` names. */
export const deviceInOrigin = (origin: string): string => origin.split("/").at(-2) ?? "";

/** The given keys under the name of this log. A bare key speaks for the log of its own device only. */
export function keysFor(keys: Keys, origin: string): readonly NoteKey[] {
  return keys.logs.flatMap((given) => {
    if (given.is === "vkey") return given.key.name === origin ? [given.key] : [];
    return given.device === deviceInOrigin(origin) ? [noteKey(origin, TYPE_LOG, given.publicKey)] : [];
  });
}

/** How a report names a key. */
export const nameOf = ({ name, keyId }: NoteKey): string => `${name}+${keyId}`;

/** False for a wrong signature and for a point that is no key. */
export async function verifySignature(
  key: NoteKey,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  if (signature.length !== 64) return false;
  try {
    const point = await crypto.subtle.importKey("raw", concat(key.publicKey), "Ed25519", false, ["verify"]);
    return await crypto.subtle.verify("Ed25519", point, concat(signature), concat(message));
  } catch (error) {
    // DataError: the bytes are no point of the curve. A platform without Ed25519 is no verdict about the signature.
    if (error instanceof Error && error.name === "DataError") return false;
    throw error;
  }
}
