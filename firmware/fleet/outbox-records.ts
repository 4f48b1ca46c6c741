/** How the outbox lies in the store: one CBOR record per message under its number, version byte first. */
import { decodeCbor, encodeCbor } from "../core/cbor.ts";
import { CodedError } from "../core/errors.ts";
import { sha256Hex } from "../core/hash.ts";
import { isJsonObject } from "../core/json.ts";
import { OUTBOX_CLASSES, type OutboxClass, type OutboxMeta } from "./outbox-queue.ts";

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

/** The number a key names. @throws CodedError `store_corrupt` for a key that names none. */
export function outboxSeq(key: string): number {
  if (/^[0-9]{16}$/.test(key) && Number.isSafeInteger(Number(key))) return Number(key);
  throw new CodedError("store_corrupt", "A key of the outbox is no number.", { details: { key } });
}

export const encodeRecord = (record: OutboxRecord): Uint8Array => encodeCbor({ v: 1, ...record });

const isText = (value: unknown): boolean => typeof value === "string";
const isClass = (value: unknown): boolean => OUTBOX_CLASSES.some((known) => known === value);

function isRecord(row: Readonly<Record<string, unknown>>): boolean {
  return (
    row.v === 1 &&
    isText(row.id) &&
    (row.idem === null || isText(row.idem)) &&
    isText(row.topic) &&
    isClass(row.class) &&
    (row.qos === 0 || row.qos === 1) &&
    (row.expiresMs === null || Number.isFinite(row.expiresMs)) &&
    Number.isSafeInteger(row.attempts) &&
    (row.correlation === null || row.correlation instanceof Uint8Array) &&
    row.body instanceof Uint8Array
  );
}

/** Reads a row of `outbox`. @throws CodedError `store_corrupt`. */
export function decodeRecord(bytes: Uint8Array): OutboxRecord {
  const value = decodeCbor(bytes);
  if (!isJsonObject(value) || !isRecord(value)) {
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

/** Reads a row of `outbox_gaps`. @throws CodedError `store_corrupt`. */
export function decodeGap(bytes: Uint8Array): OutboxGap {
  const value = decodeCbor(bytes);
  const row: Readonly<Record<string, unknown>> = isJsonObject(value) ? value : {};
  if (!isClass(row.class) || ![row.from, row.to, row.count].every(Number.isSafeInteger)) {
    throw new CodedError("store_corrupt", "A count of lost messages has an unknown form.");
  }
  return row as typeof row & OutboxGap;
}
