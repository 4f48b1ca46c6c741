/** Bounds and promises of the ledger (ledger.md 15). */
import { millis, minutes, seconds } from "../units.ts";

export const LEDGER_LIMITS = Object.freeze({
  /** Bytes of the canonical `data` of an entry; larger values go to the content store (ledger.md 1). */
  dataBytes: 8192,
  /** References of an entry (ledger.md 1). */
  refs: 64,
  /** Characters of an actor's or subject's name (ledger.md 1). */
  nameCharacters: 256,
  /** Bytes of a stored entry, the largest length its frame can tell (ledger.md 3). */
  entryBytes: 0xffff,
  /** Largest index: twelve digits, so that keys sort as numbers (ledger.md 3). */
  index: 999_999_999_999,
  /** Ms that commits wait for company, so that they share one sync of the disk (ledger.md 3). */
  groupCommitMs: millis(20),
  /** Events of one batch: bounds its memory, not the queue; a longer queue is written in several (ledger.md 3). */
  groupEvents: 4096,
  /** Commits that wait; beyond, they are refused: a store that stands still must not fill the memory (ledger.md 3). */
  waiting: 16_384,
  /** Entries after which a checkpoint is signed (ledger.md 5). */
  checkpointEntries: 256,
  /** Ms after which a checkpoint is signed, if there is anything new (ledger.md 5). */
  checkpointMs: seconds(60),
  /** Bytes of a signed note, before parsing (ledger.md 5). */
  noteBytes: 65_536,
  /** Signatures of a note (ledger.md 5). */
  noteSignatures: 32,
  /** Seconds a cosignature may be ahead of the verifier's clock (ledger.md 6). */
  cosignatureSkewSec: 300,
  /** Hashes of a proof: enough for any tree of fewer than 2^63 leaves (ledger.md 4). */
  proofHashes: 63,
  /** Uneventful runs of one rollup (ledger.md 8). */
  rollupRuns: 1000,
  /** Ms after which a rollup is written (ledger.md 8). */
  rollupMs: minutes(1),
  /** Every run whose ordinal is a multiple of this is recorded in full (ledger.md 8). */
  rollupFullEvery: 100,
  /** Rows that one batch of the pruning removes: no batch holds up a commit (ledger.md 11). */
  pruneBatch: 512,
  /** Paths that a change lists (ledger.md 12). */
  changedPaths: 256,
  /** Bytes of one page of an export, its last line excepted: a page is held in memory (ledger.md 14). */
  exportPageBytes: 1_048_576,
  /** Programs and policies that an export remembers, so that runs share them (ledger.md 14). */
  exportDocuments: 1024,
  /** Older checkpoints of an export, the newest: each costs a verification (ledger.md 14). */
  exportCheckpoints: 256,
  /** Warnings of one verification; more of the same kind say nothing new (ledger.md 10). */
  warnings: 256,
});
