/** The evidence envelope: identity, seal and storage form (evidence.md 1). */
import { utf8 } from "../core/bytes.ts";
import { canonicalize, jcs } from "../core/canonical-json.ts";
import { decodeCbor, encodeCbor } from "../core/cbor.ts";
import { hmacSha256Hex, sha256Hex } from "../core/hash.ts";
import { isJsonObject, type Json } from "../core/json.ts";
import { EVIDENCE_LIMITS } from "../core/limits.ts";
import { parseSource } from "./source.ts";
import type { Evidence, EvidenceBody } from "./types.ts";

/** The device's sealing key; HMAC-SHA256, never used for statements of others. */
export interface Sealer {
  readonly kid: string;
  readonly key: Uint8Array;
}

export interface SealKey {
  readonly key: Uint8Array;
  readonly revoked: boolean;
}
export type SealKeys = (kid: string) => SealKey | undefined;

/** The keys of a device that has only this one. */
export const sealsOf =
  ({ kid, key }: Sealer): SealKeys =>
  (asked) =>
    asked === kid ? { key, revoked: false } : undefined;

export const MAX_PARENTS = EVIDENCE_LIMITS.parents;
const DOMAIN = utf8("imu.evidence.v1\n");

/** H(JCS(body)). @throws CodedError `not_canonical`. */
export const evidenceId = (body: EvidenceBody): string => sha256Hex(jcs(body));

/** HMAC over the domain line and JCS(body): every field is covered. @throws CodedError `not_canonical`. */
export const sealMac = (key: Uint8Array, body: EvidenceBody): string => sealMacOf(key, jcs(body));

/** The same over the canonical bytes of a body. */
export const sealMacOf = (key: Uint8Array, canonicalBody: Uint8Array): string =>
  hmacSha256Hex(key, DOMAIN, canonicalBody);

/**
 * JCS(body), put together from its members in their order. A record is sealed for nearly everything a run does, and the
 * text of its payload has been written already for the payload's own digest.
 * @param payload the canonical text of `body.payload`; null where the body has none.
 * @throws CodedError `not_canonical`.
 */
function bodyText(body: EvidenceBody, payload: string | null): string {
  return (
    `{"bootId":${canonicalize(body.bootId)},"deviceId":${canonicalize(body.deviceId)},` +
    `"kind":${canonicalize(body.kind)},"monoMs":${canonicalize(body.monoMs)},` +
    `"parents":${canonicalize(body.parents)},${payload === null ? "" : `"payload":${payload},`}` +
    `"policyHash":${canonicalize(body.policyHash)},"runId":${canonicalize(body.runId)},` +
    `"seq":${canonicalize(body.seq)},"sha256":${canonicalize(body.sha256)},` +
    `"source":${canonicalize(body.source)},"subject":${canonicalize(body.subject)},` +
    `"trust":${canonicalize(body.trust)},"ts":${canonicalize(body.ts)},` +
    `"ttlMs":${canonicalize(body.ttlMs)},"v":${canonicalize(body.v)}}`
  );
}

function sealed(body: EvidenceBody, bytes: Uint8Array, sealer: Sealer): Evidence {
  return Object.freeze({
    id: sha256Hex(bytes),
    body: Object.freeze(body),
    seal: Object.freeze({ kid: sealer.kid, mac: sealMacOf(sealer.key, bytes) }),
  });
}

/** @throws CodedError `not_canonical`. */
export const sealEvidence = (body: EvidenceBody, sealer: Sealer): Evidence => sealed(body, jcs(body), sealer);

/** The same for a body whose payload has been canonicalised before. @throws CodedError `not_canonical`. */
export const sealWritten = (body: EvidenceBody, payload: string | null, sealer: Sealer): Evidence =>
  sealed(body, utf8(bodyText(body, payload)), sealer);

const HEX64 = /^[0-9a-f]{64}$/;
const HEX16 = /^[0-9a-f]{16}$/;
const KIND = /^[a-z][a-z0-9_]{0,63}$/;
const MEMBERS = new Set(
  (
    "v kind source deviceId subject runId seq ts bootId monoMs ttlMs trust sha256 payload " +
    "parents policyHash"
  ).split(" "),
);

const text = (x: unknown, max: number): x is string => typeof x === "string" && x !== "" && x.length <= max;
const whole = (x: unknown): x is number => Number.isSafeInteger(x);
const natural = (x: unknown): x is number => whole(x) && x >= 0;

/** True only for a body with exactly the members of the specification, all of the right kind and range. */
export function isEvidenceBody(value: unknown): value is EvidenceBody {
  if (!isJsonObject(value) || Object.keys(value).some((key) => !MEMBERS.has(key))) return false;
  const b: Readonly<Record<string, unknown>> = value;
  return (
    b.v === 1 &&
    typeof b.kind === "string" &&
    KIND.test(b.kind) &&
    typeof b.source === "string" &&
    parseSource(b.source) !== null &&
    text(b.deviceId, 256) &&
    text(b.subject, 256) &&
    (b.runId === null || text(b.runId, 256)) &&
    natural(b.seq) &&
    whole(b.ts) &&
    typeof b.bootId === "string" &&
    HEX16.test(b.bootId) &&
    typeof b.monoMs === "number" &&
    Number.isFinite(b.monoMs) &&
    natural(b.ttlMs) &&
    typeof b.trust === "number" &&
    b.trust >= 0 &&
    b.trust <= 1 &&
    typeof b.sha256 === "string" &&
    HEX64.test(b.sha256) &&
    (b.payload !== undefined) === Object.hasOwn(b, "payload") &&
    Array.isArray(b.parents) &&
    b.parents.length <= MAX_PARENTS &&
    b.parents.every((id) => typeof id === "string" && HEX64.test(id)) &&
    typeof b.policyHash === "string"
  );
}

/**
 * Shape check of something from the store or from outside; null if it is not an envelope. Hashes are not
 * checked.
 */
export function readEvidence(value: unknown): Evidence | null {
  if (!isJsonObject(value)) return null;
  const { id, body, seal }: Readonly<Record<string, Json | undefined>> = value;
  if (typeof id !== "string" || !HEX64.test(id) || !isEvidenceBody(body) || !isJsonObject(seal)) return null;
  const { kid, mac } = seal;
  if (typeof kid !== "string" || typeof mac !== "string" || !HEX64.test(mac)) return null;
  return { id, body, seal: { kid, mac } };
}

export const encodeEvidence = (evidence: Evidence): Uint8Array => encodeCbor(evidence);

/** Null for bytes that are not an envelope. @throws CodedError `store_corrupt` if they are not CBOR. */
export const decodeEvidence = (bytes: Uint8Array): Evidence | null => readEvidence(decodeCbor(bytes));
