/** Strict reading of key records out of a signed list (trust.md 2). */
import { CodedError } from "./errors.ts";
import { isJsonObject, type Json } from "./json.ts";
import { type KeyRecord, keyIdOf, SCOPES, type Scope } from "./key-record.ts";

const MEMBERS =
  "alg,audience,expiresAt,keyId,notBefore,owner,publicKey,reason,retiredAt,revokedAt,scopes,status";

const isTime = (value: Json | undefined): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
const isTimeOrNull = (value: Json | undefined): value is number | null => value === null || isTime(value);
const isText = (value: Json | undefined, max: number): value is string =>
  typeof value === "string" && value.length > 0 && value.length <= max;

function malformed(at: string): never {
  throw new CodedError("malformed", `The list is malformed at ${at}.`, { status: 400, details: { at } });
}

function scopesOf(value: Json | undefined, at: string): Scope[] {
  if (!Array.isArray(value) || value.length > SCOPES.length) return malformed(at);
  return value.map((name) => SCOPES.find((scope) => scope === name) ?? malformed(at));
}

function audienceOf(value: Json | undefined, at: string): "*" | readonly string[] {
  if (value === "*") return "*";
  if (!Array.isArray(value) || value.length > 1024) return malformed(at);
  return value.map((name) => (isText(name, 128) ? name : malformed(at)));
}

/** @throws CodedError `malformed` {at}, `algorithm_mismatch`, `key_id_mismatch`. */
export function readKeyRecord(value: Json | undefined, at: string): KeyRecord {
  if (!isJsonObject(value) || Object.keys(value).sort().join() !== MEMBERS) return malformed(at);
  const { keyId, publicKey, owner, notBefore, expiresAt, status, retiredAt, revokedAt, reason } = value;
  if (value.alg !== "ed25519") {
    throw new CodedError("algorithm_mismatch", "Keys from outside are Ed25519.", { status: 403 });
  }
  if (typeof publicKey !== "string" || !/^[0-9a-f]{64}$/.test(publicKey)) return malformed(`${at}/publicKey`);
  if (keyId !== keyIdOf(publicKey)) {
    throw new CodedError("key_id_mismatch", `The key id at ${at} is not that of its public key.`, {
      status: 422,
      details: { at, expected: keyIdOf(publicKey) },
    });
  }
  if (!isText(owner, 128)) return malformed(`${at}/owner`);
  if (!isTime(notBefore) || !isTime(expiresAt)) return malformed(`${at}/notBefore`);
  if (status !== "active" && status !== "retired" && status !== "revoked") return malformed(`${at}/status`);
  // A key may be revoked after it was retired, so a revoked one may carry both times.
  if (!isTimeOrNull(retiredAt) || (status !== "revoked" && (status === "retired") !== (retiredAt !== null))) {
    return malformed(`${at}/retiredAt`);
  }
  if (!isTimeOrNull(revokedAt) || (status === "revoked") !== (revokedAt !== null)) {
    return malformed(`${at}/revokedAt`);
  }
  if (reason !== null && !isText(reason, 256)) return malformed(`${at}/reason`);
  return {
    keyId,
    publicKey,
    alg: "ed25519",
    owner,
    scopes: scopesOf(value.scopes, `${at}/scopes`),
    audience: audienceOf(value.audience, `${at}/audience`),
    notBefore,
    expiresAt,
    status,
    retiredAt,
    revokedAt,
    reason,
  };
}
