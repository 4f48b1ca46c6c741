/** Believing a checkpoint: the signature of a given key first, everything else after it (ledger.md 5, 6). */
import { equal, toHex, utf8 } from "./bytes.ts";
import { refuse } from "./codes.ts";
import { type Keys, keysFor, nameOf, verifySignature } from "./keys.ts";
import { LIMITS } from "./limits.ts";
import {
  type Checkpoint,
  cosignatureTime,
  cosignedBytes,
  type Note,
  type NoteKey,
  type NoteLine,
  parseCheckpoint,
  parseNote,
} from "./notes.ts";
import type { Signed } from "./report.ts";

export interface Trust {
  readonly keys: Keys;
  /** Witnesses that must have cosigned. */
  readonly quorum: number;
  /** POSIX seconds. */
  readonly nowSec: number;
}

export interface Believed extends Checkpoint {
  /** The log's key. */
  readonly by: string;
  readonly witnesses: readonly string[];
  /** Signature lines of keys that were not given. */
  readonly unknownLines: number;
}

const matches = (key: NoteKey, line: NoteLine): boolean => key.name === line.name && key.keyId === line.keyId;

async function isCosigned(key: NoteKey, note: Note, line: NoteLine, nowSec: number): Promise<boolean> {
  const time = cosignatureTime(line.signature);
  const message = time === null ? null : cosignedBytes(note.text, time);
  if (message === null || !(await verifySignature(key, message, line.signature.subarray(8)))) {
    refuse("bad_cosignature", { witness: nameOf(key) });
  }
  return time !== null && time <= nowSec + LIMITS.cosignatureSkewSec;
}

/**
 * @throws Refused `bad_note`, `bad_checkpoint`, `no_key`, `wrong_origin`, `wrong_key`, `bad_signature`,
 *   `bad_cosignature`.
 */
export async function believe(input: Uint8Array | string, trust: Trust): Promise<Believed> {
  const note = parseNote(input);
  const checkpoint = parseCheckpoint(note.text);
  const { origin } = checkpoint;
  const logKeys = keysFor(trust.keys, origin);
  if (trust.keys.logs.length === 0) refuse("no_key", { origin });
  if (logKeys.length === 0) refuse("wrong_origin", { origin });
  let by: NoteKey | null = null;
  let unknownLines = 0;
  const witnesses = new Set<string>();
  for (const line of note.lines) {
    const logKey = logKeys.find((key) => matches(key, line));
    const witness = trust.keys.witnesses.find((key) => matches(key, line));
    if (logKey !== undefined) {
      if (!(await verifySignature(logKey, utf8(note.text), line.signature))) {
        refuse("bad_signature", { key: nameOf(logKey) });
      }
      by = logKey;
    } else if (witness !== undefined) {
      const isOwn = logKeys.some((key) => equal(key.publicKey, witness.publicKey));
      if ((await isCosigned(witness, note, line, trust.nowSec)) && !isOwn) witnesses.add(nameOf(witness));
    } else unknownLines++;
  }
  if (by === null) refuse("wrong_key", { origin });
  return { ...checkpoint, by: nameOf(by), witnesses: [...witnesses], unknownLines };
}

/** @throws Refused `not_witnessed`. */
export function checkQuorum({ witnesses }: Believed, { quorum }: Trust): void {
  if (witnesses.length < quorum) refuse("not_witnessed", { need: quorum, have: witnesses.length });
}

export const signedOf = ({ origin, size, root, by, witnesses }: Believed): Signed => ({
  origin,
  size,
  root: toHex(root),
  signedBy: by,
  witnessedBy: witnesses,
});
