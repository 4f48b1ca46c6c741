/** The epochs of a stored ledger and the names of their sublevels (ledger.md 3). */
import { decodeCbor } from "../../../firmware/core/cbor.ts";
import type { Store } from "../../../firmware/ports/store.ts";

/** The epoch that the store is in. */
export async function epochOf(store: Store): Promise<number> {
  const row = await store.get("lgepoch", "0");
  return row === undefined ? 0 : Number(decodeCbor(row));
}

/** Name of a ledger sublevel in an epoch. */
export const ledgerSub = (name: string, epoch: number): string => (epoch === 0 ? name : `${name}.${epoch}`);
