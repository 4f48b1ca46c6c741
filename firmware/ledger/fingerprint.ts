/** Fingerprints of documents and the rule of their queue (ledger.md 9). */
import { jcs } from "../core/canonical-json.ts";
import { sha256Hex } from "../core/hash.ts";
import type { JsonObject } from "../core/json.ts";

export interface DocumentFingerprint {
  readonly kind: string;
  readonly sha256: string;
  /** Bytes of the canonical form. */
  readonly size: number;
}

/** @throws CodedError `not_canonical`. */
export function fingerprintOf(doc: JsonObject): DocumentFingerprint {
  const bytes = jcs(doc);
  const kind = Object.hasOwn(doc, "_type") && typeof doc._type === "string" ? doc._type : "manifest";
  return { kind, sha256: sha256Hex(bytes), size: bytes.length };
}

export interface QueuedFingerprint {
  readonly sha256: string;
  readonly kind: string;
  readonly origin: string;
  readonly inFlight: boolean;
}

export interface FingerprintQueue {
  /** Oldest first. */
  readonly waiting: readonly QueuedFingerprint[];
  /** What newer checkpoints took the place of. */
  readonly superseded: readonly string[];
}

export const EMPTY_QUEUE: FingerprintQueue = { waiting: [], superseded: [] };

/**
 * Queues a document once. A newer checkpoint takes the place of an older one of its origin that is not in flight;
 * other kinds are never superseded.
 */
export function enqueueFingerprint(
  queue: FingerprintQueue,
  item: Omit<QueuedFingerprint, "inFlight">,
): FingerprintQueue {
  if (queue.waiting.some((other) => other.sha256 === item.sha256)) return queue;
  const next: QueuedFingerprint = { ...item, inFlight: false };
  const older = queue.waiting.find(
    (other) =>
      item.kind === "checkpoint" &&
      other.kind === "checkpoint" &&
      other.origin === item.origin &&
      !other.inFlight,
  );
  if (older === undefined) return { ...queue, waiting: [...queue.waiting, next] };
  return {
    waiting: queue.waiting.map((other) => (other === older ? next : other)),
    superseded: [...queue.superseded, older.sha256],
  };
}

/** What is sent now, oldest first, and the queue in which all of it is in flight. */
export function sendFingerprints(queue: FingerprintQueue): {
  readonly sent: readonly string[];
  readonly queue: FingerprintQueue;
} {
  const sent = queue.waiting.filter((item) => !item.inFlight).map((item) => item.sha256);
  return { sent, queue: { ...queue, waiting: queue.waiting.map((item) => ({ ...item, inFlight: true })) } };
}

/** An acknowledged document leaves the queue. */
export const acknowledgeFingerprint = (queue: FingerprintQueue, sha256: string): FingerprintQueue => ({
  ...queue,
  waiting: queue.waiting.filter((item) => item.sha256 !== sha256),
});

/** The link broke: what was in flight is sent again; delivery is at least once. */
export const releaseFingerprints = (queue: FingerprintQueue): FingerprintQueue => ({
  ...queue,
  waiting: queue.waiting.map((item) => ({ ...item, inFlight: false })),
});
