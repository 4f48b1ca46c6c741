/** Bounds of evidence records, of content and of what is remembered about sources (evidence.md 16). */
import { minutes, seconds } from "../units.ts";

export const EVIDENCE_LIMITS = Object.freeze({
  /** Bytes of a payload within its record; a larger one goes to the content store (evidence.md 1). */
  inlineBytes: 2048,
  /** Bytes of one blob of the content store (evidence.md 2). */
  blobBytes: 1_048_576,
  /** Parents of one record (evidence.md 1). */
  parents: 32,
  /** Characters of a source's name (evidence.md 4). */
  sourceCharacters: 256,
  /** Sources whose standing is kept in memory; full, it starts anew (evidence.md 4). */
  rememberedSources: 1024,
  /** Rules of a signed list of sources, kinds and keys of one of them (evidence.md 4). */
  sourceRules: 1024,
  sourceKinds: 64,
  sourceKeys: 16,
  /** Nonces of official statements that have not expired; full, no new statement is accepted (evidence.md 11). */
  officialNonces: 4096,
  /** Sources whose reputation is kept (evidence.md 6). */
  reputations: 4096,
  /** Ms a record may be ahead of this clock and still count as new (evidence.md 5). */
  skewMs: seconds(2),
  /** Ms a record lives that asked for no time of its own (evidence.md 5). */
  ttlMs: minutes(10),
  /** Ms after which a signature no longer counts as fresh (evidence.md 7). */
  signatureFreshMs: seconds(60),
  /** Records of a message's manifest: bounds the look-ups of one check (evidence.md 14). */
  manifestRecords: 256,
  /** Records of one exported bundle: more than the largest tier leaves (evidence.md 13). */
  transferRecords: 32_768,
  /** Rows that one batch of the collection removes: no batch holds up a commit (evidence.md 2). */
  collectionBatch: 256,
  /** Shapes of runs that are remembered, to pack the next run of the same shape. */
  packBases: 32,
  /** Runs that are packed as the difference to one base: what a damaged base takes with it (evidence.md 2). */
  packsPerBase: 256,
});

/** Messages from outside that become evidence (evidence.md 12 and 16). */
export const INBOUND_LIMITS = Object.freeze({
  /** Bytes of a message, before parsing. */
  maxBytes: 65_536,
  /** Messages per second of one sender. */
  perSecond: 20,
  /** Messages of one sender at once. */
  burst: 40,
});

/** What is fetched to check a claim by samples (evidence.md 15). */
export const SAMPLING_LIMITS = Object.freeze({
  /** Ms of the whole fetch. */
  timeoutMs: seconds(3),
  /** Bytes that are read. */
  maxBytes: 1_000_000,
});

export const CLAIM_LIMITS = Object.freeze({
  /** Records one claim names (evidence.md 9). */
  evidence: 16,
  /** Characters of a claim's id (evidence.md 9). */
  idCharacters: 128,
  /** Levels of a claim's schema (evidence.md 9). */
  schemaDepth: 16,
  /** Characters of a pattern (evidence.md 9). */
  patternCharacters: 128,
  /** States of a compiled pattern: memory and work per character; `{m,n}` unrolls into copies (evidence.md 9). */
  patternStates: 1024,
  /** Code points of a text that is matched: a claim is not a document (evidence.md 9). */
  matchedCharacters: 4096,
});
