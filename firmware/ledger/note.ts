/** C2SP signed notes, verifier keys and the Ed25519 signature types this project uses (ledger.md 5). */
import { compareBytes, concat, fromBase64, fromHex, fromUtf8, toBase64, toHex, utf8 } from "../core/bytes.ts";
import { type Ed25519KeyPair, verifyEd25519 } from "../core/ed25519.ts";
import { CodedError } from "../core/errors.ts";
import { sha256 } from "../core/hash.ts";
import { LEDGER_LIMITS } from "../core/limits.ts";

/** Plain Ed25519 over the note text. */
export const TYPE_ED25519 = 0x01;
/** Timestamped Ed25519 cosignature. */
export const TYPE_COSIGNATURE = 0x04;

export const MAX_NOTE_BYTES = LEDGER_LIMITS.noteBytes;
export const MAX_NOTE_SIGNATURES = LEDGER_LIMITS.noteSignatures;
const DASH = "\u2014 ";

export interface NoteSignature {
  readonly name: string;
  /** 4 bytes. */
  readonly keyId: Uint8Array;
  readonly signature: Uint8Array;
}

export interface SignedNote {
  /** With its final newline, without the empty line. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

export interface VerifierKey {
  readonly name: string;
  readonly type: number;
  /** 32 bytes, lower-case hex. */
  readonly publicKeyHex: string;
  readonly keyId: Uint8Array;
}

function fail(code: string, message: string, cause?: unknown): never {
  throw new CodedError(code, message, { status: 422, cause });
}

const isKeyName = (name: string): boolean => name.length > 0 && !/[\s+]/u.test(name);

/** A key as a verifier knows it. @throws CodedError `key_malformed` for a name with spaces or `+`, or a bad key. */
export function verifierKey(name: string, type: number, publicKeyHex: string): VerifierKey {
  if (!isKeyName(name) || !/^[0-9a-f]{64}$/.test(publicKeyHex)) {
    fail("key_malformed", "A verifier key needs a name without spaces or + and 32 bytes.");
  }
  const keyId = sha256(utf8(name), Uint8Array.of(0x0a, type), fromHex(publicKeyHex)).slice(0, 4);
  return { name, type, publicKeyHex, keyId };
}

/** `<name>+<8 hex of key id>+<b64(type ‖ public key)>`. */
export const formatVkey = (key: VerifierKey): string =>
  `${key.name}+${toHex(key.keyId)}+${toBase64(concat(Uint8Array.of(key.type), fromHex(key.publicKeyHex)))}`;

/** @throws CodedError `key_malformed` if the text is no vkey or its key id does not fit. */
export function parseVkey(text: string): VerifierKey {
  const match = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/u.exec(text);
  const [, name = "", keyId = "", encoded = ""] = match ?? [];
  let bytes: Uint8Array;
  try {
    bytes = fromBase64(encoded);
  } catch (cause) {
    return fail("key_malformed", "The verifier key is not base64.", cause);
  }
  const key = verifierKey(name, bytes[0] ?? 0, toHex(bytes.subarray(1)));
  if (toHex(key.keyId) !== keyId) fail("key_malformed", "The key id does not belong to the verifier key.");
  return key;
}

export const signatureLine = (key: VerifierKey, signature: Uint8Array): string =>
  `${DASH}${key.name} ${toBase64(concat(key.keyId, signature))}\n`;

/** A note with one 0x01 signature under this key name. */
export function signNote(text: string, name: string, signer: Ed25519KeyPair): string {
  const key = verifierKey(name, TYPE_ED25519, signer.publicKeyHex);
  return `${text}\n${signatureLine(key, signer.sign(utf8(text)))}`;
}

