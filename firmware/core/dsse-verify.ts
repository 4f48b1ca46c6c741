/** Verification of envelopes (trust.md 5): every signature is looked at, distinct public keys are counted. */
import { fromBase64 } from "./bytes.ts";
import { canonicalize } from "./canonical-json.ts";
import { type DsseEnvelope, MAX_PAYLOAD_BYTES, pae, payloadBytes, readEnvelope } from "./dsse.ts";
import { verifyEd25519 } from "./ed25519.ts";
import { CodedError, type Refusal, refusal } from "./errors.ts";
import type { Json } from "./json.ts";
import { DSSE_LIMITS } from "./limits.ts";
import { parseJson } from "./parse-json.ts";

/** A signature after the cryptographic check. */
export interface CheckedSignature {
  readonly keyId: string;
  readonly valid: boolean;
  /** Named by the statement, if it names one at all; must then be the key record's. */
  readonly alg?: string;
}

export interface SignerKey {
  readonly publicKey: string;
  readonly alg?: "ed25519";
}

export interface SignatureCount<Key> {
  /** Distinct valid signers, by public key. */
  readonly signers: readonly { readonly keyId: string; readonly key: Key }[];
  /** Why each other signature does not count. */
  readonly reasons: readonly { readonly keyId: string; readonly code: string }[];
}

/** Counts distinct signers. `usable` gives the code that forbids a key's use, or null. */
export function countSigners<Key extends SignerKey>(
  signatures: readonly CheckedSignature[],
  keys: ReadonlyMap<string, Key>,
  usable: (key: Key) => string | null,
): SignatureCount<Key> {
  const signers: { keyId: string; key: Key }[] = [];
  const reasons: { keyId: string; code: string }[] = [];
  const seen = new Set<string>();
  for (const { keyId, valid, alg } of signatures) {
    const key = keys.get(keyId);
    const problem = !key
      ? "unknown_key"
      : alg !== undefined && alg !== (key.alg ?? "ed25519")
        ? "algorithm_mismatch"
        : (usable(key) ?? (!valid ? "bad_signature" : seen.has(key.publicKey) ? "duplicate_signer" : null));
    if (!key || problem !== null) {
      reasons.push({ keyId, code: problem ?? "unknown_key" });
      continue;
    }
    seen.add(key.publicKey);
    signers.push({ keyId, key });
  }
  return { signers, reasons };
}

/** The one code that answers too few signers: the reason of the first known key, never "not found" for altered bytes. */
export function thresholdRefusal(count: SignatureCount<unknown>, need: number): Refusal | null {
  const have = count.signers.length;
  if (have >= need) return null;
  if (have > 0) return refusal("threshold_not_met", 403, { need, have });
  if (count.reasons.length === 0) return refusal("missing_signature", 403);
  const known = count.reasons.find((reason) => reason.code !== "unknown_key");
  return refusal(known?.code ?? "unknown_key", 403, { keyId: (known ?? count.reasons[0])?.keyId ?? "" });
}

/** The cryptographic part alone; signatures of keys that are not in the map are not computed. */
export function checkSignatures(
  envelope: DsseEnvelope,
  payload: Uint8Array,
  keys: ReadonlyMap<string, SignerKey>,
): CheckedSignature[] {
  const message = pae(envelope.payloadType, payload);
  return envelope.signatures.map(({ keyid, sig }) => {
    const key = keys.get(keyid);
    return { keyId: keyid, valid: key !== undefined && verifyBase64(key.publicKey, message, sig) };
  });
}

function verifyBase64(publicKey: string, message: Uint8Array, sig: string): boolean {
  try {
    return verifyEd25519(publicKey, message, fromBase64(sig));
  } catch (error) {
    if (error instanceof CodedError) return false; // Not base64: as bad as any other wrong signature.
    throw error;
  }
}

/** The payload as JSON if it is exactly the RFC 8785 form of what it parses to, else the refusal. */
export function readCanonical(
  payload: Uint8Array,
  maxBytes: number,
): { readonly ok: true; readonly value: Json } | Refusal {
  let value: Json;
  try {
    value = parseJson(payload, { maxBytes, maxDepth: DSSE_LIMITS.payloadDepth });
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    const duplicate = error.details.problem === "duplicate_key";
    return refusal(duplicate ? "payload_not_canonical" : "malformed", 400, error.details);
  }
  let canonical: string;
  try {
    canonical = canonicalize(value);
  } catch (error) {
    if (error instanceof CodedError) return refusal("payload_not_canonical", 400);
    throw error;
  }
  return Buffer.from(canonical, "utf8").equals(payload)
    ? { ok: true, value }
    : refusal("payload_not_canonical", 400);
}

export interface VerifyOptions<Key extends SignerKey> {
  readonly expectedType: string;
  readonly keys: ReadonlyMap<string, Key>;
  /** Distinct signers needed, default 1. */
  readonly k?: number;
  /** Code that forbids a key's use, null if it may be used; default: every listed key may. */
  readonly usable?: (key: Key) => string | null;
  readonly maxPayloadBytes?: number;
}

export interface Verified<Key extends SignerKey> extends SignatureCount<Key> {
  readonly ok: true;
  readonly statement: Json;
  readonly payload: Uint8Array;
}

/**
 * Verifies something parsed from outside. Order and codes: `quorum_misconfigured`, `malformed`,
 * `payload_type_mismatch`, `missing_signature`, key and signature codes, `threshold_not_met`, `payload_not_canonical`.
 */
export function verifyEnvelope<Key extends SignerKey>(
  value: unknown,
  options: VerifyOptions<Key>,
): Verified<Key> | Refusal {
  const { expectedType, keys, k = 1, usable = () => null, maxPayloadBytes = MAX_PAYLOAD_BYTES } = options;
  if (!Number.isInteger(k) || k < 1) return refusal("quorum_misconfigured", 500, { k });
  const envelope = readEnvelope(value);
  const payload = envelope && payloadBytes(envelope, maxPayloadBytes);
  if (!envelope || !payload) return refusal("malformed", 400);
  if (envelope.payloadType !== expectedType) {
    return refusal("payload_type_mismatch", 400, { expected: expectedType });
  }
  const count = countSigners(checkSignatures(envelope, payload, keys), keys, usable);
  const short = thresholdRefusal(count, k);
  if (short) return short;
  const read = readCanonical(payload, maxPayloadBytes);
  return read.ok ? { ok: true, ...count, statement: read.value, payload } : read;
}
