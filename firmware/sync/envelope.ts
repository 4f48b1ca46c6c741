/** Signed messages on the wire: DSSE members in CBOR with bytes for base64, payload verbatim (trust.md 5, sync.md 4.2). */
import { fromBase64, fromUtf8, toBase64 } from "../core/bytes.ts";
import { canonicalize } from "../core/canonical-json.ts";
import { encodeCbor } from "../core/cbor.ts";
import { pae } from "../core/dsse.ts";
import type { Ed25519KeyPair } from "../core/ed25519.ts";
import { verifyEd25519 } from "../core/ed25519.ts";
import { CodedError } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import { keyIdOf } from "../core/key-record.ts";
import { GOSSIP_LIMITS } from "../core/limits.ts";
import { parseJson } from "../core/parse-json.ts";
import { decodeStrictCbor } from "./strict-cbor.ts";

export const BATCH_TYPE = "application/vnd.imu.batch+json";
export const GOSSIP_TYPE = "application/vnd.imu.gossip+json";
export const MAX_MESSAGE_BYTES = GOSSIP_LIMITS.messageBytes;

export interface SignedMessage {
  readonly payloadType: string;
  /** The exact RFC 8785 bytes that were signed. */
  readonly payload: Uint8Array;
  readonly keyId: string;
  readonly signature: Uint8Array;
  /** The whole message as it travels; relays forward these bytes. */
  readonly bytes: Uint8Array;
}

export interface SigningKey {
  readonly keyId: string;
  readonly pair: Ed25519KeyPair;
}

export const signingKeyOf = (pair: Ed25519KeyPair): SigningKey => ({
  keyId: keyIdOf(pair.publicKeyHex),
  pair,
});

export function signMessage(payloadType: string, payload: Uint8Array, key: SigningKey): SignedMessage {
  const signature = key.pair.sign(pae(payloadType, payload));
  const bytes = encodeCbor({
    payloadType,
    payload: Buffer.from(payload),
    signatures: [{ keyid: key.keyId, sig: Buffer.from(signature) }],
  });
  return { payloadType, payload, keyId: key.keyId, signature, bytes };
}

const malformed = (why: string): CodedError =>
  new CodedError("malformed", `The message is not a signed envelope: ${why}.`, { status: 400 });

/**
 * Sized before parsed. Gossip has one sender, so exactly one signature.
 * @throws CodedError `message_too_large` (400), `malformed` (400).
 */
export function readMessage(bytes: Uint8Array): SignedMessage {
  if (bytes.length > MAX_MESSAGE_BYTES) {
    throw new CodedError("message_too_large", "A gossip message has at most 65536 bytes.", { status: 400 });
  }
  const root = decodeStrictCbor(bytes);
  if (!(root instanceof Map) || root.size !== 3) throw malformed("members");
  const payloadType = root.get("payloadType");
  const payload = root.get("payload");
  const signatures = root.get("signatures");
  if (typeof payloadType !== "string" || !(payload instanceof Uint8Array) || !Array.isArray(signatures))
    throw malformed("member types");
  const entry: unknown = signatures.length === 1 ? signatures[0] : null;
  if (!(entry instanceof Map) || entry.size !== 2) throw malformed("signatures");
  const keyId: unknown = entry.get("keyid");
  const signature: unknown = entry.get("sig");
  if (typeof keyId !== "string" || !(signature instanceof Uint8Array)) throw malformed("signature");
  return { payloadType, payload, keyId, signature, bytes };
}

/** Under the roster's key and algorithm, never under what the message claims. */
export const isSignedBy = (message: SignedMessage, keyId: string, publicKeyHex: string): boolean =>
  message.keyId === keyId &&
  verifyEd25519(publicKeyHex, pae(message.payloadType, message.payload), message.signature);

/** The payload's one reading. @throws CodedError `malformed` (400) unless it is RFC 8785 JSON. */
export function readPayload(message: SignedMessage): Json {
  const value = parseJson(message.payload, {
    maxBytes: MAX_MESSAGE_BYTES,
    maxDepth: GOSSIP_LIMITS.messageDepth,
  });
  if (canonicalize(value) !== fromUtf8(message.payload)) throw malformed("payload is not canonical");
  return value;
}

export const messageToText = (bytes: Uint8Array): string => toBase64(bytes);

/** Null when the text is not strict base64. */
export function messageFromText(text: string): Uint8Array | null {
  if (text.length > Math.ceil(MAX_MESSAGE_BYTES / 3) * 4) return null;
  try {
    return fromBase64(text);
  } catch {
    return null; // Not base64: the caller counts the sender's message as malformed.
  }
}
