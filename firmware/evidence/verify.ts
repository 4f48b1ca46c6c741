/** Re-checks a stored record from its bytes at every use (evidence.md 1). */
import { equalConstantTime, utf8 } from "../core/bytes.ts";
import { jcs } from "../core/canonical-json.ts";
import { CodedError } from "../core/errors.ts";
import { sha256Hex } from "../core/hash.ts";
import { type Failed, failed } from "./check.ts";
import { type SealKeys, sealMacOf } from "./envelope.ts";
import { type Instant, isFuture, MAX_SKEW_MS, rawAge } from "./freshness.ts";
import { meetsTrust } from "./trust.ts";
import type { EvidenceBody } from "./types.ts";

/** A record as it came out of the store; the seal may be missing. */
export interface StoredRecord {
  readonly id: string;
  readonly body: EvidenceBody;
  readonly seal: { readonly kid: string; readonly mac: string } | null;
}

export type VerifyResult = { readonly ok: true } | Failed;

/** Canonical bytes of something that may have none; then it equals no digest. */
function canonicalOrNull(value: unknown): Uint8Array | null {
  try {
    return jcs(value);
  } catch (error) {
    if (error instanceof CodedError && error.code === "not_canonical") return null;
    throw error;
  }
}

/**
 * Hashes and seal only. `blob` holds the payload bytes of a record without inline payload. Reasons in order:
 * missing_meta, missing_object, digest_mismatch, id_mismatch, missing_seal, unknown_key, key_revoked,
 * bad_seal.
 */
export function verifyIntegrity(
  record: StoredRecord | null,
  blob: Uint8Array | undefined,
  keys: SealKeys,
): VerifyResult {
  if (record === null) return failed("missing_meta");
  const { body, seal } = record;
  const inline = Object.hasOwn(body, "payload");
  if (!inline && blob === undefined) return failed("missing_object", { sha256: body.sha256 });
  const content = inline ? canonicalOrNull(body.payload) : blob;
  if (!content || sha256Hex(content) !== body.sha256) return failed("digest_mismatch", { id: record.id });
  const bytes = canonicalOrNull(body);
  if (!bytes || sha256Hex(bytes) !== record.id) return failed("id_mismatch", { id: record.id });
  if (!seal) return failed("missing_seal", { id: record.id });
  const key = keys(seal.kid);
  if (!key) return failed("unknown_key", { kid: seal.kid });
  if (key.revoked) return failed("key_revoked", { kid: seal.kid });
  if (!equalConstantTime(utf8(sealMacOf(key.key, bytes)), utf8(seal.mac))) {
    return failed("bad_seal", { id: record.id });
  }
  return { ok: true };
}

/**
 * The whole check: integrity, then `future`, `expired`, `trust_below_threshold` (stored trust, before
 * decay).
 */
export function verifyEvidence(
  record: StoredRecord | null,
  blob: Uint8Array | undefined,
  keys: SealKeys,
  options: { readonly minTrust: number; readonly now: Instant; readonly maxSkewMs?: number },
): VerifyResult {
  const integrity = verifyIntegrity(record, blob, keys);
  if (!integrity.ok || record === null) return integrity;
  const { id, body } = record;
  const age = rawAge(body, options.now);
  if (isFuture(age, options.maxSkewMs ?? MAX_SKEW_MS)) return failed("future", { id });
  if (age > body.ttlMs) return failed("expired", { id });
  return meetsTrust(body.trust, options.minTrust) ? { ok: true } : failed("trust_below_threshold", { id });
}

/** Fields of evidence as a peer or program presents them; `seal` is the MAC. */
export interface PresentedEvidence {
  readonly id: string;
  readonly ts: number;
  readonly trust: number;
  readonly seal: string;
  readonly source: string;
}

/** The held record is believed, the presented one only compared. */
export function compareHeld(
  presented: PresentedEvidence,
  held: (id: string) => PresentedEvidence | undefined,
): VerifyResult {
  const { id } = presented;
  const mine = held(id);
  if (!mine) return failed("evidence_not_found", { id });
  if (presented.ts !== mine.ts) return failed("evidence_ts_mismatch", { id });
  if (!(Math.abs(presented.trust - mine.trust) <= 1e-9)) return failed("evidence_trust_mismatch", { id });
  if (!equalConstantTime(utf8(presented.seal), utf8(mine.seal))) {
    return failed("evidence_seal_mismatch", { id });
  }
  return presented.source === mine.source ? { ok: true } : failed("evidence_source_mismatch", { id });
}
