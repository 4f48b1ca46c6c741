/**
 * The last checkpoint of this device, kept as a file beside its database: what a database that was lost, cut short or
 * replaced by an older copy can no longer say. It is the signed note itself, so it is believed only as far as its
 * signature goes.
 */
import { join } from "node:path";
import { utf8 } from "../../core/bytes.ts";
import { CodedError, codeOf } from "../../core/errors.ts";
import { LEDGER_LIMITS } from "../../core/limits.ts";
import {
  type KnownTree,
  parseCheckpoint,
  parseNote,
  TYPE_ED25519,
  verifierKey,
  verifyCheckpoint,
} from "../../ledger/index.ts";
import type { Files } from "../../ports/files.ts";
import type { Log } from "../../ports/log.ts";

const MODE = 0o600;

export const knownCheckpointPath = (stateDir: string): string => join(stateDir, "last-checkpoint");

/** The tree it names; null if there is no such file, or if this device has not signed it. */
export async function readKnownCheckpoint(
  files: Files,
  stateDir: string,
  publicKeyHex: string,
  log: Log,
): Promise<KnownTree | null> {
  try {
    const bytes = await files.read(knownCheckpointPath(stateDir), LEDGER_LIMITS.noteBytes);
    const { origin } = parseCheckpoint(parseNote(bytes).text);
    const logKeys = [verifierKey(origin, TYPE_ED25519, publicKeyHex)];
    const { size, root } = verifyCheckpoint(bytes, { logKeys, nowSec: 0 });
    const epoch = Number(origin.slice(origin.lastIndexOf("/") + 1));
    return Number.isSafeInteger(epoch) && epoch >= 0 ? { origin, epoch, size, root } : null;
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    if (error.code !== "not_found") log.warn("last_checkpoint_unusable", { code: codeOf(error) });
    return null;
  }
}

export async function writeKnownCheckpoint(files: Files, stateDir: string, note: string): Promise<void> {
  await files.writeAtomic(knownCheckpointPath(stateDir), utf8(note), MODE);
}
