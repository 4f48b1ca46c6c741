/** What a command leaves behind: its one ledger entry, its signed receipt, and the messages that carry it. */
import type { Ed25519KeyPair } from "../core/ed25519.ts";
import { CodedError, codeOf } from "../core/errors.ts";
import { sha256Hex } from "../core/hash.ts";
import type { JsonObject } from "../core/json.ts";
import { COMMAND_LIMITS } from "../core/limits.ts";
import type { EntryReceipt } from "../ledger/types.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { StoreOp } from "../ports/store.ts";
import type { CommandRecord } from "./command-store.ts";
import type { Committer } from "./committer.ts";
import type { Outbox } from "./outbox.ts";
import type { Staged } from "./outbox-types.ts";
import { type ReceiptOutcome, signReceipt } from "./receipt.ts";

export interface CommandJournalOptions {
  readonly committer: Committer;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly log: Log;
  readonly device: { readonly id: string; readonly key: Ed25519KeyPair };
  readonly policyHash: () => string | null;
}

export class CommandJournal {
  readonly #options: CommandJournalOptions;
  readonly #peer: string;

  constructor(options: CommandJournalOptions, peer: string) {
    this.#options = options;
    this.#peer = peer;
  }

  /** Writes the `command` entry, synced, together with the ops that make the decision durable. */
  async entry(
    record: CommandRecord,
    status: number,
    code: string,
    sinceMonoMs: number,
    ops: readonly StoreOp[] = [],
  ): Promise<EntryReceipt> {
    const { clock, committer } = this.#options;
    const data = {
      commandId: record.id,
      keyid: record.keyIds[0] ?? "",
      scope: record.scope,
      op: record.name,
      status,
      code,
      requestHash: record.hash,
      elapsedMs: Math.round(clock.monoMs() - sinceMonoMs),
    };
    const severity = status < 400 ? "info" : "warn";
    const [entry] = await committer.commit(
      { events: [{ kind: "command", actor: record.keyIds[0] ?? this.#peer, severity, data }], ops },
      { urgent: true },
    );
    if (!entry) throw new CodedError("internal", "The ledger gave no receipt for a command entry.");
    return entry;
  }

  receipt(
    record: CommandRecord,
    outcome: ReceiptOutcome,
    code: string,
    status: number,
    details: JsonObject,
    entry: EntryReceipt,
  ): Uint8Array {
    const { device, clock, policyHash } = this.#options;
    return signReceipt(
      {
        schema: "imu.receipt/1",
        commandId: record.id,
        commandHash: record.hash,
        device: device.id,
        outcome,
        code,
        status,
        details,
        ledger: { seq: entry.index, hash: entry.hash },
        policyHash: policyHash(),
        at: clock.wallMs(),
      },
      device.key,
    );
  }

  /** Makes the answer and what belongs to it durable in one batch; from then on the outbox delivers it. */
  async answer(record: CommandRecord, receipt: Uint8Array, ops: readonly StoreOp[]): Promise<void> {
    const staged = this.#stage(record, receipt);
    const all = [...ops, ...staged.flatMap((item) => item.ops)];
    try {
      if (all.length > 0) await this.#options.committer.commit({ events: [], ops: all }, { urgent: true });
    } catch (error) {
      for (const item of staged) item.cancel();
      throw error;
    }
    for (const item of staged) item.confirm();
  }

  /**
   * One message per topic. When the outbox has no room the outcome is stored all the same: a controller that sends the
   * command again gets the stored receipt.
   */
  #stage(record: CommandRecord, receipt: Uint8Array): Staged[] {
    const { outbox, clock, log } = this.#options;
    const idem = sha256Hex(receipt).slice(0, 32);
    const staged: Staged[] = [];
    for (const topic of record.replyTo) {
      try {
        staged.push(
          outbox.stage({
            topic,
            class: "logic",
            body: receipt,
            idem: `receipt/${idem}/${topic}`,
            expiresMs: clock.wallMs() + COMMAND_LIMITS.receiptLifeMs,
            ...(record.correlation ? { correlation: record.correlation } : {}),
          }),
        );
      } catch (error) {
        log.error("command_reply_unsent", { commandId: record.id, code: codeOf(error) });
      }
    }
    return staged;
  }
}
