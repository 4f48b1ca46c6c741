/** The tree as a device has stored it: roots from its nodes, and proofs as it would give them to others. */

import { decodeCbor } from "../../../firmware/core/cbor.ts";
import { CodedError } from "../../../firmware/core/errors.ts";
import { sha256 } from "../../../firmware/core/hash.ts";
import { LedgerReader } from "../../../firmware/ledger/index.ts";
import { ledgerSub } from "./epochs.ts";
import type { DeviceFacts } from "./facts.ts";
import { leafOf } from "./tree-check.ts";

interface Subtree {
  readonly level: number;
  readonly index: number;
}

const indexKey = (index: number): string => String(index).padStart(12, "0");
const HASH_BYTES = 32;

/** The complete subtrees of the first `size` leaves, left to right. */
function subtrees(size: number): readonly Subtree[] {
  const found: Subtree[] = [];
  let at = 0;
  for (let level = 52; level >= 0; level--) {
    const width = 2 ** level;
    if (Math.floor(size / width) % 2 === 0) continue;
    found.push({ level, index: at / width });
    at += width;
  }
  return found;
}

/** Of one subtree: beside the entry that completes it, or in a row of its own once that is pruned. */
async function storedHash(
  { store }: DeviceFacts,
  epoch: number,
  { level, index }: Subtree,
): Promise<Uint8Array | undefined> {
  const row = await store.get(ledgerSub("lg", epoch), indexKey((index + 1) * 2 ** level - 1));
  if (row === undefined)
    return store.get(ledgerSub("lgn", epoch), `${String(level).padStart(2, "0")}!${indexKey(index)}`);
  const { entry, nodes } = decodeCbor(row) as Readonly<Record<string, unknown>>;
  if (level === 0) return entry instanceof Uint8Array ? leafOf(entry) : undefined;
  const from = (level - 1) * HASH_BYTES;
  const hash = nodes instanceof Uint8Array ? nodes.subarray(from, from + HASH_BYTES) : undefined;
  return hash?.length === HASH_BYTES ? hash : undefined;
}

/** Hashes of those subtrees; null if one of them is not stored. */
export async function storedEdge(
  facts: DeviceFacts,
  epoch: number,
  size: number,
): Promise<readonly Uint8Array[] | null> {
  const hashes: Uint8Array[] = [];
  for (const subtree of subtrees(size)) {
    const hash = await storedHash(facts, epoch, subtree);
    if (hash === undefined) return null;
    hashes.push(hash);
  }
  return hashes;
}

/** MTH of the first `size` leaves; null if a node that it needs is not stored. */
export async function storedRoot(
  facts: DeviceFacts,
  epoch: number,
  size: number,
): Promise<Uint8Array | null> {
  const edge = await storedEdge(facts, epoch, size);
  if (edge === null) return null;
  const [last, ...before] = [...edge].reverse();
  if (last === undefined) return sha256();
  return before.reduce((hash, left) => sha256(Uint8Array.of(1), left, hash), last);
}

/** A proof, or the code with which the device refuses to give it. */
export type Proof = { readonly hashes: readonly Uint8Array[] } | { readonly refused: string };

const given = async (proof: Promise<readonly Uint8Array[]>): Promise<Proof> => {
  try {
    return { hashes: await proof };
  } catch (error) {
    if (error instanceof CodedError) return { refused: error.code };
    throw error;
  }
};

/** Proofs out of a device's store, made as the daemon makes them. */
export class Prover {
  readonly #reader: LedgerReader;

  private constructor(reader: LedgerReader) {
    this.#reader = reader;
  }

  /** Null if the head cannot be read: that is told elsewhere. */
  static async of({ store, epoch }: DeviceFacts): Promise<Prover | null> {
    try {
      return new Prover(await LedgerReader.open(store, { epoch }));
    } catch (error) {
      if (error instanceof CodedError) return null;
      throw error;
    }
  }

  inclusion(index: number, size: number): Promise<Proof> {
    return given(this.#reader.inclusionProof(index, size));
  }

  consistency(earlier: number, later: number): Promise<Proof> {
    return given(this.#reader.consistencyProof(earlier, later));
  }
}
