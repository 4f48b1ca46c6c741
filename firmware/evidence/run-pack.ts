/**
 * All evidence of one run as one value, without what the reader can work out: ids, digests of inline payloads, seals. A run
 * is packed as the difference to an earlier one of the same shape (`run-packer.ts`); of a program that does the same
 * every second little more than its readings is written.
 */
import { equalConstantTime, fromHex, toHex, utf8 } from "../core/bytes.ts";
import { jcs } from "../core/canonical-json.ts";
import { CodedError } from "../core/errors.ts";
import { hmacSha256Hex, sha256Hex } from "../core/hash.ts";
import { isJsonObject, type Json, type JsonObject } from "../core/json.ts";
import { type Octets, patched } from "../core/json-delta.ts";
import { evidenceId, isEvidenceBody, type SealKeys, sealMac } from "./envelope.ts";
import { countIn, type PackRow, PREFIX_BYTES, prefixAt } from "./pack-row.ts";
import type { Evidence, EvidenceBody } from "./types.ts";

const DOMAIN = utf8("imu.evidence.run.v1\n");
const HEX64 = /^[0-9a-f]{64}$/;
const DIGEST_BYTES = 32;

/** HMAC-SHA256(key, "imu.evidence.run.v1\n" ‖ run ‖ "\n" ‖ ids): an id is the hash of a whole body, so all is covered. */
export const runSealOf = (key: Uint8Array, runId: string, ids: readonly string[]): Uint8Array =>
  fromHex(hmacSha256Hex(key, DOMAIN, utf8(`${runId}\n${ids.join("")}`)));

/** A value with digests as octets, and ids of the run's own evidence as their position. What has none stays as it is. */
export function packedValue(value: Json, seqOf: ReadonlyMap<string, number>): Octets {
  if (typeof value === "string") {
    if (value.length !== 64 || !HEX64.test(value)) return value;
    const seq = seqOf.get(value);
    return seq === undefined ? octetsOfHex(value) : octetsOf(seq);
  }
  if (typeof value !== "object" || value === null) return value;
  return Array.isArray(value) ? packedList(value, seqOf) : packedObject(value as JsonObject, seqOf);
}

function packedList(list: readonly Json[], seqOf: ReadonlyMap<string, number>): readonly Octets[] {
  let copy: Octets[] | null = null;
  for (let i = 0; i < list.length; i++) {
    const item = packedValue(list[i] as Json, seqOf);
    if (item === list[i]) continue;
    copy ??= [...list];
    copy[i] = item;
  }
  return copy ?? list;
}

function packedObject(object: JsonObject, seqOf: ReadonlyMap<string, number>): Octets {
  let copy: Record<string, Octets> | null = null;
  for (const name of Object.keys(object)) {
    const item = packedValue(object[name] as Json, seqOf);
    if (item === object[name]) continue;
    copy ??= { ...object };
    // In its place; a member called `__proto__` would be lost by an assignment.
    if (name === "__proto__") Object.defineProperty(copy, name, { value: item });
    else copy[name] = item;
  }
  return copy ?? object;
}

/** Of 64 hex digits that were looked at before. */
const octetsOfHex = (hex: string): Uint8Array => {
  const bytes = Buffer.from(hex, "hex");
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
};

const octetsOf = (seq: number): Uint8Array => Uint8Array.of(seq >> 8, seq & 0xff);

/** The value again. @param ids the run's evidence as far as it is known. @throws CodedError `store_corrupt`. */
export function unpackedValue(value: Octets, ids: readonly string[]): Json {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Uint8Array) {
    if (value.length === DIGEST_BYTES) return toHex(value);
    const id = value.length === 2 ? ids[((value[0] as number) << 8) | (value[1] as number)] : undefined;
    return id ?? corrupt();
  }
  if (Array.isArray(value)) return value.map((item: Octets) => unpackedValue(item, ids));
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, unpackedValue(item, ids)]));
}

function corrupt(): never {
  throw new CodedError("store_corrupt", "The packed evidence of a run is malformed.");
}

