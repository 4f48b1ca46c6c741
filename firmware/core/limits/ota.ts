/** Bounds of releases and promises of an update (rollout.md 18). */
import { hours, minutes, seconds } from "../units.ts";

export const RELEASE_LIMITS = Object.freeze({
  /** Bytes of a bundle: programs, policy and notes of one release (trust.md 6). */
  bundleBytes: 4 * 1024 * 1024,
  /** Bytes of every chunk but the last: in its frame far below a packet (trust.md 3). */
  chunkBytes: 32 * 1024,
  /** Programs of a bundle (trust.md 6). */
  programs: 256,
  /** Self-tests of a bundle (rollout.md 9). */
  selfTests: 64,
  /** Characters of a bundle's notes (trust.md 6). */
  notes: 4096,
  /** Bytes of a statement with its envelope: the payload in base64 and its signatures (trust.md 5). */
  statementBytes: 96 * 1024,
  /** Bytes of a statement's payload (trust.md 5). */
  payloadBytes: 64 * 1024,
  /** Levels of a statement's envelope (trust.md 5). */
  envelopeDepth: 8,
  /** Levels of a statement's payload (trust.md 5). */
  payloadDepth: 16,
  /** Members of a list in a statement (trust.md 5). */
  listed: 1024,
  /** Links of a delegation (trust.md 6). */
  delegations: 3,
  /** Ms without a new chunk after which a transfer has stalled (trust.md 3). */
  stallMs: minutes(10),
  /** Bytes that stay free on the disk besides twice the bundle (rollout.md 8). */
  diskReserveBytes: 16 * 1024 * 1024,
});

/** Ms of each step before it counts as failed; what the probe waits for comes on top (rollout.md 2). */
export const STEP_LIMITS = Object.freeze({
  verify: minutes(1),
  plan: seconds(10),
  gates: minutes(2),
  shadow: minutes(15),
  activate: seconds(30),
  selfTest: minutes(1),
  probe: seconds(30),
});

export const PROBE_LIMITS = Object.freeze({
  /** Echoes that are sent (rollout.md 9). */
  count: 3,
  /** Ms in which they must be back (rollout.md 9). */
  windowMs: seconds(8),
  /** Share of echoes that may be missing or wrong (rollout.md 9). */
  errorRate: 0.02,
  /** Ms of the 95th percentile of their times (rollout.md 9). */
  p95Ms: 800,
  /** Ms between two echoes (rollout.md 9). */
  everyMs: 300,
  /** Bytes of an echo that is answered (rollout.md 9). */
  echoBytes: 256,
});

export const TRIAL_LIMITS = Object.freeze({
  /** Ms that a candidate is held on trial, at least (rollout.md 10). */
  minHoldMs: minutes(30),
  /** Ms that a candidate is held on trial, at most (rollout.md 10). */
  maxHoldMs: hours(24),
  /** Ms that a committed release is guarded (rollout.md 14). */
  guardMs: hours(1),
  /** Ms between two looks at the window of a trial (rollout.md 10). */
  evaluateMs: seconds(30),
  /** Ms between two looks whether the clock is set, which a trial needs (rollout.md 10). */
  clockWaitMs: seconds(1),
  /** Ms that the result of a gate holds (rollout.md 4). */
  gateTtlMs: minutes(15),
  /** Restarts of a device on trial (rollout.md 8). */
  restarts: 2,
  /** Ms that a refused release stays refused (rollout.md 17). */
  refusedMs: hours(24),
  /** Runs of one window that are compared (rollout.md 10). */
  windowRuns: 500,
  /** Update runs that are kept (rollout.md 2). */
  keptRuns: 50,
  /** Past releases that the pointer names (rollout.md 17). */
  history: 50,
  /** Committed releases whose bytes stay, besides those the pointer names (rollout.md 17). */
  keptReleases: 4,
  /** Violations of a gate that its stored result keeps (rollout.md 4). */
  keptViolations: 64,
  /** Characters of a reason in the journal (rollout.md 2). */
  reasonCharacters: 256,
  /** Ms of the first pause between stages of a fleet (rollout.md 12). */
  firstBackoffMs: seconds(5),
  /** Ms of the longest pause between stages of a fleet (rollout.md 12). */
  backoffMs: minutes(5),
});
