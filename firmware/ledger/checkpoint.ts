/** C2SP checkpoints: signed statements of a tree's size and root, and their cosignatures (ledger.md 5, 6). */
import { concat, fromBase64, toBase64 } from "../core/bytes.ts";
import type { Ed25519KeyPair } from "../core/ed25519.ts";
import { CodedError } from "../core/errors.ts";
import { LEDGER_LIMITS } from "../core/limits.ts";
import {
  cosignatureTime,
  cosignedMessage,
  parseNote,
  type SignedNote,
  signatureLine,
  signNote,
  TYPE_COSIGNATURE,
  type VerifierKey,
  verifierKey,
  verifySignatures,
} from "./note.ts";

export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
}

export interface VerifiedCheckpoint extends Checkpoint {
  readonly note: SignedNote;
  /** Names of distinct trusted witnesses with a valid line that is not from the future. */
  readonly witnesses: readonly string[];
}

/** A cosignature may be this far ahead of the verifier's clock, seconds. */
export const COSIGNATURE_SKEW_SEC = LEDGER_LIMITS.cosignatureSkewSec;

function bad(message: string, cause?: unknown): never {
  throw new CodedError("bad_checkpoint", message, { status: 422, cause });
}

/** The three kinds of signed bytes begin differently; an origin may begin with neither of the other two. */
const isOrigin = (origin: string): boolean =>
  /^[^\s+]+$/u.test(origin) && !origin.startsWith("DSSEv1") && !origin.startsWith("cosignature/v1");

/** `<authority>/<fleet>/<device>/<epoch>`. @throws CodedError `bad_checkpoint` if a part cannot be in an origin. */
export function originOf(authority: string, fleet: string, device: string, epoch: number): string {
  const origin = `${authority}/${fleet}/${device}/${epoch}`;
  if (!isOrigin(origin)) bad("The origin holds spaces or +, or begins like another signed format.");
  return origin;
}

/** The key name of a device as a witness. */
export const witnessName = (authority: string, fleet: string, device: string): string =>
  `${authority}/${fleet}/${device}/witness`;

export function checkpointText({ origin, size, root }: Checkpoint): string {
  if (!isOrigin(origin) || !Number.isSafeInteger(size) || size < 0 || root.length !== 32) {
    bad("A checkpoint needs an origin, a size and a root of 32 bytes.");
  }
  return `${origin}\n${size}\n${toBase64(root)}\n`;
}

/** @throws CodedError `bad_checkpoint` (422): extension lines are not accepted. */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin = "", sizeText = "", rootText = "", end, ...more] = text.split("\n");
  if (end !== "" || more.length > 0) bad("A checkpoint has exactly three lines.");
  if (!isOrigin(origin)) bad("The origin is malformed.");
  const size = Number(sizeText);
  if (!/^(?:0|[1-9][0-9]{0,15})$/.test(sizeText) || !Number.isSafeInteger(size))
    bad("The size is malformed.");
  let root: Uint8Array;
  try {
    root = fromBase64(rootText);
  } catch (cause) {
    return bad("The root is not base64.", cause);
  }
  if (root.length !== 32) bad("The root does not have 32 bytes.");
  return { origin, size, root };
}

/** The note of a checkpoint with the log's own signature. The key name is the origin. */
export const signCheckpoint = (checkpoint: Checkpoint, signer: Ed25519KeyPair): string =>
  signNote(checkpointText(checkpoint), checkpoint.origin, signer);

/** A witness's line: 8-byte seconds and the signature over time and text. @throws CodedError `bad_note`. */
export function cosign(note: string, name: string, timeSec: number, signer: Ed25519KeyPair): string {
  const time = new Uint8Array(8);
  new DataView(time.buffer).setBigUint64(0, BigInt(timeSec));
  const signature = signer.sign(cosignedMessage(parseNote(note).text, timeSec));
  return signatureLine(verifierKey(name, TYPE_COSIGNATURE, signer.publicKeyHex), concat(time, signature));
}

export interface CheckpointTrust {
  /** The origin's keys: the present one and, for old notes, retired ones. */
  readonly logKeys: readonly VerifierKey[];
  readonly witnessKeys?: readonly VerifierKey[];
  /** POSIX seconds, for the limit on cosignatures from the future. */
  readonly nowSec: number;
  readonly skewSec?: number;
}

/**
 * Parses first, believes only after a valid signature of the log's key.
 * @throws CodedError `bad_note`, `bad_checkpoint`, `bad_signature`, `no_trusted_signature` (422).
 */
export function verifyCheckpoint(input: Uint8Array | string, trust: CheckpointTrust): VerifiedCheckpoint {
  const note = parseNote(input);
  const checkpoint = parseCheckpoint(note.text);
  const witnessKeys = (trust.witnessKeys ?? []).filter((key) => key.type === TYPE_COSIGNATURE);
  const valid = verifySignatures(note, [...trust.logKeys, ...witnessKeys]);
  const isLogKey = (key: VerifierKey): boolean =>
    trust.logKeys.includes(key) && key.name === checkpoint.origin;
  if (!valid.some(({ key }) => isLogKey(key))) {
    throw new CodedError("no_trusted_signature", "The log's own key has not signed this.", { status: 422 });
  }
  const latest = trust.nowSec + (trust.skewSec ?? COSIGNATURE_SKEW_SEC);
  const ownKeys = new Set(trust.logKeys.map((key) => key.publicKeyHex));
  const witnesses = new Set<string>();
  for (const { key, signature } of valid) {
    const time = cosignatureTime(signature);
    if (!witnessKeys.includes(key) || ownKeys.has(key.publicKeyHex)) continue;
    if (time !== null && time <= latest) witnesses.add(key.name);
  }
  return { ...checkpoint, note, witnesses: [...witnesses] };
}

/** A checkpoint as verification sees it: what it states, and whether its signature is good. */
export interface CheckpointClaim {
  readonly size: number;
  readonly root: Uint8Array;
  readonly good: boolean;
}

/** Judges stored notes of one origin; one that cannot be read counts as bad, with the size it is stored under. */
export function judgeCheckpoints(
  notes: readonly { readonly size: number; readonly note: Uint8Array }[],
  origin: string,
  logKeys: readonly VerifierKey[],
): CheckpointClaim[] {
  return notes.map(({ size, note }) => {
    try {
      const checkpoint = verifyCheckpoint(note, { logKeys, nowSec: 0 });
      const good = checkpoint.origin === origin && checkpoint.size === size;
      return { size, root: checkpoint.root, good };
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      return { size, root: new Uint8Array(0), good: false };
    }
  });
}
