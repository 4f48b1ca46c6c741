/**
 * Where envelopes lie (evidence.md 2): those of this device's runs in one row per run, `evpack!<runId>`; others, such as
 * imported ones, whose seals are opaque here, each in a row of its own, `ev!<id>`, with their place in `evrun`.
 */
import { decodeCbor, encodeCbor } from "../core/cbor.ts";
import { CodedError } from "../core/errors.ts";
import { put, type Store, type StoreOp } from "../ports/store.ts";
import { readBase } from "./bases.ts";
import { decodeEvidence, encodeEvidence, type SealKeys } from "./envelope.ts";
import { decodePackRow, PACK_BASES, PACKS, placesOf } from "./pack-row.ts";
import { unpackedRun } from "./run-pack.ts";
import type { Evidence } from "./types.ts";

export const EVIDENCE = "ev";
export const RUN_INDEX = "evrun";

/** Key of a record in the run index. */
export const runKey = (runId: string, seq: number): string => `${runId}!${String(seq).padStart(8, "0")}`;

/** The run that a key of the run index belongs to. */
export const runOfKey = (key: string): string => key.slice(0, Math.max(0, key.lastIndexOf("!")));

/** The operations that store one envelope by itself; the caller puts them into its atomic batch. */
export function stageEvidence(evidence: Evidence): StoreOp[] {
  const { runId, seq } = evidence.body;
  const envelope = put(EVIDENCE, evidence.id, encodeEvidence(evidence));
  if (runId === null) return [envelope];
  return [envelope, put(RUN_INDEX, runKey(runId, seq), encodeCbor(evidence.id))];
}

function corrupt(key: string): CodedError {
  return new CodedError("store_corrupt", "A record of the evidence store is malformed or missing.", {
    details: { key },
  });
}

/**
 * The envelopes of a run in order of recording; none if there is no such run.
 * @param seals keys of this device; without them, packed envelopes have the seal of their run.
 * @throws CodedError `store_corrupt` if one is missing.
 */
export async function readRunEvidence(
  store: Store,
  runId: string,
  seals: SealKeys | null = null,
): Promise<readonly Evidence[]> {
  const packed = await store.get(PACKS, runId);
  if (packed !== undefined) {
    const row = decodePackRow(runId, packed);
    return unpackedRun(runId, row, await readBase(store, PACK_BASES, row.base), seals);
  }
  const list: Evidence[] = [];
  for await (const [key, value] of store.range(RUN_INDEX, { gte: `${runId}!`, lt: `${runId}"` })) {
    const id = decodeCbor(value);
    const bytes = typeof id === "string" ? await store.get(EVIDENCE, id) : undefined;
    const evidence = bytes === undefined ? null : decodeEvidence(bytes);
    if (evidence === null) throw corrupt(key);
    list.push(evidence);
  }
  return list;
}

/**
 * The envelope of an id, unverified. Of packed ones the newest run is looked at first, and every run if need be: this is
 * for people, not for the guard, which has its run's evidence at hand.
 * @throws CodedError `store_corrupt`.
 */
export async function findEvidence(
  store: Store,
  id: string,
  seals: SealKeys | null = null,
): Promise<Evidence | undefined> {
  const bytes = await store.get(EVIDENCE, id);
  if (bytes !== undefined) return decodeEvidence(bytes) ?? Promise.reject(corrupt(id));
  for await (const [runId, packed] of store.range(PACKS, { reverse: true })) {
    const places = placesOf(decodePackRow(runId, packed), id);
    if (places.length === 0) continue;
    const list = await readRunEvidence(store, runId, seals);
    const found = places.map((seq) => list[seq]).find((one) => one?.id === id);
    if (found !== undefined) return found;
  }
  return undefined;
}
