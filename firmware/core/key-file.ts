/** The state in which a private key file may be used (trust.md 10): owned, unshared, in a directory nobody else writes. */
import { type Refusal, refusal } from "./errors.ts";

export interface KeyFileFacts {
  readonly path: string;
  readonly directory: string;
  readonly exists: boolean;
  readonly isRegularFile: boolean;
  readonly ownedByDaemon: boolean;
  /** Permission bits. */
  readonly mode: number;
  readonly directoryMode: number;
  readonly bytes: number;
  /** Exact size for raw keys, null for PEM files, whose format is checked when they are read. */
  readonly expectedBytes: number | null;
}

/** Refusals `key_missing`, `key_permissions` {commands}, `key_malformed`; nothing is ever loosened or re-created. */
export function keyFileProblem(facts: KeyFileFacts, owner = "imud"): Refusal | null {
  const { path, directory } = facts;
  if (!facts.exists) return refusal("key_missing", 500, { path });
  const commands: string[] = [];
  if (!facts.isRegularFile) commands.push(`ls -l ${path}`);
  if (!facts.ownedByDaemon) commands.push(`chown ${owner} ${path}`);
  if (facts.mode & 0o077) commands.push(`chmod 600 ${path}`);
  if (facts.directoryMode & 0o022) commands.push(`chmod 700 ${directory}`);
  if (commands.length > 0) return refusal("key_permissions", 500, { path, commands });
  const wrongSize = facts.expectedBytes !== null && facts.bytes !== facts.expectedBytes;
  return wrongSize || facts.bytes === 0 ? refusal("key_malformed", 500, { path, bytes: facts.bytes }) : null;
}
