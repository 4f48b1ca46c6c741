/** DSSE envelopes (trust.md 5): the payload type is inside the signed bytes, every signature is looked at. */
import { concat, fromBase64, toBase64, utf8 } from "./bytes.ts";
import { jcs } from "./canonical-json.ts";
import type { Ed25519KeyPair } from "./ed25519.ts";
import { isJsonObject } from "./json.ts";
import { DSSE_LIMITS } from "./limits.ts";

export interface DsseSignature {
  readonly keyid: string;
  readonly sig: string;
}

export interface DsseEnvelope {
  readonly payloadType: string;
  /** RFC 4648 base64 with padding. */
  readonly payload: string;
  readonly signatures: readonly DsseSignature[];
}

export const MAX_SIGNATURES = DSSE_LIMITS.signatures;
export const MAX_PAYLOAD_BYTES = DSSE_LIMITS.payloadBytes;

/** Pre-authentication encoding: what is signed. Lengths are bytes in decimal. */
export function pae(payloadType: string, payload: Uint8Array): Uint8Array {
  const type = utf8(payloadType);
  return concat(utf8(`DSSEv1 ${type.length} `), type, utf8(` ${payload.length} `), payload);
}

/** Signs the RFC 8785 form of a statement. */
export function signStatement(
  payloadType: string,
  statement: unknown,
  signers: readonly { readonly keyId: string; readonly pair: Ed25519KeyPair }[],
): DsseEnvelope {
  const payload = jcs(statement);
  const message = pae(payloadType, payload);
  return {
    payloadType,
    payload: toBase64(payload),
    signatures: signers.map(({ keyId, pair }) => ({ keyid: keyId, sig: toBase64(pair.sign(message)) })),
  };
}

/** Shape check of something parsed from outside; null if it is not an envelope with exactly these members. */
export function readEnvelope(value: unknown): DsseEnvelope | null {
  if (!isJsonObject(value) || Object.keys(value).sort().join() !== "payload,payloadType,signatures")
    return null;
  const { payload, payloadType, signatures } = value;
  if (typeof payload !== "string" || typeof payloadType !== "string" || !Array.isArray(signatures))
    return null;
  if (signatures.length > MAX_SIGNATURES) return null;
  const read: DsseSignature[] = [];
  for (const entry of signatures) {
    if (!isJsonObject(entry) || Object.keys(entry).sort().join() !== "keyid,sig") return null;
    const { keyid, sig } = entry;
    if (typeof keyid !== "string" || typeof sig !== "string") return null;
    read.push({ keyid, sig });
  }
  return { payload, payloadType, signatures: read };
}

/** The payload bytes, or null when they are not strict base64 or too large. */
export function payloadBytes(envelope: DsseEnvelope, maxBytes: number): Uint8Array | null {
  if (envelope.payload.length > Math.ceil(maxBytes / 3) * 4) return null;
  try {
    return fromBase64(envelope.payload);
  } catch {
    return null; // Not base64: the caller answers `malformed`, which says all there is to say.
  }
}
