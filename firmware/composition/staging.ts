/**
 * What the calls of a run hand to other parts before the run settles: messages for the outbox, writes to the shared
 * documents, charges. They become durable with the run's own batch, or not at all.
 */

import { utf8 } from "../core/bytes.ts";
import { canonicalize } from "../core/canonical-json.ts";
import { CodedError, type Refusal, refusal } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import type { Outbox, OutboxClass, Staged } from "../fleet/index.ts";
import type { CommitUnit, EntryReceipt, LedgerWriter } from "../ledger/types.ts";
import type { BudgetLedger } from "../phi/index.ts";
import type { StoreOp } from "../ports/store.ts";
import type { SettlePort } from "../runs/index.ts";
import type { LocalWrite, SyncService } from "../sync/index.ts";

export interface StagingParts {
  readonly ledger: LedgerWriter;
  readonly outbox: Outbox;
  readonly budget: BudgetLedger;
  /** Null on a device without a roster: nothing is shared. */
  readonly sync: () => SyncService | null;
  /** The shared document that programs see as their settings. */
  readonly document: string;
}

interface Held {
  readonly messages: Staged[];
  readonly writes: LocalWrite[];
}

const classOf = (topic: string): OutboxClass => (topic.includes("/telemetry/") ? "telemetry" : "logic");

export class Staging implements SettlePort {
  readonly #parts: StagingParts;
  readonly #held = new Map<string, Held>();

  constructor(parts: StagingParts) {
    this.#parts = parts;
  }

  #of(runId: string): Held {
    const known = this.#held.get(runId);
    if (known) return known;
    const held: Held = { messages: [], writes: [] };
    this.#held.set(runId, held);
    return held;
  }

  /** Decides on a message now; it is sent only after the run has settled. */
  stageMessage(
    runId: string,
    message: {
      readonly topic: string;
      readonly payload: Json;
      readonly qos: 0 | 1;
      readonly retain: boolean;
    },
  ): { readonly outboxId: string; readonly ops: readonly StoreOp[] } | Refusal {
    const { messages } = this.#of(runId);
    try {
      const staged = this.#parts.outbox.stage({
        topic: message.topic,
        class: classOf(message.topic),
        body: utf8(canonicalize(message.payload)),
        qos: message.qos,
        idem: `${runId}/${messages.length}`,
      });
      messages.push(staged);
      return { outboxId: staged.id, ops: [] };
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      return refusal(error.code, error.status, error.details);
    }
  }

  stageShared(runId: string, key: string, value: Json): { readonly ops: readonly StoreOp[] } | Refusal {
    if (!this.#parts.sync())
      return refusal("not_found", 404, { document: this.#parts.document, why: "no roster" });
    this.#of(runId).writes.push({ doc: this.#parts.document, change: { op: "put", key, value } });
    return { ops: [] };
  }

  /** Later writes of one key in one run replace earlier ones: the batch carries what the run ended with. */
  #writes(held: Held): readonly LocalWrite[] {
    const last = new Map<string, LocalWrite>();
    for (const write of held.writes) last.set(write.change.op === "put" ? write.change.key : "", write);
    return [...last.values()];
  }

  async commit(runId: string, unit: CommitUnit): Promise<readonly EntryReceipt[]> {
    const held = this.#held.get(runId) ?? { messages: [], writes: [] };
    this.#held.delete(runId);
    const { ledger, budget, sync } = this.#parts;
    const ops = [...unit.ops, ...held.messages.flatMap((message) => message.ops), ...budget.settle(runId)];
    const writes = this.#writes(held);
    const service = sync();
    try {
      const receipts =
        writes.length > 0 && service
          ? await service.commitWith(writes, (syncOps) =>
              ledger.commit({ events: unit.events, ops: [...ops, ...syncOps] }),
            )
          : await ledger.commit({ events: unit.events, ops });
      for (const message of held.messages) message.confirm();
      return receipts;
    } catch (error) {
      for (const message of held.messages) message.cancel();
      throw error;
    }
  }

  discard(runId: string): void {
    const held = this.#held.get(runId);
    this.#held.delete(runId);
    for (const message of held?.messages ?? []) message.cancel();
    this.#parts.budget.abandon(runId);
  }
}
