/** What is kept how long, and how much of the disk the daemon leaves free (ledger.md 11, evidence.md 16, policy.md 4). */
import { hours, millis, minutes, seconds } from "../units.ts";

export const RETENTION_LIMITS = Object.freeze({
  /** Ms between two rounds of retention (ledger.md 11). */
  everyMs: hours(1),
  /** Ms after the start within which the first round begins, drawn: a fleet that is switched on together spreads. */
  firstWithinMs: minutes(5),
  /** Ms that one slice of housekeeping works before others get their turn (ledger.md 10). */
  sliceMs: millis(5),
  /** Days in which every checkpoint note is kept; of older days one each, for ever (ledger.md 11). */
  noteDays: 30,
  /** Notes that are looked through for the largest witnessed checkpoint: a month of them (ledger.md 11). */
  searchedNotes: 43_200,
  /** Rows that one batch of the thinning removes: no batch holds up a commit (ledger.md 11). */
  batchRows: 256,
  /** Run records that are looked at in one round, the oldest first. */
  roundRuns: 100_000,
  /** Wall ms before this (2020) are of a clock that nobody has set: they tell no age (simulator.md 2, boards without RTC). */
  setSinceMs: millis(1_577_836_800_000),
  /** Ms between two verifications of the whole log (ledger.md 10). */
  verifyMs: hours(24),
  /** Entries between two places where an interrupted verification can go on (ledger.md 10). */
  verifySegment: 4096,
});

export const DISK_LIMITS = Object.freeze({
  /** Bytes that must be free; below, retention runs at once and new runs are refused (ledger.md 11). */
  freeBytes: 67_108_864,
  /** Bytes that must be free before runs are admitted again: a margin, so that the state does not flicker. */
  resumeBytes: 83_886_080,
  /** Bytes of entries that are kept while the disk is short, beside those that are too young to go. */
  relievedLogBytes: 1_048_576,
  /** Ms between two looks at the disk (ledger.md 11). */
  lookMs: seconds(30),
  /** Ms between two attempts to write while the ledger cannot be written. */
  retryMs: seconds(30),
  /** Bytes that a database needs to be opened anew after a failed write: its log and manifest, one table. */
  reopenBytes: 8_388_608,
});
