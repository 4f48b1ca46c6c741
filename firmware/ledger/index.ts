/** The public face of the ledger. */
export * from "./checkpoint.ts";
export { entryHash, isLedgerEntry, nextPrevHash } from "./entry.ts";
export { eventText, MAX_DATA_BYTES, MAX_REFS } from "./event.ts";
export { isKeptForever, LEDGER_KINDS } from "./kinds.ts";
export {
  CHECKPOINT_ENTRIES,
  CHECKPOINT_MS,
  GROUP_COMMIT_MS,
  Ledger,
  type LedgerOptions,
  type OpenedAs,
} from "./ledger.ts";
export * from "./note.ts";
export { type IndexedEntry, LedgerReader } from "./reader.ts";
export { redact } from "./redact.ts";
export * from "./tree.ts";
export * from "./tree-proof.ts";
export type * from "./types.ts";
export * from "./verify.ts";
export * from "./verify-store.ts";
