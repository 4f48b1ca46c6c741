/** The signed statement that offers a bundle to devices (trust.md 3, 5): the only thing an update is believed for. */

import { type DsseEnvelope, readEnvelope } from "../../firmware/core/dsse.ts";
import { checkSignatures, verifyEnvelope } from "../../firmware/core/dsse-verify.ts";
import { CodedError, type Refusal, refusal } from "../../firmware/core/errors.ts";
import { isJsonObject, type Json } from "../../firmware/core/json.ts";
import type { KeyRecord } from "../../firmware/core/key-record.ts";
import { keyProblem } from "../../firmware/core/key-use.ts";
import { RELEASE_LIMITS } from "../../firmware/core/limits.ts";
import { parseJson } from "../../firmware/core/parse-json.ts";
import { judgeQuorum } from "../trust/quorum.ts";
import { hasMembers, isNotes, isReleaseId, isTime, MAX_BUNDLE_BYTES } from "./bundle.ts";

export const RELEASE_TYPE = "application/vnd.imu.release+json";
export const STATEMENT_SCHEMA = "imu.release/1";
/** The envelope: payload of 64 KiB in base64 and 16 signatures. */
export const MAX_STATEMENT_BYTES = RELEASE_LIMITS.statementBytes;

export type ReleaseAudience =
  | "*"
  | { readonly devices: readonly string[]; readonly groups: readonly string[] };

export interface ReleaseStatement {
  readonly schema: typeof STATEMENT_SCHEMA;
  readonly fleet: string;
  readonly audience: ReleaseAudience;
  readonly releaseId: string;
  readonly version: number;
  /** SHA-256 in hex and length in bytes of the bundle. */
  readonly bundle: { readonly sha256: string; readonly length: number };
  readonly policyHash: string;
  /** Wall ms. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  /**
   * What the signers know to be different: live gates that judge the state before the change, and
   * `output_changed:<program>` or `unrecorded:<program>` for programs that are meant to behave otherwise.
   */
  readonly repairs: readonly string[];
  readonly notes: string;
}

const MEMBERS = [
  "audience",
  "bundle",
  "expiresAt",
  "fleet",
  "issuedAt",
  "notes",
  "policyHash",
  "releaseId",
  "repairs",
  "schema",
  "version",
];
const HASH = /^[0-9a-f]{64}$/;
const REPAIR = /^[a-z][a-z0-9_]{0,63}(:[a-z][a-z0-9._-]{0,63})?$/;

const malformed = (at: string): Refusal => refusal("malformed", 400, { at });
const isHash = (value: unknown): value is string => typeof value === "string" && HASH.test(value);

function texts(value: Json | undefined, pattern: RegExp): readonly string[] | null {
  if (!Array.isArray(value) || value.length > RELEASE_LIMITS.listed) return null;
  const list: readonly Json[] = value;
  const found = list.filter((item) => typeof item === "string" && pattern.test(item));
  return found.length === list.length ? found.map(String) : null;
}

function audienceOf(value: Json | undefined): ReleaseAudience | null {
  if (value === "*") return "*";
  if (!isJsonObject(value) || !hasMembers(value, ["devices", "groups"])) return null;
  const devices = texts(value.devices, /^[a-z0-9][a-z0-9._-]{0,63}$/);
  const groups = texts(value.groups, /^[a-z0-9][a-z0-9._-]{0,63}$/);
  return devices && groups ? { devices, groups } : null;
}

function bundleOf(value: Json | undefined): ReleaseStatement["bundle"] | null {
  if (!isJsonObject(value) || !hasMembers(value, ["length", "sha256"])) return null;
  const { sha256, length } = value;
  return isHash(sha256) && isTime(length) && length > 0 ? { sha256, length } : null;
}

/** Strict: every member of the type and none other. */
export function readStatement(
  value: Json,
): { readonly ok: true; readonly statement: ReleaseStatement } | Refusal {
  if (!isJsonObject(value) || !hasMembers(value, MEMBERS)) return malformed("/");
  const { schema, fleet, releaseId, version, policyHash, issuedAt, expiresAt, notes } = value;
  if (schema !== STATEMENT_SCHEMA) return malformed("/schema");
  if (typeof fleet !== "string" || !isReleaseId(fleet)) return malformed("/fleet");
  if (!isReleaseId(releaseId)) return malformed("/releaseId");
  if (!isTime(version) || version < 1) return malformed("/version");
  if (!isHash(policyHash)) return malformed("/policyHash");
  if (!isTime(issuedAt)) return malformed("/issuedAt");
  if (!isTime(expiresAt) || expiresAt < issuedAt) return malformed("/expiresAt");
  if (!isNotes(notes)) return malformed("/notes");
  const audience = audienceOf(value.audience);
  if (!audience) return malformed("/audience");
  const bundle = bundleOf(value.bundle);
  if (!bundle) return malformed("/bundle");
  const repairs = texts(value.repairs, REPAIR);
  if (!repairs) return malformed("/repairs");
  const rest = {
    fleet,
    audience,
    releaseId,
    version,
    bundle,
    policyHash,
    issuedAt,
    expiresAt,
    repairs,
    notes,
  };
  return { ok: true, statement: { schema: STATEMENT_SCHEMA, ...rest } };
}

