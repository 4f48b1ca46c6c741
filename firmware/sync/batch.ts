/** The unit of gossip: a signed batch of deltas, chained per origin (sync.md 4.1). */
import { jcs } from "../core/canonical-json.ts";
import { hashJson, sha256Hex } from "../core/hash.ts";
import { isJsonObject, type Json } from "../core/json.ts";
import { GOSSIP_LIMITS } from "../core/limits.ts";
import { readDelta } from "./crdt/delta-schema.ts";
import { CRDT_TYPES, type CrdtState, type CrdtType } from "./crdt/types.ts";
import { BATCH_TYPE, readPayload, type SignedMessage, type SigningKey, signMessage } from "./envelope.ts";
import { deviceOfReplica, isReplicaId, parseStamp } from "./hlc.ts";
import { documentRule, type Roster } from "./roster.ts";

export const MAX_DELTAS = GOSSIP_LIMITS.deltas;
export const MAX_DELTA_BYTES = GOSSIP_LIMITS.deltaBytes;

export interface Delta {
  readonly doc: string;
  readonly type: CrdtType;
  readonly d: Json;
}

export interface Batch {
  readonly v: 1;
  readonly fleet: string;
  /** Replica id. */
  readonly origin: string;
  /** 1, 2, 3 … without gaps. */
  readonly seq: number;
  /** Hash of the previous payload, empty for the first. */
  readonly prev: string;
  readonly hlc: string;
  /** Roster version under which it is judged. */
  readonly roster: number;
  readonly deltas: readonly Delta[];
}

export interface SignedBatch {
  readonly batch: Batch;
  readonly hash: string;
  readonly message: SignedMessage;
}

/** @throws CodedError `not_canonical` (422). */
export const hashBatch = (payload: unknown): string => hashJson(payload);

export function signBatch(batch: Batch, key: SigningKey): SignedBatch {
  const payload = jcs(batch);
  return { batch, hash: sha256Hex(payload), message: signMessage(BATCH_TYPE, payload, key) };
}

function readDeltaRow(value: Json): Delta | null {
  if (!isJsonObject(value) || Object.keys(value).sort().join() !== "d,doc,type") return null;
  const { doc, d } = value;
  const type = CRDT_TYPES.find((known) => known === value.type);
  return typeof doc === "string" && doc.length <= 256 && type !== undefined && d !== undefined
    ? { doc, type, d }
    : null;
}

const isWhole = (value: Json | undefined, min: number): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= min;

function fromJson(value: Json): Batch | null {
  if (
    !isJsonObject(value) ||
    Object.keys(value).sort().join() !== "deltas,fleet,hlc,origin,prev,roster,seq,v"
  )
    return null;
  const { fleet, origin, seq, prev, hlc, roster, deltas } = value;
  if (value.v !== 1 || typeof fleet !== "string" || typeof origin !== "string" || !isReplicaId(origin))
    return null;
  if (!isWhole(seq, 1) || !isWhole(roster, 0) || typeof prev !== "string" || typeof hlc !== "string")
    return null;
  if (seq === 1 ? prev !== "" : !/^[0-9a-f]{64}$/.test(prev)) return null;
  if (parseStamp(hlc)?.replica !== origin || !Array.isArray(deltas) || deltas.length > MAX_DELTAS)
    return null;
  const rows: Delta[] = [];
  for (const row of deltas as readonly Json[]) {
    const delta = readDeltaRow(row);
    if (delta === null) return null;
    rows.push(delta);
  }
  return { v: 1, fleet, origin, seq, prev, hlc, roster, deltas: rows };
}

/** Null when it is not a batch. @throws CodedError `malformed` (400) when the payload is not canonical JSON. */
export function readBatch(message: SignedMessage): SignedBatch | null {
  if (message.payloadType !== BATCH_TYPE) return null;
  const batch = fromJson(readPayload(message));
  return batch && { batch, hash: sha256Hex(message.payload), message };
}

/** `self` without `<id>` in the name: keys of the writing device only. */
function writesOnlyOwnKeys(delta: Delta, device: string): boolean {
  if (delta.type !== "lwwmap" && delta.type !== "ormap") return true; // Dots, totals and stamps are its own anyway.
  const keyed = delta.type === "lwwmap" ? delta.d : isJsonObject(delta.d) ? (delta.d.entries ?? null) : null;
  return (
    keyed !== null &&
    isJsonObject(keyed) &&
    Object.keys(keyed).every((key) => key === device || key.startsWith(`${device}/`))
  );
}

/** True iff the device may write this delta under the roster. */
export function mayWrite(roster: Roster, delta: Delta, device: string): boolean {
  const found = documentRule(roster, delta.doc);
  if (found === null) return false;
  const { rule, owner } = found;
  if (rule.writers === "any") return true;
  if (rule.writers === "self") return owner === null ? writesOnlyOwnKeys(delta, device) : owner === device;
  return rule.writers.some((writer) => (writer === "self" ? owner === device : writer === device));
}

export type BatchContent =
  | { readonly ok: true; readonly deltas: readonly { readonly doc: string; readonly state: CrdtState }[] }
  | { readonly ok: false; readonly fault: "writer_denied" | "delta_invalid" };

/** Judged from signed content and the named roster only, so that every replica voids the same batches. */
export function judgeContent(batch: Batch, roster: Roster): BatchContent {
  const device = deviceOfReplica(batch.origin) ?? "";
  const deltas: { doc: string; state: CrdtState }[] = [];
  for (const delta of batch.deltas)
    if (!mayWrite(roster, delta, device)) return { ok: false, fault: "writer_denied" };
  for (const delta of batch.deltas) {
    const state = readDelta(delta.type, delta.d, { replica: batch.origin, hlc: batch.hlc });
    if (state === null || documentRule(roster, delta.doc)?.rule.type !== delta.type)
      return { ok: false, fault: "delta_invalid" };
    deltas.push({ doc: delta.doc, state });
  }
  return { ok: true, deltas };
}
