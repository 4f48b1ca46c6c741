/** Bounds of gossip, replicated documents and clocks of the fleet (sync.md 4 and 11). */
import { hours, millis, minutes, seconds } from "../units.ts";

export const GOSSIP_LIMITS = Object.freeze({
  /** Bytes of a gossip message, before parsing (sync.md 4.2). */
  messageBytes: 65_536,
  /** Bytes of a fork proof: two messages of the largest size and their frame (sync.md 5). */
  proofBytes: 2 * 65_536 + 16,
  /** Levels of a message's payload and of a batch (sync.md 4.2). */
  messageDepth: 16,
  /** Bytes of a batch as it arrives (sync.md 4.3). */
  batchBytes: 65_536,
  /** Deltas of a batch (sync.md 4.1). */
  deltas: 256,
  /** Bytes of the deltas of a batch: its frame and signature come on top (sync.md 4.1). */
  deltaBytes: 32 * 1024,
  /** Characters of a key of a replicated document (sync.md 2). */
  keyCharacters: 512,
  /** Ranges one pull asks for (sync.md 4.4). */
  pulls: 64,
  /** Bytes of one page of heads (sync.md 4.4). */
  headsPageBytes: 16 * 1024,
  /** Bytes of batches in one fill: with base64 and signature still a message (sync.md 4.4). */
  fillBytes: 44 * 1024,
  /** Ms of random waiting before a pull, so that another device's fill makes it unnecessary (sync.md 4.4). */
  pullWaitMs: millis(500),
  /** Ms until heads or ranges that did not come are asked for again (sync.md 4.4). */
  retryMs: seconds(5),
  /** Seconds that the broker keeps a message for a device that is away (sync.md 4.2). */
  expirySec: 60,
  /** Messages that wait to be judged; the next one is dropped (sync.md 4.5). */
  inbox: 1024,
  /** Messages that are judged in one go and share a sync of the disk (sync.md 4.5). */
  inboxGroup: 32,
  /** Ms that local writes are collected into one batch (sync.md 4.1). */
  collectMs: millis(200),
  /** Local writes that wait for their batch (sync.md 4.1). */
  waitingWrites: 1024,
  /** Local writes of one batch (sync.md 4.1). */
  writeGroup: 64,
  /** Origins whose pulls are planned (sync.md 11). */
  origins: 1024,
});

/** When a digest is sent (sync.md 4.4, RFC 6206). */
export const TRICKLE_LIMITS = Object.freeze({
  /** Ms of the shortest interval. */
  iminMs: seconds(4),
  /** Doublings to the longest interval: 256 s. */
  doublings: 6,
  /** Equal digests that silence an interval. */
  k: 3,
});

/** Batches that wait for a predecessor, a roster or the clock (sync.md 4.3). */
export const HELD_LIMITS = Object.freeze({
  /** Batches of one origin. */
  maxBatches: 1024,
  /** Bytes of the batches of one origin. */
  maxBytes: 4 * 1024 * 1024,
  /** Origins that have any. */
  maxOrigins: 1024,
  /** Ms that one waits. */
  forMs: minutes(5),
});

/** What one sender, and all of them together, may cost this device (sync.md 4.5). */
export const PEER_LIMITS = Object.freeze({
  /** Messages of one sender, per second. */
  messages: Object.freeze({ rps: 20, burst: 60 }),
  /** Bytes of one sender, per second. */
  bytes: Object.freeze({ rps: 65_536, burst: 262_144 }),
  /** Messages of all senders, per second. */
  all: Object.freeze({ rps: 200, burst: 400 }),
  /** Senders that are counted apart. */
  maxPeers: 1024,
  /** Ms in which invalid messages and drops are counted. */
  windowMs: minutes(10),
  /** Invalid messages that mute a sender. */
  invalidPerWindow: 10,
  /** Drops for its rate that mute a sender. */
  dropsPerWindow: 100,
  /** Ms of the first silence; each further one is twice as long. */
  muteMs: minutes(1),
  /** Ms of the longest silence. */
  maxMuteMs: hours(1),
});

export const SYNC_LIMITS = Object.freeze({
  /** Ms a remote timestamp may be ahead of this clock (sync.md 1). */
  driftMs: seconds(60),
  /** Ms by which the stored mark of the clock is ahead, so that a restart never goes back (sync.md 1). */
  markAheadMs: seconds(10),
  /** Ms between two writes of that mark (sync.md 1). */
  markEveryMs: seconds(5),
  /** Ms a start listens for a longer chain of its own before its first batch (sync.md 4.4). */
  listenMs: seconds(2),
  /** Witnesses a head should have (sync.md 7). */
  witnesses: 3,
  /** Ms of a fleet lease, at most (sync.md 9). */
  leaseTtlMs: seconds(60),
  /** Ms between two rounds of housekeeping (sync.md 11). */
  housekeepingMs: minutes(1),
  /** Kinds of rejections that are counted apart (sync.md 10). */
  rejectionKeys: 1024,
  /** Rejections told per minute, whoever they come from: names of senders cost an attacker nothing (sync.md 10). */
  rejectionsTold: 20,
  /** Ms in which a repeated rejection is counted and not told (sync.md 10). */
  quietMs: minutes(1),
});
