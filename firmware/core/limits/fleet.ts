/** Bounds of commands, receipts and the outbox (trust.md 7, sync.md 8). */
import { hours, millis, minutes, seconds } from "../units.ts";

export const COMMAND_LIMITS = Object.freeze({
  /** Bytes of the whole message, envelope included, before parsing (trust.md 7). */
  messageBytes: 8192,
  /** Levels of the message (trust.md 7). */
  messageDepth: 8,
  /** Ms between issue and expiry (trust.md 7). */
  lifetimeMs: minutes(10),
  /** Ms between issue and expiry of an emergency stop, which may wait longer (trust.md 7). */
  emergencyLifetimeMs: hours(1),
  /** Ms the issuer's clock may be ahead (trust.md 7). */
  skewMs: seconds(30),
  /** Commands of one key in a minute (trust.md 7). */
  perMinute: 60,
  /** Replay records; when they are full a command is refused, never forgotten (trust.md 7). */
  records: 4096,
  /** Ms a replay record outlives its command: twice what a clock may be ahead (trust.md 7). */
  keepAfterExpiryMs: seconds(60),
  /** Ms a receipt waits to be sent: a controller that has not asked for a day no longer waits (trust.md 7). */
  receiptLifeMs: hours(24),
  /** Ms between two attempts to make the answer of a command durable (trust.md 7). */
  answerRetryMs: seconds(5),
  /** Ms that the receipt of an unrecorded refusal waits to be sent: nothing was done, so nobody misses it (trust.md 7). */
  refusalLifeMs: seconds(60),
  /** Keys whose commands are counted (trust.md 7). */
  countedKeys: 1024,
  /** Pairs of key and reason whose rejections are counted (trust.md 7). */
  rejectionPairs: 1024,
  /** Ms that imuctl gives a command it signs, if nothing else is asked for (trust.md 7). */
  sentLifetimeMs: seconds(60),
  /** Bytes of a receipt or status message that imuctl reads, before parsing (trust.md 7). */
  receiptBytes: 65_536,
  /** Levels of such a message (trust.md 7). */
  receiptDepth: 16,
});

export const OUTBOX_LIMITS = Object.freeze({
  /** Ms that one attempt to send may take before the message is free again (sync.md 8). */
  leaseMs: seconds(10),
  /** Ms of the longest pause between attempts (sync.md 8). */
  backoffMs: minutes(5),
  /** Refusals by the broker after which a message is dead (sync.md 8). */
  refusals: 20,
  /** Messages that wait (sync.md 8). */
  items: 50_000,
  /** Bytes that wait (sync.md 8). */
  bytes: 64 * 1024 * 1024,
  /** Dead messages that are kept for a person to look at (sync.md 8). */
  dead: 256,
  /** Ms between two searches for expired messages (sync.md 8). */
  sweepMs: seconds(1),
  /** Ms in which changes of the status share one message (observability.md 8). */
  statusGatherMs: millis(100),
});