/** @param list all evidence of one run in order, at least one. */
export function packedRun(list: readonly Evidence[]): Octets {
  const { body: first, seal } = list[0] as Evidence;
  const seqOf = new Map(list.map(({ id }, seq) => [id, seq]));
  const items = list.map(({ body }): Octets => {
    const { kind, source, ts, monoMs, ttlMs, trust, parents, payload, sha256 } = body;
    return [
      kind,
      source,
      ts - first.ts,
      monoMs - first.monoMs,
      ttlMs,
      trust,
      packedValue([...parents], seqOf),
      payload === undefined ? fromHex(sha256) : null,
      payload === undefined ? null : packedValue(payload, seqOf),
    ];
  });
  const { deviceId, subject, bootId, policyHash } = first;
  return [deviceId, subject, bootId, packedValue(policyHash, seqOf), seal.kid, items];
}

/** Who ran and what kinds of evidence were left, in order: runs of one shape differ in few members. */
export const shapeOf = (list: readonly Evidence[]): string =>
  `${list[0]?.body.subject} ${list.map(({ body }) => body.kind).join(" ")}`;

/** ms from the first record's capture until the last one expires. @param bodies at least one. */
export const lifeOf = (bodies: readonly EvidenceBody[]): number => {
  const from = bodies[0]?.ts ?? 0;
  return Math.max(...bodies.map(({ ts, ttlMs }) => ts + ttlMs - from));
};

/** Digests of the payloads that are not inline. */
export const blobsOf = (bodies: readonly EvidenceBody[]): readonly string[] =>
  bodies.flatMap(({ payload, sha256 }) => (payload === undefined ? [sha256] : []));

interface Common {
  readonly deviceId: Octets;
  readonly subject: Octets;
  readonly bootId: Octets;
  readonly policyHash: Octets;
  readonly kid: string;
}

function bodyOf(
  item: Octets,
  { deviceId, subject, bootId, policyHash }: Common,
  row: PackRow,
  runId: string,
  ids: readonly string[],
): EvidenceBody {
  if (!Array.isArray(item) || item.length !== 9) corrupt();
  const [kind, source, ts, monoMs, ttlMs, trust, parents, digest, payload] = item as Octets[];
  const isInline = digest === null;
  if (!isInline && !(digest instanceof Uint8Array)) corrupt();
  const value = unpackedValue(payload as Octets, ids);
  const body = {
    v: 1,
    kind,
    source,
    deviceId,
    subject,
    runId,
    seq: ids.length,
    ts: row.ts + Number(ts),
    bootId,
    monoMs: row.monoMs + Number(monoMs),
    ttlMs,
    trust,
    sha256: isInline ? sha256Hex(jcs(value)) : toHex(digest as Uint8Array),
    ...(isInline ? { payload: value } : {}),
    parents: unpackedValue(parents as Octets, ids),
    policyHash: unpackedValue(policyHash, ids),
  };
  if (!isJsonObject(body as unknown) || !isEvidenceBody(body)) corrupt();
  return body;
}

/**
 * The envelopes of a run. One that was altered has an id that does not fit its body (`id_mismatch`); where the run's seal
 * is not right, the envelopes have no seal that is (`bad_seal`). Without the key at hand they have the run's.
 * @throws CodedError `store_corrupt` (500).
 */
export function unpackedRun(
  runId: string,
  row: PackRow,
  base: Octets,
  keys: SealKeys | null,
): readonly Evidence[] {
  const content = patched(row.content, base);
  if (!Array.isArray(content) || content.length !== 6) corrupt();
  const [deviceId, subject, bootId, policyHash, kid, items] = content as Octets[];
  if (typeof kid !== "string" || !Array.isArray(items) || items.length !== countIn(row)) corrupt();
  const common: Common = {
    deviceId: deviceId as Octets,
    subject: subject as Octets,
    bootId: bootId as Octets,
    policyHash: policyHash as Octets,
    kid,
  };
  const ids: string[] = [];
  const bodies = items.map((item: Octets, seq: number) => {
    const body = bodyOf(item, common, row, runId, ids);
    const id = evidenceId(body);
    const prefix = prefixAt(row, seq);
    // An id of another body: whoever re-hashes it sees that it does not fit.
    ids.push(id.startsWith(prefix) ? id : prefix + id.slice(PREFIX_BYTES * 2));
    return body;
  });
  if (row.lifeMs !== lifeOf(bodies) || row.blobs.join() !== blobsOf(bodies).join()) corrupt();
  const key = keys?.(kid)?.key;
  const isSealed = key !== undefined && equalConstantTime(row.seal, runSealOf(key, runId, ids));
  return bodies.map((body: EvidenceBody, seq: number) => {
    const mac = isSealed ? sealMac(key, body) : toHex(row.seal);
    return { id: ids[seq] as string, body, seal: { kid, mac } };
  });
}
