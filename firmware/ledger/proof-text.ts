/** Proofs that travel: the C2SP tlog-proof text of one entry (ledger.md 7). */
import { fromBase64, fromUtf8, toBase64 } from "../core/bytes.ts";
import { CodedError } from "../core/errors.ts";
import { type CheckpointTrust, verifyCheckpoint } from "./checkpoint.ts";
import { MAX_NOTE_BYTES } from "./note.ts";
import { MAX_PROOF_HASHES, verifyInclusion } from "./tree-proof.ts";

const MAGIC = "c2sp.org/tlog-proof@v1";

export interface TlogProof {
  readonly index: number;
  /** Leaf sibling first. */
  readonly hashes: readonly Uint8Array[];
  /** The checkpoint note, verbatim. */
  readonly note: string;
  /** Carried along, never trusted. */
  readonly extra?: Uint8Array;
}

function fail(code: string, message: string, cause?: unknown): never {
  throw new CodedError(code, message, { status: 422, cause });
}

/** The text form, a newline after every line. */
export function formatProof({ index, hashes, note, extra }: TlogProof): string {
  const extraLine = extra === undefined ? "" : `extra ${toBase64(extra)}\n`;
  return `${MAGIC}\n${extraLine}index ${index}\n${hashes.map((hash) => `${toBase64(hash)}\n`).join("")}\n${note}`;
}

function decode(line: string): Uint8Array {
  try {
    return fromBase64(line);
  } catch (cause) {
    return fail("bad_proof", "A line of the proof is not base64.", cause);
  }
}

/** @throws CodedError `bad_proof` (422). */
export function parseProof(input: Uint8Array | string): TlogProof {
  if (input.length > 2 * MAX_NOTE_BYTES) fail("bad_proof", "The proof is too large.");
  let text: string;
  try {
    text = typeof input === "string" ? input : fromUtf8(input);
  } catch (cause) {
    return fail("bad_proof", "The proof is not UTF-8.", cause);
  }
  const split = text.indexOf("\n\n");
  const lines = split < 0 ? [] : text.slice(0, split).split("\n");
  if (lines.shift() !== MAGIC) fail("bad_proof", "The proof does not begin with its format's name.");
  const extraText = lines[0]?.startsWith("extra ") ? lines.shift()?.slice(6) : undefined;
  const indexText = /^index (0|[1-9][0-9]{0,15})$/.exec(lines.shift() ?? "")?.[1];
  const index = Number(indexText);
  if (indexText === undefined || !Number.isSafeInteger(index)) fail("bad_proof", "The index is malformed.");
  if (lines.length > MAX_PROOF_HASHES) fail("bad_proof", "The proof has too many hashes.");
  const hashes = lines.map(decode);
  if (hashes.some((hash) => hash.length !== 32)) fail("bad_proof", "A hash does not have 32 bytes.");
  const extra = extraText === undefined ? {} : { extra: decode(extraText) };
  return { index, hashes, note: text.slice(split + 2), ...extra };
}

export interface ProvenEntry {
  readonly index: number;
  readonly size: number;
  readonly witnesses: readonly string[];
}

/**
 * Checks that the leaf is in the tree of the proof's checkpoint: signature, then quorum, then inclusion.
 * @param leaf its leaf hash, from the entry itself.
 * @throws CodedError `bad_proof`, those of `verifyCheckpoint`, `not_witnessed`, `not_included` (422).
 */
export function verifyProof(
  input: Uint8Array | string,
  leaf: Uint8Array,
  trust: CheckpointTrust,
  minWitnesses = 0,
): ProvenEntry {
  const { index, hashes, note } = parseProof(input);
  const { size, root, witnesses } = verifyCheckpoint(note, trust);
  if (witnesses.length < minWitnesses)
    fail("not_witnessed", "Too few witnesses have cosigned the checkpoint.");
  if (!verifyInclusion(index, size, leaf, hashes, root))
    fail("not_included", "The tree does not hold this entry.");
  return { index, size, witnesses };
}
