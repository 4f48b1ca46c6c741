/**
 * What the calls of a run hand to other parts before the run settles: messages for the outbox, writes to the shared
 * documents, charges. They become durable with the run's own batch, or not at all.
 */

import { utf8 } from "../core/bytes.ts";
import { canonicalize } from "../core/canonical-json.ts";
import { CodedError, type Refusal, refusal } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import type { Outbox, OutboxClass, Staged } from "../fleet/index.ts";
import type { CommitUnit, EntryReceipt, LedgerEvent, LedgerWriter } from "../ledger/types.ts";
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
  /** By key: a later write of a run replaces an earlier one, the batch carries what the run ended with. */
  readonly writes: Map<string, LocalWrite>;
}

const nothing = (): Held => ({ messages: [], writes: new Map() });

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
    const held = nothing();
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

  /** Refused now, while the program can still decide, if the replica would not take the write. */
  stageShared(runId: string, key: string, value: Json): { readonly ops: readonly StoreOp[] } | Refusal {
    const { document } = this.#parts;
    const service = this.#parts.sync();
    if (!service) return refusal("not_found", 404, { document, why: "no roster" });
    const { writes } = this.#of(runId);
    const write: LocalWrite = { doc: document, change: { op: "put", key, value } };
    try {
      service.check([...writes.values(), write]);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      return refusal(error.code, error.status, error.details);
    }
    writes.set(key, write);
    return { ops: [] };
  }

  /**
   * A shared document may have filled up since its write was staged. What the run did has happened all the same, so it
   * settles without the write, and the ledger says so.
   */
  async #commitShared(
    runId: string,
    unit: CommitUnit,
    writes: readonly LocalWrite[],
    service: SyncService,
  ): Promise<readonly EntryReceipt[]> {
    const { ledger, document } = this.#parts;
    let begun = false;
    try {
      return await service.commitWith(writes, (syncOps) => {
        begun = true;
        return ledger.commit({ ...unit, ops: [...unit.ops, ...syncOps] });
      });
    } catch (error) {
      if (begun || !(error instanceof CodedError)) throw error;
      const keys = writes.flatMap(({ change }) => (change.op === "put" ? [change.key] : []));
      const lost: LedgerEvent = {
        kind: "guard_refused",
        actor: "daemon",
        severity: "error",
        data: { effect: "shared.put", document, keys, code: error.code, reason: error.code },
        runId,
      };
      return ledger.commit({ ...unit, events: [lost, ...unit.events] });
    }
  }

  async commit(runId: string, unit: CommitUnit): Promise<readonly EntryReceipt[]> {
    const held = this.#held.get(runId) ?? nothing();
    this.#held.delete(runId);
    const { ledger, budget, sync } = this.#parts;
    const ops = [...unit.ops, ...held.messages.flatMap((message) => message.ops), ...budget.settle(runId)];
    const whole: CommitUnit = { ...unit, ops };
    const service = sync();
    try {
      const receipts =
        held.writes.size > 0 && service
          ? await this.#commitShared(runId, whole, [...held.writes.values()], service)
          : await ledger.commit(whole);
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
