/** Reads the sublevels of sync.md 11 back into a replica. */
import { decodeCbor } from "../core/cbor.ts";
import { CodedError } from "../core/errors.ts";
import type { Store } from "../ports/store.ts";
import { readBatch } from "./batch.ts";
import { readMessage } from "./envelope.ts";
import { BATCH_SUB, type ForkProof, PROOF_SUB, type Replica } from "./replica.ts";

function corrupt(what: string, key: string, cause?: unknown): CodedError {
  return new CodedError("store_corrupt", `A stored ${what} cannot be read.`, { details: { key }, cause });
}

/** Whatever a damaged row makes its reader throw is told as damage of the store. */
function readRow<T>(what: string, key: string, read: () => T | null): T {
  let row: T | null;
  try {
    row = read();
  } catch (cause) {
    throw corrupt(what, key, cause);
  }
  if (row === null) throw corrupt(what, key);
  return row;
}

function readProof(origin: string, value: Uint8Array): ForkProof | null {
  const row = decodeCbor(value) as {
    readonly seq?: unknown;
    readonly a?: unknown;
    readonly b?: unknown;
  } | null;
  if (typeof row?.seq !== "number" || !(row.a instanceof Uint8Array) || !(row.b instanceof Uint8Array))
    return null;
  return { origin, seq: row.seq, a: new Uint8Array(row.a), b: new Uint8Array(row.b) };
}

/**
 * Loads proofs and batches. A row that does not continue its chain ends it there: the rest is pulled again.
 * @returns how many rows were not usable.
 * @throws CodedError `store_corrupt` (500) when a row is not what was written.
 */
export async function restoreReplica(store: Store, replica: Replica): Promise<number> {
  let unusable = 0;
  for await (const [origin, value] of store.range(PROOF_SUB))
    replica.restoreProof(readRow("proof", origin, () => readProof(origin, value)));
  for await (const [key, value] of store.range(BATCH_SUB)) {
    const signed = readRow("batch", key, () => readBatch(readMessage(value.subarray(1))));
    if (!replica.restore(signed, value[0] === 2)) unusable++;
  }
  return unusable;
}
