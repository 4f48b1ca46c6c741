/** C2SP signed notes and checkpoints, as text: nothing is believed here (ledger.md 5, 6). */
import { concat, fromBase64, fromUtf8, sha256, toBase64, toHex, utf8 } from "./bytes.ts";
import { refuse } from "./codes.ts";
import { LIMITS } from "./limits.ts";

/** Plain Ed25519 over the text of the note: the log's own signature. */
export const TYPE_LOG = 0x01;
/** Ed25519 over time and text: a witness's cosignature. */
export const TYPE_COSIGNATURE = 0x04;

export interface NoteLine {
  readonly name: string;
  /** 8 hex characters. */
  readonly keyId: string;
  readonly signature: Uint8Array;
}

export interface Note {
  /** With its final newline, without the empty line. */
  readonly text: string;
  readonly lines: readonly NoteLine[];
}

export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
}

const isKeyName = (name: string): boolean => name.length > 0 && !/[\s+]/u.test(name);

/** First 4 bytes of SHA-256(name ‖ 0x0A ‖ type ‖ public key), as hex. */
export const keyIdOf = (name: string, type: number, publicKey: Uint8Array): string =>
  toHex(sha256(concat(utf8(name), Uint8Array.of(0x0a, type), publicKey)).subarray(0, 4));

export interface NoteKey {
  readonly name: string;
  readonly type: number;
  readonly keyId: string;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
}

export const noteKey = (name: string, type: number, publicKey: Uint8Array): NoteKey => ({
  name,
  type,
  keyId: keyIdOf(name, type, publicKey),
  publicKey,
});

export const formatVkey = ({ name, type, keyId, publicKey }: NoteKey): string =>
  `${name}+${keyId}+${toBase64(concat(Uint8Array.of(type), publicKey))}`;

/** `<name>+<8 hex>+<base64 of type and key>`; null for anything else. */
export function parseVkey(text: string): NoteKey | null {
  const [, name = "", keyId = "", encoded = ""] =
    /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/u.exec(text) ?? [];
  const bytes = fromBase64(encoded);
  if (bytes === null || bytes.length !== 33 || !isKeyName(name)) return null;
  const key = noteKey(name, bytes[0] ?? 0, bytes.slice(1));
  return key.keyId === keyId ? key : null;
}

function parseLine(line: string): NoteLine {
  const [, name = "", encoded = ""] = /^\u2014 (\S+) (\S+)$/u.exec(line) ?? [];
  const bytes = fromBase64(encoded);
  if (!isKeyName(name) || bytes === null || bytes.length < 5) refuse("bad_note", { why: "signature line" });
  return { name, keyId: toHex(bytes.subarray(0, 4)), signature: bytes.slice(4) };
}

function hasControl(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) < 0x20 && text[i] !== "\n") return true;
  return false;
}

/** @throws Refused `bad_note`. */
export function parseNote(input: Uint8Array | string): Note {
  const bytes = typeof input === "string" ? utf8(input) : input;
  if (bytes.length > LIMITS.noteBytes) refuse("bad_note", { why: "size" });
  const note = fromUtf8(bytes) ?? refuse("bad_note", { why: "not UTF-8" });
  const split = note.lastIndexOf("\n\n");
  if (hasControl(note) || !note.endsWith("\n") || split < 0) refuse("bad_note", { why: "form" });
  const lines = note.slice(split + 2, -1).split("\n");
  if (lines.length > LIMITS.noteSignatures) refuse("bad_note", { why: "too many signatures" });
  return { text: note.slice(0, split + 1), lines: lines.map(parseLine) };
}

/** @throws Refused `bad_checkpoint`: exactly origin, size and root, each on its line. */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin = "", size = "", root = "", end, ...more] = text.split("\n");
  const hash = fromBase64(root);
  const isOrigin = isKeyName(origin) && !/^(DSSEv1|cosignature\/v1)/.test(origin);
  const isSize = /^(0|[1-9][0-9]{0,15})$/.test(size) && Number.isSafeInteger(Number(size));
  if (end !== "" || more.length > 0 || !isOrigin || !isSize || hash === null || hash.length !== 32) {
    refuse("bad_checkpoint");
  }
  return { origin, size: Number(size), root: hash };
}

/** What a witness signs. */
export const cosignedBytes = (text: string, seconds: number): Uint8Array =>
  utf8(`cosignature/v1\ntime ${seconds}\n${text}`);

/** Seconds since 1970 that a cosignature states; null if it has not 8 + 64 bytes. */
export function cosignatureTime(signature: Uint8Array): number | null {
  if (signature.length !== 72) return null;
  const seconds = new DataView(signature.buffer, signature.byteOffset, 8).getBigUint64(0);
  return seconds <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(seconds) : null;
}