function parseSignature(line: string): NoteSignature {
  const match = /^\u2014 (\S+) (\S+)$/u.exec(line);
  const [, name = "", encoded = ""] = match ?? [];
  if (!isKeyName(name)) fail("bad_note", "A signature line is malformed.");
  try {
    const bytes = fromBase64(encoded);
    if (bytes.length < 5) fail("bad_note", "A signature is too short.");
    return { name, keyId: bytes.slice(0, 4), signature: bytes.slice(4) };
  } catch (cause) {
    return fail("bad_note", "A signature is not strict base64.", cause);
  }
}

function hasControl(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 && code !== 0x0a) return true;
  }
  return false;
}

/** Reads bytes of unknown origin as a signed note; nothing is believed yet. @throws CodedError `bad_note` (422). */
export function parseNote(input: Uint8Array | string): SignedNote {
  const bytes = typeof input === "string" ? utf8(input) : input;
  if (bytes.length > MAX_NOTE_BYTES) fail("bad_note", `A note has at most ${MAX_NOTE_BYTES} bytes.`);
  let note: string;
  try {
    note = fromUtf8(bytes);
  } catch (cause) {
    return fail("bad_note", "The note is not UTF-8.", cause);
  }
  if (hasControl(note)) fail("bad_note", "The note holds a control character.");
  if (!note.endsWith("\n")) fail("bad_note", "The note does not end with a newline.");
  const split = note.lastIndexOf("\n\n");
  if (split < 0) fail("bad_note", "The note has no empty line before its signatures.");
  const lines = note.slice(split + 2, -1).split("\n");
  if (lines.length > MAX_NOTE_SIGNATURES) {
    fail("bad_note", `A note has at most ${MAX_NOTE_SIGNATURES} signatures.`);
  }
  return { text: note.slice(0, split + 1), signatures: lines.map(parseSignature) };
}

/** The bytes a timestamped cosignature signs. */
export const cosignedMessage = (text: string, timeSec: number): Uint8Array =>
  utf8(`cosignature/v1\ntime ${timeSec}\n${text}`);

/** POSIX seconds of a cosignature, null if it is malformed. */
export function cosignatureTime(signature: Uint8Array): number | null {
  if (signature.length !== 72) return null;
  const seconds = new DataView(signature.buffer, signature.byteOffset, 8).getBigUint64(0);
  return seconds <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(seconds) : null;
}

function verifies(key: VerifierKey, text: string, signature: Uint8Array): boolean {
  if (key.type === TYPE_ED25519) return verifyEd25519(key.publicKeyHex, utf8(text), signature);
  if (key.type !== TYPE_COSIGNATURE) return false;
  const time = cosignatureTime(signature);
  return time !== null && verifyEd25519(key.publicKeyHex, cosignedMessage(text, time), signature.subarray(8));
}

export interface VerifiedSignature {
  readonly key: VerifierKey;
  readonly signature: Uint8Array;
}

/**
 * The valid signatures of trusted keys. Unknown (name, key id) pairs are ignored.
 * @throws CodedError `bad_signature` (422) if the line of a trusted key fails: such a note was tampered with.
 */
export function verifySignatures(note: SignedNote, trusted: readonly VerifierKey[]): VerifiedSignature[] {
  const valid: VerifiedSignature[] = [];
  for (const { name, keyId, signature } of note.signatures) {
    for (const key of trusted) {
      if (key.name !== name || compareBytes(key.keyId, keyId) !== 0) continue;
      if (!verifies(key, note.text, signature))
        fail("bad_signature", `The signature of ${name} is not valid.`);
      valid.push({ key, signature });
    }
  }
  return valid;
}

/**
 * The text of a note signed by one of the trusted keys.
 * @throws CodedError `bad_note`, `bad_signature`, `no_trusted_signature` (422).
 */
export function verifyNote(input: Uint8Array | string, trusted: readonly VerifierKey[]): string {
  const note = parseNote(input);
  if (verifySignatures(note, trusted).length === 0) {
    fail("no_trusted_signature", "No signature of a trusted key.");
  }
  return note.text;
}
