/** Statements with a signature of their own: DSSE envelopes by the device's key (trust.md 5, evidence.md 13). */
import { concat, fromBase64, fromUtf8, sha256Hex, toHex, utf8 } from "./bytes.ts";
import type { Trust } from "./checkpoint.ts";
import { refuse } from "./codes.ts";
import { isBody } from "./evidence.ts";
import {
  canonicalize,
  hashJson,
  hasMembers,
  isObject,
  type Json,
  type JsonObject,
  jcs,
  readObject,
} from "./json.ts";
import { deviceInOrigin, verifySignature } from "./keys.ts";
import { LIMITS } from "./limits.ts";
import { type NoteKey, noteKey, TYPE_LOG } from "./notes.ts";
import type { Findings } from "./report.ts";

const PROOF_BUNDLE = "application/vnd.imu.proof-bundle+json";
const OWN_TYPES = /^application\/vnd\.imu\.[a-z-]+\+json$/;

/** An envelope's members, before anything is believed; null if the line is none. */
export function envelopeIn(line: Uint8Array): JsonObject | null {
  // Enough to tell by: the other formats have neither member at their beginning.
  if (line.length > LIMITS.payloadBytes * 2) return null;
  const { value } = readObject(line);
  return Object.hasOwn(value, "payloadType") ? value : null;
}

/** SHA-256 of the canonical key object (trust.md 2). */
const keyIdOf = (publicKey: Uint8Array): string =>
  hashJson({ keytype: "ed25519", keyval: { public: toHex(publicKey) }, scheme: "ed25519" });

const pae = (type: Uint8Array, payload: Uint8Array): Uint8Array =>
  concat(utf8(`DSSEv1 ${type.length} `), type, utf8(` ${payload.length} `), payload);

async function signerOf(envelope: JsonObject, message: Uint8Array, { keys }: Trust): Promise<NoteKey> {
  // A vkey names the device, whose id outlives its keys; a bare key speaks for the device it made.
  const given = keys.logs.map((log) =>
    log.is === "vkey"
      ? noteKey(deviceInOrigin(log.key.name), TYPE_LOG, log.key.publicKey)
      : noteKey(log.device, TYPE_LOG, log.publicKey),
  );
  if (given.length === 0) refuse("no_key");
  const { signatures } = envelope;
  if (!Array.isArray(signatures) || signatures.length > LIMITS.signatures) refuse("bad_envelope");
  let isKnown = false;
  for (const line of signatures as readonly Json[]) {
    if (!isObject(line) || !hasMembers(line, "keyid sig")) refuse("bad_envelope");
    const key = given.find(({ publicKey }) => keyIdOf(publicKey) === line.keyid);
    const signature = typeof line.sig === "string" ? fromBase64(line.sig) : null;
    if (signature === null) refuse("bad_envelope");
    if (key === undefined) continue;
    isKnown = true;
    if (await verifySignature(key, message, signature)) return key;
  }
  return refuse(isKnown ? "bad_signature" : "wrong_key");
}

/** The evidence in a bundle is proven by the signature around it, if every record hashes to its id. */
function checkBundle(payload: JsonObject, findings: Findings, by: string): void {
  const { evidence, deviceId = null, runId = null } = payload;
  if (!Array.isArray(evidence)) refuse("evidence_malformed");
  for (const one of evidence as readonly Json[]) {
    if (!isObject(one) || !hasMembers(one, "id body") || !isBody(one.body)) refuse("evidence_malformed");
    const { body } = one;
    if (body.deviceId !== deviceId) refuse("evidence_foreign", { device: String(body.deviceId) });
    if (body.runId !== runId) refuse("evidence_swapped", { run: String(body.runId) });
    if (hashJson(body) !== one.id) refuse("evidence_id_mismatch", { id: String(one.id) });
    if (body.payload !== undefined && sha256Hex(jcs(body.payload)) !== body.sha256) refuse("digest_mismatch");
    findings.proven(
      "evidence",
      `evidence ${String(one.id)}`,
      `${String(body.kind)}, under this signature`,
      by,
    );
  }
}

/** @throws Refused. */
export async function verifyStatement(envelope: JsonObject, trust: Trust, findings: Findings) {
  const { payloadType, payload } = envelope;
  const bytes = typeof payload === "string" ? fromBase64(payload) : null;
  if (!hasMembers(envelope, "payload payloadType signatures") || bytes === null) refuse("bad_envelope");
  if (typeof payloadType !== "string" || !OWN_TYPES.test(payloadType)) refuse("bad_envelope");
  if (bytes.length > LIMITS.payloadBytes) refuse("too_large", { bytes: LIMITS.payloadBytes });
  const key = await signerOf(envelope, pae(utf8(payloadType), bytes), trust);
  const { value } = readObject(bytes);
  if (canonicalize(value) !== fromUtf8(bytes)) refuse("payload_not_canonical");
  const device = value.deviceId ?? value.device ?? key.name;
  if (device !== key.name) refuse("wrong_device", { device: String(device) });
  findings.proven("statement", payloadType, `signed, ${bytes.length} bytes`, key.name);
  if (payloadType === PROOF_BUNDLE) checkBundle(value, findings, key.name);
  return { format: payloadType, head: null, signedBy: key.name };
}
