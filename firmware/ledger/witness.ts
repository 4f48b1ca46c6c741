/** Witnessing: what a device checks before it cosigns another device's checkpoint (ledger.md 6). */
import { compareBytes, fromBase64, fromUtf8, toBase64 } from "../core/bytes.ts";
import type { Ed25519KeyPair } from "../core/ed25519.ts";
import { CodedError } from "../core/errors.ts";
import {
  type Checkpoint,
  cosign,
  parseCheckpoint,
  type VerifiedCheckpoint,
  verifyCheckpoint,
} from "./checkpoint.ts";
import { MAX_NOTE_BYTES, parseNote, type VerifierKey } from "./note.ts";
import { EMPTY_ROOT } from "./tree.ts";
import { MAX_PROOF_HASHES, verifyConsistency } from "./tree-proof.ts";

/** What was cosigned last for one origin. */
export interface WitnessedTree {
  readonly size: number;
  readonly root: Uint8Array;
  /** Kept as proof, should the log contradict it. */
  readonly note: string;
}

export interface WitnessRequest {
  readonly old: number;
  readonly proof: readonly Uint8Array[];
  readonly note: string;
}

export type WitnessAnswer =
  | { readonly status: 200; readonly line: string; readonly state: WitnessedTree }
  /** `size` is what this witness cosigned. */
  | { readonly status: 409; readonly size: number }
  | {
      readonly status: 400 | 403 | 404 | 422 | 503;
      readonly reason: string;
      /** The log contradicts what it signed before; both notes are the proof. */
      readonly fork?: { readonly noteA: string; readonly noteB: string };
    };

export interface WitnessContext {
  /** The keys of an origin's device; empty if the roster does not have it. */
  readonly keysOf: (origin: string) => readonly VerifierKey[];
  readonly clockSynced: boolean;
  /** POSIX seconds. */
  readonly nowSec: number;
  readonly name: string;
  readonly signer: Ed25519KeyPair;
}

const sameRoot = (a: Uint8Array, b: Uint8Array): boolean => compareBytes(a, b) === 0;

function malformed(message: string, cause?: unknown): never {
  throw new CodedError("malformed", message, { status: 400, cause });
}

/**
 * Reads the C2SP add-checkpoint body: `old <size>`, proof lines, an empty line, the note.
 * @throws CodedError `malformed` (400).
 */
export function parseWitnessRequest(body: Uint8Array): WitnessRequest {
  if (body.length > MAX_NOTE_BYTES + 64 * 64) malformed("The request is too large.");
  let text: string;
  try {
    text = fromUtf8(body);
  } catch (cause) {
    return malformed("The request is not UTF-8.", cause);
  }
  const split = text.indexOf("\n\n");
  const [first = "", ...lines] = split < 0 ? [] : text.slice(0, split).split("\n");
  const size = /^old (0|[1-9][0-9]{0,15})$/.exec(first)?.[1];
  const old = Number(size);
  if (size === undefined || !Number.isSafeInteger(old))
    malformed("The request does not begin with `old <size>`.");
  if (lines.length > MAX_PROOF_HASHES) malformed(`A proof has at most ${MAX_PROOF_HASHES} hashes.`);
  try {
    return { old, proof: lines.map(fromBase64), note: text.slice(split + 2) };
  } catch (cause) {
    return malformed("A proof line is not base64.", cause);
  }
}

/** The request body of a log that asks a witness. */
export const formatWitnessRequest = ({ old, proof, note }: WitnessRequest): string =>
  `old ${old}\n${proof.map((hash) => `${toBase64(hash)}\n`).join("")}\n${note}`;

function checkTree(
  request: WitnessRequest,
  next: Checkpoint,
  state: WitnessedTree | null,
): WitnessAnswer | null {
  const { old, proof, note } = request;
  const fork = state === null ? {} : { fork: { noteA: state.note, noteB: note } };
  if (next.size === 0 && !sameRoot(next.root, EMPTY_ROOT)) return { status: 422, reason: "root_mismatch" };
  if (old === 0 && proof.length > 0) return { status: 422, reason: "bad_proof" };
  if (state === null || old === 0) return null;
  if (old === next.size) {
    if (!sameRoot(state.root, next.root)) return { status: 422, reason: "fork", ...fork };
    return proof.length > 0 ? { status: 422, reason: "bad_proof" } : null;
  }
  if (proof.length === 0) return { status: 422, reason: "proof_required" };
  const extends_ = verifyConsistency(old, next.size, state.root, next.root, proof);
  return extends_ ? null : { status: 422, reason: "bad_proof" };
}

/**
 * The checks of C2SP `tlog-witness`, in the order of the table. Pure: on 200 the caller persists `state` before the
 * line leaves, and holds the origin from reading `state` until then.
 * @param state what was cosigned last for the request's origin, null if nothing.
 */
export function addCheckpoint(
  request: WitnessRequest,
  state: WitnessedTree | null,
  context: WitnessContext,
): WitnessAnswer {
  const { old, proof, note } = request;
  let claimed: Checkpoint;
  try {
    claimed = parseCheckpoint(parseNote(note).text);
    if (proof.length > MAX_PROOF_HASHES) malformed("The proof is too long.");
    if (!Number.isSafeInteger(old) || old < 0) malformed("The old size is not a size.");
  } catch (error) {
    if (error instanceof CodedError) return { status: 400, reason: error.code };
    throw error;
  }
  const logKeys = context.keysOf(claimed.origin);
  if (logKeys.length === 0) return { status: 404, reason: "unknown_origin" };
  let next: VerifiedCheckpoint;
  try {
    next = verifyCheckpoint(note, { logKeys, nowSec: context.nowSec });
  } catch (error) {
    if (error instanceof CodedError) return { status: 403, reason: error.code };
    throw error;
  }
  if (old > next.size) return { status: 400, reason: "malformed" };
  if (old !== (state?.size ?? 0)) return { status: 409, size: state?.size ?? 0 };
  const refused = checkTree(request, next, state);
  if (refused !== null) return refused;
  if (!context.clockSynced) return { status: 503, reason: "clock_untrusted" };
  const line = cosign(note, context.name, context.nowSec, context.signer);
  return { status: 200, line, state: { size: next.size, root: next.root, note } };
}
