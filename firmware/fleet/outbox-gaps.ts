/** Losses per class, counted durably until they have been reported (sync.md 8). */
import { encodeCbor } from "../core/cbor.ts";
import { del, put, type Store, type StoreOp } from "../ports/store.ts";
import { OUTBOX_CLASSES, type OutboxClass } from "./outbox-queue.ts";
import { decodeGap, OUTBOX_GAPS, type OutboxGap } from "./outbox-records.ts";

export class OutboxGaps {
  readonly #open = new Map<OutboxClass, OutboxGap>();
  readonly #total: Record<OutboxClass, number> = { logic: 0, telemetry: 0, logs: 0 };

  /** Losses since the start of the daemon, per class. */
  get totals(): Readonly<Record<OutboxClass, number>> {
    return { ...this.#total };
  }

  async load(store: Store): Promise<void> {
    const rows = await store.getMany(OUTBOX_GAPS, OUTBOX_CLASSES);
    for (const row of rows) {
      if (!row) continue;
      const gap = decodeGap(row);
      this.#open.set(gap.class, gap);
    }
  }

  /** Counts one loss and returns the op that makes the count durable. */
  count(flow: OutboxClass, nowWall: number): StoreOp {
    this.#total[flow]++;
    const known = this.#open.get(flow);
    const gap: OutboxGap = {
      class: flow,
      from: known?.from ?? nowWall,
      to: nowWall,
      count: (known?.count ?? 0) + 1,
    };
    this.#open.set(flow, gap);
    return put(OUTBOX_GAPS, flow, encodeCbor(gap));
  }

  /** Takes back a loss that did not happen, because the batch that held it failed. */
  uncount(flow: OutboxClass): void {
    this.#total[flow]--;
    const known = this.#open.get(flow);
    if (!known) return;
    if (known.count > 1) this.#open.set(flow, { ...known, count: known.count - 1 });
    else this.#open.delete(flow);
  }

  /** Losses not yet reported. */
  list(): readonly OutboxGap[] {
    return [...this.#open.values()];
  }

  /** The report's own op: written in the batch that carries the report. */
  closing(gap: OutboxGap): StoreOp {
    return del(OUTBOX_GAPS, gap.class);
  }

  /** The report is durable. Losses counted meanwhile stay open. */
  closed(gap: OutboxGap): void {
    const known = this.#open.get(gap.class);
    if (!known || known.count === gap.count) this.#open.delete(gap.class);
    else this.#open.set(gap.class, { ...known, from: gap.to, count: known.count - gap.count });
  }
}
