/** Bounds of runs and of what is kept of them (vm.md 12), and of Φ's memory (phi.md 15). */
import { minutes, seconds } from "../units.ts";

export const RUN_LIMITS = Object.freeze({
  /** Bytes of a journal within its run record; a larger one goes to the content store (vm.md 12). */
  inlineJournalBytes: 16_384,
  /** Bytes of one part of a journal in the content store (vm.md 12). */
  journalPartBytes: 1_048_576,
  /** Shapes of records that are remembered, to keep the next one as a difference (vm.md 12). */
  rowBases: 32,
  /** Records that are kept as the difference to one: what a damaged one takes with it. */
  rowsPerBase: 256,
  /** Entries of a journal that is read back (vm.md 11). */
  journalEntries: 65_536,
  /** Records of evidence of one run that are read back: more than the largest tier leaves (evidence.md 13). */
  evidence: 32_768,
  /** Effects that the ledger entry of a run lists (vm.md 12). */
  settledEffects: 64,
  /** Notes of one call's log that a run keeps (vm.md 12). */
  notes: 32,
  /** Characters of a note's details (vm.md 12). */
  noteCharacters: 4096,
  /** Characters of a program's name that was asked for and does not exist. */
  nameCharacters: 128,
  /** Ms that running programs have to end when the daemon stops (vm.md 9). */
  drainMs: seconds(10),
  /** Ms until a trigger that could not start is tried again (capabilities.md 13). */
  triggerRetryMs: seconds(5),
});

export const PHI_LIMITS = Object.freeze({
  /** Subjects with a balance, least recently used at full balance first out (phi.md 11). */
  subjects: 1024,
  /** Scores that are kept of one candidate (phi.md 8). */
  history: 500,
  /** Candidates that are compared (phi.md 8). */
  candidates: 64,
  /** Ms between two explorations (phi.md 9). */
  cooldownMs: minutes(15),
  /** Ms of a KPI window that names no length (observability.md 2). */
  windowMs: minutes(10),
});
