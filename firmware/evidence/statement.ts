/** Signed statements of others: a threshold of distinct keys over DSSE (evidence.md 11, trust.md 5). */
import { fromBase64, fromUtf8 } from "../core/bytes.ts";
import { canonicalize } from "../core/canonical-json.ts";
import { type DsseEnvelope, MAX_PAYLOAD_BYTES, pae, payloadBytes } from "../core/dsse.ts";
import { verifyEd25519 } from "../core/ed25519.ts";
import { CodedError } from "../core/errors.ts";
import { isJsonObject, type JsonObject } from "../core/json.ts";
import { JSON_LIMITS } from "../core/limits.ts";
import { parseJsonText } from "../core/parse-json.ts";
import { type Check, failed } from "./check.ts";

/** What a verifier must know of a key. Times in ms since the epoch. */
export interface StatementKey {
  readonly keyId: string;
  /** 32 bytes, lower-case hex. */
  readonly publicKey: string;
  readonly status: "active" | "retired" | "revoked";
  readonly expiresAt?: number;
}

export interface OpenedStatement {
  readonly payload: JsonObject;
  readonly bytes: Uint8Array;
  /** False if the signed bytes are not the RFC 8785 form of the payload. */
  readonly canonical: boolean;
}

/** Parses the payload without trusting it. Refusals: payload_type_mismatch, missing_signature, malformed. */
export function openStatement(envelope: DsseEnvelope, payloadType: string): Check<OpenedStatement> {
  if (envelope.payloadType !== payloadType) return failed("payload_type_mismatch");
  if (envelope.signatures.length === 0) return failed("missing_signature");
  const bytes = payloadBytes(envelope, MAX_PAYLOAD_BYTES);
  if (!bytes) return failed("malformed");
  try {
    const text = fromUtf8(bytes);
    const payload = parseJsonText(text, { maxBytes: MAX_PAYLOAD_BYTES, maxDepth: JSON_LIMITS.storedDepth });
    if (!isJsonObject(payload)) return failed("malformed");
    return { ok: true, payload, bytes, canonical: canonicalize(payload) === text };
  } catch (error) {
    if (error instanceof CodedError) return failed("malformed");
    throw error;
  }
}

function signatureBytes(text: string): Uint8Array {
  try {
    return fromBase64(text);
  } catch (error) {
    if (error instanceof CodedError) return new Uint8Array(); // No Ed25519 signature has this length.
    throw error;
  }
}

function keyFault(key: StatementKey, nowMs: number): string | null {
  if (key.status === "revoked") return "key_revoked";
  if (key.status === "retired") return "key_retired";
  return key.expiresAt !== undefined && nowMs > key.expiresAt ? "key_expired" : null;
}

/**
 * Counts valid signatures of distinct public keys. None valid: the reason of the first signature whose key
 * is known (key_revoked, key_retired, key_expired, else bad_signature), or unknown_key. Some:
 * threshold_not_met {need, have}.
 */
export function verifySigners(
  envelope: DsseEnvelope,
  bytes: Uint8Array,
  keys: readonly StatementKey[],
  options: { readonly threshold: number; readonly nowMs: number },
): Check<{ readonly signers: readonly StatementKey[] }> {
  const message = pae(envelope.payloadType, bytes);
  const signers = new Map<string, StatementKey>();
  let firstReason: string | null = null;
  for (const { keyid, sig } of envelope.signatures) {
    const key = keys.find(({ keyId }) => keyId === keyid);
    if (!key) continue;
    const fault =
      keyFault(key, options.nowMs) ??
      (verifyEd25519(key.publicKey, message, signatureBytes(sig)) ? null : "bad_signature");
    if (fault) firstReason ??= fault;
    else signers.set(key.publicKey, key);
  }
  if (signers.size === 0) return failed(firstReason ?? "unknown_key");
  // A threshold below one is a mistake of configuration, never a pass.
  const need = Math.max(1, options.threshold);
  if (signers.size < need) return failed("threshold_not_met", { need, have: signers.size });
  return { ok: true, signers: [...signers.values()] };
}
