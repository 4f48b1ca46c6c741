/**
 * What a device's ledger has held in all of its lives, seen at its store: the notes it signed, the entries it must keep
 * for ever, and how far it was covered and recorded when it pruned. What is deleted later is still known here.
 */
import { fromUtf8 } from "../../firmware/core/bytes.ts";
import { decodeCbor } from "../../firmware/core/cbor.ts";
import { CodedError } from "../../firmware/core/errors.ts";
import { isJsonObject } from "../../firmware/core/json.ts";
import type { LedgerHistory, SeenAct, SeenKept, SeenNote, SeenPruning } from "./invariants/invariant.ts";
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

const ACTS: ReadonlySet<string> = new Set(["effect_intent", "effect_outcome_unknown"]);

/** What is known of an epoch before an index; what was known of later ones is forgotten. */
function upTo<T extends { readonly index: number }>(
  known: Map<number, T[]>,
  epoch: number,
  index: number,
): T[] {
  const own = known.get(epoch) ?? [];
  while ((own.at(-1)?.index ?? -1) >= index) own.pop();
  known.set(epoch, own);
  return own;
}

export class LedgerMemory implements LedgerHistory {
  readonly notes: SeenNote[] = [];
  readonly prunings: SeenPruning[] = [];
  readonly #kept = new Map<number, SeenKept[]>();
  readonly #acts = new Map<number, SeenAct[]>();
  /** Times of the entries of each epoch. */
  readonly #times = new Map<number, number[]>();
  readonly #covered = new Map<number, number>();
  /** An operator has ordered to prune what no witness has signed. */
  isPrunedUnwitnessed = false;

  get kept(): readonly SeenKept[] {
    return [...this.#kept.values()].flat();
  }

  get acts(): readonly SeenAct[] {
    return [...this.#acts.values()].flat();
  }

  /**
   * The device's store has taken an entry. An index that comes again takes the place of a batch that was lost, unless it
   * is the same entry, whose row was repaired.
   */
  entered(entry: SeenEntry): void {
    const { epoch, index, event, ts } = entry;
    const times = this.#times.get(epoch) ?? [];
    if (times[index] === ts) return;
    times.length = Math.min(times.length, index);
    times[index] = ts;
    this.#times.set(epoch, times);
    const kind = String(event.kind);
    const acts = upTo(this.#acts, epoch, index);
    if (ACTS.has(kind)) acts.push(entry);
    const kept = upTo(this.#kept, epoch, index);
    const to = isJsonObject(event.data) && typeof event.data.to === "number" ? event.data.to : null;
    if (isKeptKind(kind)) kept.push({ epoch, index, kind, to: kind === "ledger_pruned" ? to : null });
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
