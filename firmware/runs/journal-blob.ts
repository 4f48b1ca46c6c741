/**
 * Journals on disk (vm.md 12): inline up to 16 KiB, above that in the content store. A run of the highest tier may make
 * ten thousand calls; its journal is larger than one blob and is kept in parts, so that no run is too long to be recorded.
 */
import { concat, fromUtf8 } from "../core/bytes.ts";
import { jcs } from "../core/canonical-json.ts";
import { CodedError } from "../core/errors.ts";
import { sha256Hex } from "../core/hash.ts";
import { JSON_LIMITS, RUN_LIMITS } from "../core/limits.ts";
import { parseJsonText } from "../core/parse-json.ts";
import { type ContentStore, stageBlob } from "../evidence/index.ts";
import type { StoreOp } from "../ports/store.ts";
import type { JournalEntry } from "../vm/types.ts";

/** Where a journal lies that is not inline. */
export interface JournalBlob {
  /** Of the whole RFC 8785 text; the digest of the blob itself where there are no parts. */
  readonly sha256: string;
  /** Digests of the parts in order; absent where one blob holds all of it. */
  readonly parts?: readonly string[];
}

export interface StagedJournal {
  readonly stored: readonly JournalEntry[] | JournalBlob;
  readonly ops: readonly StoreOp[];
}

/** Operations for the batch of the settlement. */
export function stageJournal(journal: readonly JournalEntry[]): StagedJournal {
  const bytes = jcs(journal);
  if (bytes.length <= RUN_LIMITS.inlineJournalBytes) return { stored: journal, ops: [] };
  const blobs = [];
  for (let at = 0; at < bytes.length; at += RUN_LIMITS.journalPartBytes) {
    blobs.push(stageBlob(bytes.subarray(at, at + RUN_LIMITS.journalPartBytes), RUN_LIMITS.journalPartBytes));
  }
  const sha256 = sha256Hex(bytes);
  const stored = blobs.length === 1 ? { sha256 } : { sha256, parts: blobs.map((blob) => blob.sha256) };
  return { stored, ops: blobs.flatMap(({ ops }) => ops) };
}

/** @throws CodedError `not_found` (404) for a missing part, `integrity_error` (500) if anything was altered. */
export async function readJournal(
  content: ContentStore,
  { sha256, parts = [sha256] }: JournalBlob,
): Promise<readonly JournalEntry[]> {
  const read: Uint8Array[] = [];
  for (const part of parts) read.push(await content.get(part));
  const bytes = concat(...read);
  if (sha256Hex(bytes) !== sha256) {
    throw new CodedError("integrity_error", "The parts of a journal do not make up its digest.", {
      details: { sha256 },
    });
  }
  const journal = parseJsonText(fromUtf8(bytes), {
    maxBytes: bytes.length,
    maxDepth: JSON_LIMITS.storedDepth,
  });
  return journal as readonly JournalEntry[] & typeof journal;
}
