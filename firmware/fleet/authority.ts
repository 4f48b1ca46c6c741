/** The operator keys a device obeys (trust.md 4): a list with a version that only grows. */
import { CodedError } from "../core/errors.ts";
import { isJsonObject, type Json } from "../core/json.ts";
import type { KeyRecord } from "../core/key-record.ts";
import { readKeyRecord } from "../core/key-record-read.ts";
import { FILE_LIMITS } from "../core/limits.ts";
import { parseJson } from "../core/parse-json.ts";
import type { Files } from "../ports/files.ts";

export interface Authority {
  readonly schema: "imu.authority/1";
  readonly version: number;
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly fleet: string;
  readonly keys: ReadonlyMap<string, KeyRecord>;
}

const MEMBERS = "expiresAt,fleet,issuedAt,keys,schema,version";

const isCount = (value: Json | undefined): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0;

function malformed(at: string): never {
  throw new CodedError("malformed", `The authority list is malformed at ${at}.`, {
    status: 400,
    details: { at },
  });
}

/** @throws CodedError `malformed`, `wrong_fleet`, `key_id_mismatch`, `duplicate_key_material`, `algorithm_mismatch`. */
export function readAuthority(bytes: Uint8Array, fleet: string): Authority {
  const value = parseJson(bytes, { maxBytes: FILE_LIMITS.authorityBytes, maxDepth: FILE_LIMITS.listDepth });
  if (!isJsonObject(value) || Object.keys(value).sort().join() !== MEMBERS) return malformed("/");
  const { version, issuedAt, expiresAt } = value;
  if (value.schema !== "imu.authority/1") return malformed("/schema");
  if (!isCount(version)) return malformed("/version");
  if (!isCount(issuedAt) || !isCount(expiresAt)) return malformed("/issuedAt");
  if (value.fleet !== fleet) {
    throw new CodedError("wrong_fleet", "The authority list is of another fleet.", { status: 403 });
  }
  if (!Array.isArray(value.keys) || value.keys.length > FILE_LIMITS.authorityKeys) return malformed("/keys");
  const keys = new Map<string, KeyRecord>();
  for (const [index, item] of value.keys.entries()) {
    const key = readKeyRecord(item, `/keys/${index}`);
    // The id is the hash of the public key, so one id twice is one key twice.
    if (keys.has(key.keyId)) {
      throw new CodedError("duplicate_key_material", `The key at /keys/${index} is listed twice.`, {
        status: 422,
        details: { keyId: key.keyId },
      });
    }
    keys.set(key.keyId, key);
  }
  return { schema: "imu.authority/1", version, issuedAt, expiresAt, fleet, keys };
}

/** @throws CodedError `list_rollback` (409) when the candidate is older than what was accepted before. */
export function assertNotOlder(
  acceptedVersion: number | null,
  candidate: { readonly version: number },
): void {
  if (acceptedVersion !== null && candidate.version < acceptedVersion) {
    throw new CodedError("list_rollback", "The list is older than the one accepted before.", {
      status: 409,
      details: { accepted: acceptedVersion, offered: candidate.version },
    });
  }
}

/**
 * Reads the local list.
 * @param acceptedVersion version accepted by an earlier life, null if none.
 * @throws CodedError as `readAuthority`, `list_rollback`, `not_found`, `too_large`.
 */
export async function loadAuthority(
  files: Files,
  path: string,
  fleet: string,
  acceptedVersion: number | null,
): Promise<Authority> {
  const authority = readAuthority(await files.read(path, FILE_LIMITS.authorityBytes), fleet);
  assertNotOlder(acceptedVersion, authority);
  return authority;
}
