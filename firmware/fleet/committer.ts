import type { EntryReceipt, LedgerEvent } from "../ledger/types.ts";
import type { StoreOp } from "../ports/store.ts";

/**
 * The ledger's writer as this part needs it: entries and everything else of one cause become durable in one synced
 * batch, or none of it does. Resolves after the sync.
 */
export interface Committer {
  commit(
    unit: { readonly events: readonly LedgerEvent[]; readonly ops: readonly StoreOp[] },
    options?: { readonly urgent?: boolean },
  ): Promise<readonly EntryReceipt[]>;
}
