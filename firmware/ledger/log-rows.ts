/** Reading the ledger's rows from a store, shared by the writer's start, the readers and verification. */
import { decodeCbor, encodeCbor } from "../core/cbor.ts";
import { CodedError } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import { put, type Store, type StoreOp } from "../ports/store.ts";
import { type ReadEntry, readStored } from "./entry.ts";
import { EPOCH_SUB, indexKey, indexOfKey, type Layout, layoutOf, SINGLE } from "./layout.ts";
import { headOf, type LogState, rangeOf, type SealDomain, unseal } from "./sealed.ts";
import { GENESIS_ANCHOR, type VerifyAnchor } from "./verify.ts";

/** The epoch the store is in; 0 if it was never changed. */
export async function storedEpoch(store: Store): Promise<number> {
  const row = await store.get(EPOCH_SUB, SINGLE);
  if (row === undefined) return 0;
  const epoch = decodeCbor(row);
  if (Number.isSafeInteger(epoch) && Number(epoch) >= 0) return Number(epoch);
  throw new CodedError("store_corrupt", "The ledger's epoch cannot be read.");
}

/** Epochs that are looked for where the row that names the present one is gone. */
const PROBED_EPOCHS = 64;

/** The largest epoch of which a row is left. */
export async function probedEpoch(store: Store): Promise<number> {
  let found = 0;
  for (let epoch = 1; epoch <= PROBED_EPOCHS; epoch++) {
    const { head, checkpoints, entries } = layoutOf(epoch);
    for (const sub of [head, checkpoints, entries])
      for await (const _row of store.range(sub, { limit: 1 })) found = epoch;
  }
  return found;
}

/** The same as `storedEpoch`; where its row is damaged, what the rows of the epochs say. */
export async function soundEpoch(store: Store): Promise<number> {
  try {
    return await storedEpoch(store);
  } catch (error) {
    if (error instanceof CodedError && !isOfDatabase(error)) return probedEpoch(store);
    throw error;
  }
}

/** A row that does not decode can be replaced; files that cannot be read must be rescued first. */
const isOfDatabase = ({ code, details }: CodedError): boolean =>
  code.startsWith("store_") && details.database === true;

export const epochOp = (epoch: number): StoreOp => put(EPOCH_SUB, SINGLE, encodeCbor(epoch));

/** `absent` and `bad` are different outcomes: a fresh log has no record, a damaged one has a bad one. */
export type RecordRead =
  | { readonly is: "absent" | "bad" }
  | { readonly is: "good"; readonly body: JsonObject };

export async function readRecord(
  store: Store,
  sub: string,
  domain: SealDomain,
  headKey: Uint8Array | null,
): Promise<RecordRead> {
  const row = await store.get(sub, SINGLE);
  if (row === undefined) return { is: "absent" };
  const body = unseal(domain, headKey, row);
  return body === null ? { is: "bad" } : { is: "good", body };
}

export type HeadRead = { readonly is: "absent" | "bad" } | { readonly is: "good"; readonly state: LogState };

export async function readHead(store: Store, layout: Layout, headKey: Uint8Array | null): Promise<HeadRead> {
  const record = await readRecord(store, layout.head, "head", headKey);
  if (record.is !== "good") return { is: record.is };
  const state = headOf(record.body);
  return state === null ? { is: "bad" } : { is: "good", state };
}

/** The anchor of a pruned log, the genesis anchor of a whole one, null if it is damaged. */
export async function readAnchor(
  store: Store,
  layout: Layout,
  headKey: Uint8Array | null,
): Promise<VerifyAnchor | null> {
  const record = await readRecord(store, layout.anchor, "anchor", headKey);
  if (record.is !== "good") return record.is === "absent" ? GENESIS_ANCHOR : null;
  const { index, prevHash, range: hashes } = record.body;
  const range = rangeOf(index, hashes);
  return range !== null && typeof prevHash === "string" ? { index: range.size, prevHash, range } : null;
}

/** Null if there is no such entry; `read` is null if its row is not an entry. */
export async function readEntry(
  store: Store,
  layout: Layout,
  index: number,
): Promise<{ readonly read: ReadEntry | null } | null> {
  const row = await store.get(layout.entries, indexKey(index));
  return row === undefined ? null : { read: readStored(row) };
}

export interface StoredNote {
  readonly size: number;
  readonly note: Uint8Array;
}

/** Checkpoint notes, smallest tree first. */
export async function readNotes(store: Store, layout: Layout): Promise<StoredNote[]> {
  const notes: StoredNote[] = [];
  for await (const [key, note] of store.range(layout.checkpoints)) {
    const size = indexOfKey(key);
    if (size !== null) notes.push({ size, note });
  }
  return notes;
}
