/** Bounds of the control socket, of imuctl and of the links of the daemon. */
import { millis, minutes, seconds } from "../units.ts";

export const CONTROL_LIMITS = Object.freeze({
  /** Bytes of one request, one line, before parsing: an operator's payload of the largest tier in its frame (vm.md 8). */
  requestBytes: 1_048_576,
  /** Bytes of one answer, as many as an exported run may have (ledger.md 14). */
  answerBytes: 67_108_864,
  /** Levels of a request (vm.md 3). */
  requestDepth: 32,
  /** Levels of an answer: an exported run nests deepest (ledger.md 14). */
  answerDepth: 80,
  /** Clients at the same time: operators and their scripts (capabilities.md 15). */
  clients: 32,
  /** Rows that one list or tail returns. */
  list: 10_000,
  /** Records looked at for one program before a list gives up. */
  scanned: 100_000,
  /** Bytes of a JSON argument on the command line: a payload of the largest tier (vm.md 8). */
  argumentBytes: 1_048_576,
  /** Levels of a JSON argument: what a program document has (vm.md 2). */
  argumentDepth: 24,
  /** Bytes of a value that imuctl writes live: what the key-value store takes (capabilities.md 11). */
  valueBytes: 65_536,
  /** Characters of a staged release in one request, with room for its frame. */
  stagedCharacters: 1_000_000,
  /** Ms that imuctl waits for a reading answer. */
  readMs: seconds(60),
  /** Ms that imuctl waits until a change of the releases is recorded. */
  changeMs: minutes(2),
});

export const LINK_LIMITS = Object.freeze({
  /** Bytes of an MQTT packet: a fork proof carries two signed batches (sync.md 5); nothing larger is accepted. */
  packetBytes: 262_144,
  /** Bytes of an MQTT packet on a link whose owner sets none: a message and its topic (sync.md 4.2). */
  unsetPacketBytes: 65_536 + 1024,
  /** Bytes of a packet that the built-in broker reads: more than its clients may send (simulator.md 7). */
  brokerPacketBytes: 1_048_576,
  /** Ms until a connection stands (sync.md 8). */
  openMs: seconds(10),
  /** Ms until the broker has confirmed a message, after which the link counts as down (sync.md 8). */
  ackMs: seconds(10),
  /** Ms of the first pause between attempts (sync.md 8). */
  firstBackoffMs: millis(250),
  /** Ms of the longest pause between attempts (sync.md 8). */
  backoffMs: seconds(30),
  /** Ms that imuctl waits for the broker. */
  connectMs: seconds(15),
  /** Ms a link must hold before its next pause starts small again. */
  stableMs: seconds(10),
});

export const ALERT_LIMITS = Object.freeze({
  /** Alerts that are kept (observability.md 5). */
  kept: 64,
  /** Ms in which a repeated alert is counted and not told (observability.md 5). */
  quietMs: minutes(1),
  /** Alerts that are told apart (observability.md 5). */
  keys: 256,
});
