/** The public face of the ledger. */

export * from "./changes.ts";
export * from "./checkpoint.ts";
export { entryHash, isLedgerEntry, nextPrevHash } from "./entry.ts";
export { eventText, MAX_DATA_BYTES, MAX_REFS } from "./event.ts";
export * from "./export.ts";
export * from "./fingerprint.ts";
export { isKeptForever, LEDGER_KINDS } from "./kinds.ts";
export {
  CHECKPOINT_ENTRIES,
  CHECKPOINT_MS,
  GROUP_COMMIT_MS,
  Ledger,
} from "./ledger.ts";
export type { LedgerOptions, OpenedAs } from "./ledger-options.ts";
export { type LogRetained, LogRetention, type LogRetentionLimits } from "./log-retention.ts";
export { probedEpoch } from "./log-rows.ts";
export { LogWatch, type LogWatchResult } from "./log-watch.ts";
export * from "./note.ts";
export * from "./proof-text.ts";
export { type IndexedEntry, LedgerReader } from "./reader.ts";
export { redact } from "./redact.ts";
export * from "./retention.ts";
export * from "./rollup.ts";
export { GROWING_SUB, sumShares } from "./rollup-book.ts";
export type { KnownTree } from "./start.ts";
export * from "./tree.ts";
export * from "./tree-proof.ts";
export type * from "./types.ts";
export * from "./verify.ts";
export { type VerifyKeys, type VerifyStoreOptions, verifyStore } from "./verify-store.ts";
export * from "./witness.ts";
