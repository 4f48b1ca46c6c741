/** How the outbox lies in the store: one CBOR record per message under its number, version byte first. */
import { decodeCbor, encodeCbor } from "../core/cbor.ts";
import { CodedError } from "../core/errors.ts";
import { sha256Hex } from "../core/hash.ts";
import { isJsonObject } from "../core/json.ts";
import type { OutboxClass, OutboxMeta } from "./outbox-queue.ts";

export const OUTBOX = "outbox";
export const OUTBOX_DEAD = "outbox_dead";
export const OUTBOX_GAPS = "outbox_gaps";

export interface OutboxRecord {
  readonly id: string;
  readonly idem: string | null;
  readonly topic: string;
  readonly class: OutboxClass;
  readonly qos: 0 | 1;
  readonly expiresMs: number | null;
  readonly attempts: number;
  /** MQTT 5 correlation data of the request this answers. */
  readonly correlation: Uint8Array | null;
  readonly body: Uint8Array;
}

/** What was lost while the link was down, reported when it is back. */
export interface OutboxGap {
  readonly class: OutboxClass;
  /** Wall ms of the first and the last loss. */
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** Fixed width, so that the order of keys is the order of arrival. */
export const outboxKey = (seq: number): string => String(seq).padStart(16, "0");

export const encodeRecord = (record: OutboxRecord): Uint8Array => encodeCbor({ v: 1, ...record });

/** @throws CodedError `store_corrupt`. */
export function decodeRecord(bytes: Uint8Array): OutboxRecord {
  const value = decodeCbor(bytes);
  if (!isJsonObject(value) || value.v !== 1 || typeof value.id !== "string") {
    throw new CodedError("store_corrupt", "An outbox record has an unknown form.");
  }
  const { v: _version, ...record } = value as { v: unknown } & Record<string, unknown>;
  return record as typeof record & OutboxRecord;
}

export const metaOf = (seq: number, record: OutboxRecord): OutboxMeta => ({
  seq,
  id: record.id,
  idem: record.idem,
  bodyHash: sha256Hex(record.body),
  topic: record.topic,
  class: record.class,
  bytes: record.body.length,
  expiresMs: record.expiresMs,
});