export interface StatementContext {
  readonly keys: ReadonlyMap<string, KeyRecord>;
  /** Distinct signers that the policy in force demands. */
  readonly k: number;
  /** Trusted wall ms. */
  readonly now: number;
  readonly fleet: string;
  readonly device: string;
  readonly groups: readonly string[];
}

export interface VerifiedStatement {
  readonly ok: true;
  readonly statement: ReleaseStatement;
  readonly signers: readonly string[];
}

/** A key speaks to a device by its id or one of its groups. */
function keyReaches(key: KeyRecord, device: string, groups: readonly string[]): boolean {
  if (key.audience === "*") return true;
  return key.audience.includes(device) || groups.some((group) => key.audience.includes(`group:${group}`));
}

function isAddressed({ audience }: ReleaseStatement, device: string, groups: readonly string[]): boolean {
  if (audience === "*") return true;
  return audience.devices.includes(device) || groups.some((group) => audience.groups.includes(group));
}

function parse(bytes: Uint8Array): { readonly ok: true; readonly value: Json } | Refusal {
  try {
    return {
      ok: true,
      value: parseJson(bytes, { maxBytes: MAX_STATEMENT_BYTES, maxDepth: RELEASE_LIMITS.envelopeDepth }),
    };
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return refusal("malformed", 400, error.details);
  }
}

/** k distinct signers; with none at all the reason of the signature itself is answered. */
function quorumRefusal(
  envelope: DsseEnvelope,
  payload: Uint8Array,
  context: StatementContext,
): Refusal | null {
  const { keys, k, now } = context;
  const signatures = checkSignatures(envelope, payload, keys);
  const quorum = judgeQuorum({ signatures, keys, k, now, scope: "deploy" });
  return quorum.ok ? null : quorum;
}

/**
 * Verifies an offer: size, envelope, type, every signature, k distinct signers with scope `deploy`, canonical form,
 * schema, fleet, audience, expiry. Codes: `malformed`, `payload_type_mismatch`, `missing_signature`, `unknown_key`,
 * `bad_signature`, `key_*`, `scope_missing`, `wrong_audience`, `quorum_misconfigured`, `quorum_not_met`,
 * `payload_not_canonical`, `wrong_fleet`, `target_too_large`, `expired`.
 */
export function verifyStatement(bytes: Uint8Array, context: StatementContext): VerifiedStatement | Refusal {
  const parsed = parse(bytes);
  if (!parsed.ok) return parsed;
  const { value } = parsed;
  const { keys, now, device, groups } = context;
  const usable = (key: KeyRecord): string | null =>
    keyProblem(key, { purpose: "now", now }) ??
    (!key.scopes.includes("deploy")
      ? "scope_missing"
      : keyReaches(key, device, groups)
        ? null
        : "wrong_audience");
  const first = verifyEnvelope(value, {
    expectedType: RELEASE_TYPE,
    keys,
    usable,
    maxPayloadBytes: RELEASE_LIMITS.payloadBytes,
  });
  if (!first.ok) return first;
  const reachable = new Map([...keys].filter(([, key]) => keyReaches(key, device, groups)));
  const envelope = readEnvelope(value);
  if (!envelope) return malformed("/");
  const short = quorumRefusal(envelope, first.payload, { ...context, keys: reachable });
  if (short) return short;
  const read = readStatement(first.statement);
  if (!read.ok) return read;
  const { statement } = read;
  if (statement.fleet !== context.fleet) return refusal("wrong_fleet", 403, { fleet: statement.fleet });
  if (!isAddressed(statement, device, groups)) return refusal("wrong_audience", 403, { device });
  if (statement.bundle.length > MAX_BUNDLE_BYTES) {
    return refusal("target_too_large", 412, { length: statement.bundle.length, limit: MAX_BUNDLE_BYTES });
  }
  if (now > statement.expiresAt) return refusal("expired", 412, { expiresAt: statement.expiresAt, now });
  return { ok: true, statement, signers: first.signers.map(({ keyId }) => keyId) };
}
