/** What an update carries: one policy, its programs, their sources and self-tests, in RFC 8785 form; the hash is its name. */
import { jcs } from "../../firmware/core/canonical-json.ts";
import { readCanonical } from "../../firmware/core/dsse-verify.ts";
import { type Refusal, refusal } from "../../firmware/core/errors.ts";
import { sha256Hex } from "../../firmware/core/hash.ts";
import { isJsonObject, type Json, type JsonObject } from "../../firmware/core/json.ts";
import { RELEASE_LIMITS } from "../../firmware/core/limits.ts";

export const BUNDLE_SCHEMA = "imu.release-bundle/1";
export const MAX_BUNDLE_BYTES = RELEASE_LIMITS.bundleBytes;
export const MAX_PROGRAMS = RELEASE_LIMITS.programs;
export const MAX_SELF_TESTS = RELEASE_LIMITS.selfTests;

/** One dry run that the new release must pass on the device before it may stay. */
export interface SelfTestEntry {
  readonly program: string;
  readonly payload: JsonObject;
  readonly expect: { readonly ended: "halted" | "responded"; readonly status: number };
}

export interface ReleaseBundle {
  readonly schema: typeof BUNDLE_SCHEMA;
  readonly releaseId: string;
  /** Grows with every release of a fleet. */
  readonly version: number;
  /** A document of `imu.policy/1`; judged by the policy compiler, not here. */
  readonly policy: JsonObject;
  /** Documents of `imu.program/1`; judged by the verifier, not here. */
  readonly programs: readonly JsonObject[];
  /** A list of `imu.sources/1`; judged by its reader, not here. Absent: the factory's rules. */
  readonly sources?: JsonObject;
  readonly selfTest: readonly SelfTestEntry[];
  /** Wall ms. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly notes: string;
}

const REQUIRED = ["expiresAt", "issuedAt", "notes", "policy", "programs", "releaseId", "schema", "version"];
const RELEASE_ID = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** Release ids: 1 to 64 of a-z, 0-9, dot, underscore, hyphen. */
export const isReleaseId = (value: unknown): value is string =>
  typeof value === "string" && RELEASE_ID.test(value);

export const isTime = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

export const isNotes = (value: unknown): value is string =>
  typeof value === "string" && value.length <= RELEASE_LIMITS.notes;

/** True if the object has all required members and none beyond the optional ones. */
export function hasMembers(
  value: JsonObject,
  required: readonly string[],
  optional: readonly string[] = [],
): boolean {
  const keys = Object.keys(value);
  return (
    required.every((name) => Object.hasOwn(value, name)) &&
    keys.every((key) => required.includes(key) || optional.includes(key))
  );
}

const malformed = (at: string): Refusal => refusal("malformed", 400, { at });

function selfTestOf(value: Json): SelfTestEntry | null {
  if (!isJsonObject(value) || !hasMembers(value, ["expect", "payload", "program"])) return null;
  const { program, payload, expect } = value;
  if (typeof program !== "string" || program.length > 64 || !isJsonObject(payload)) return null;
  if (!isJsonObject(expect) || !hasMembers(expect, ["ended", "status"])) return null;
  const { ended, status } = expect;
  if (ended !== "halted" && ended !== "responded") return null;
  if (!isTime(status) || status < 100 || status > 599) return null;
  return { program, payload, expect: { ended, status } };
}

function documents(value: Json | undefined): readonly JsonObject[] | null {
  if (!Array.isArray(value) || value.length > MAX_PROGRAMS) return null;
  const list: readonly Json[] = value;
  const found = list.filter(isJsonObject);
  const names = new Set(found.map(({ name }) => name));
  return found.length === list.length && names.size === found.length ? found : null;
}

function selfTests(value: Json | undefined): readonly SelfTestEntry[] | null {
  if (value === undefined) return [];
  if (!Array.isArray(value) || value.length > MAX_SELF_TESTS) return null;
  const found = value.map((item: Json) => selfTestOf(item));
  return found.every((entry) => entry !== null) ? found : null;
}

export type BundleResult = { readonly ok: true; readonly bundle: ReleaseBundle } | Refusal;

/**
 * Reads a bundle of unknown origin. Refusals: `target_too_large` (412), `payload_not_canonical`, `malformed` {at} (400).
 * Unknown members are refused, programs of one name twice too.
 */
export function readBundle(bytes: Uint8Array): BundleResult {
  if (bytes.length > MAX_BUNDLE_BYTES) {
    return refusal("target_too_large", 412, { length: bytes.length, limit: MAX_BUNDLE_BYTES });
  }
  const read = readCanonical(bytes, MAX_BUNDLE_BYTES);
  if (!read.ok) return read;
  const { value } = read;
  if (!isJsonObject(value) || !hasMembers(value, REQUIRED, ["selfTest", "sources"])) return malformed("/");
  const { schema, releaseId, version, policy, sources, issuedAt, expiresAt, notes } = value;
  if (schema !== BUNDLE_SCHEMA) return malformed("/schema");
  if (!isReleaseId(releaseId)) return malformed("/releaseId");
  if (!isTime(version) || version < 1) return malformed("/version");
  if (policy === undefined || !isJsonObject(policy)) return malformed("/policy");
  if (!isTime(issuedAt)) return malformed("/issuedAt");
  if (!isTime(expiresAt) || expiresAt < issuedAt) return malformed("/expiresAt");
  if (!isNotes(notes)) return malformed("/notes");
  const programs = documents(value.programs);
  if (!programs) return malformed("/programs");
  const selfTest = selfTests(value.selfTest);
  if (!selfTest) return malformed("/selfTest");
  if (sources !== undefined && !isJsonObject(sources)) return malformed("/sources");
  const bundle = { schema, releaseId, version, policy, programs, selfTest, issuedAt, expiresAt, notes };
  const listed = sources === undefined ? {} : { sources };
  return { ok: true, bundle: { ...bundle, ...listed, schema: BUNDLE_SCHEMA } };
}

/** The canonical bytes of a bundle. @throws CodedError `not_canonical`. */
export function bundleBytes(bundle: Omit<ReleaseBundle, "schema">): Uint8Array {
  const { selfTest, ...rest } = bundle;
  return jcs({ ...rest, schema: BUNDLE_SCHEMA, ...(selfTest.length > 0 ? { selfTest } : {}) });
}

/** The name of a release: SHA-256 of its bundle's bytes. */
export const releaseHash = (bytes: Uint8Array): string => sha256Hex(bytes);
