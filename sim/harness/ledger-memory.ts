/**
 * What a device's ledger has held in all of its lives, seen at its store: the notes it signed, the entries it must keep
 * for ever, and how far it was covered and recorded when it pruned. What is deleted later is still known here.
 */
import { fromUtf8 } from "../../firmware/core/bytes.ts";
import { decodeCbor } from "../../firmware/core/cbor.ts";
import { CodedError } from "../../firmware/core/errors.ts";
import { isJsonObject } from "../../firmware/core/json.ts";
import type { LedgerHistory, SeenKept, SeenNote, SeenPruning } from "./invariants/invariant.ts";
import { isKeptKind } from "./invariants/kept-kinds.ts";
import type { SeenEntry, SeenRow } from "./observed-store.ts";

/** The index of an anchor's row; null for a row that cannot be read. */
function anchoredAt(row: Uint8Array): number | null {
  try {
    const value = decodeCbor(row);
    return isJsonObject(value) && typeof value.index === "number" ? value.index : null;
  } catch (error) {
    if (error instanceof CodedError) return null;
    throw error;
  }
}

export class LedgerMemory implements LedgerHistory {
  readonly notes: SeenNote[] = [];
  readonly prunings: SeenPruning[] = [];
  readonly #kept = new Map<number, SeenKept[]>();
  readonly #covered = new Map<number, number>();
  /** An operator has ordered to prune what no witness has signed. */
  isPrunedUnwitnessed = false;

  get kept(): readonly SeenKept[] {
    return [...this.#kept.values()].flat();
  }

  /** The device's store has taken an entry. An index that comes again takes the place of a batch that was lost. */
  entered({ epoch, index, event }: SeenEntry): void {
    const own = this.#kept.get(epoch) ?? [];
    while ((own.at(-1)?.index ?? -1) >= index) own.pop();
    const kind = String(event.kind);
    const to = isJsonObject(event.data) && typeof event.data.to === "number" ? event.data.to : null;
    if (isKeptKind(kind)) own.push({ epoch, index, kind, to: kind === "ledger_pruned" ? to : null });
    this.#kept.set(epoch, own);
  }

  /** The device's store has taken a checkpoint or an anchor. */
  wrote({ base, epoch, key, value }: SeenRow): void {
    if (base === "lgcp") {
      const size = Number(key);
      this.notes.push({ epoch, size, text: fromUtf8(value) });
      this.#covered.set(epoch, Math.max(size, this.#covered.get(epoch) ?? 0));
      return;
    }
    const index = anchoredAt(value);
    if (index === null) return;
    const record = (this.#kept.get(epoch) ?? []).findLast(({ to }) => to === index);
    this.prunings.push({
      epoch,
      index,
      recordedAt: record?.index ?? null,
      covered: this.#covered.get(epoch) ?? 0,
    });
  }
}
