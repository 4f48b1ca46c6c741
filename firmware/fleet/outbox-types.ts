/** What goes into the outbox, what comes back, and what it needs. */
import type { Clock } from "../ports/clock.ts";
import type { Entropy } from "../ports/entropy.ts";
import type { Log } from "../ports/log.ts";
import type { MessageBus } from "../ports/message-bus.ts";
import type { Store, StoreOp } from "../ports/store.ts";
import type { Committer } from "./committer.ts";
import type { OutboxClass } from "./outbox-queue.ts";
import type { OutboxGap } from "./outbox-records.ts";

export interface OutboxDraft {
  readonly topic: string;
  readonly class: OutboxClass;
  readonly body: Uint8Array;
  /** By which receivers drop duplicates; default: a fresh UUIDv7. The body should carry it too. */
  readonly id?: string;
  /** Mandatory for logic: the command or ledger entry this answers. */
  readonly idem?: string;
  /** Default 1. */
  readonly qos?: 0 | 1;
  /** Wall ms after which it is worthless; default null. */
  readonly expiresMs?: number | null;
  readonly correlation?: Uint8Array;
  /** Takes the place of an older message of its topic and class that is not in flight; that one counts as no loss. */
  readonly supersedes?: true;
}

/** A decided enqueue whose ops belong into the batch of its cause. Exactly one of the two calls must follow. */
export interface Staged {
  readonly outcome: "accepted" | "duplicate";
  /** The id under which it is sent; of the first message for a duplicate. */
  readonly id: string;
  readonly ops: readonly StoreOp[];
  /** The batch is durable. */
  confirm(): void;
  /** The batch failed: as if nothing had been staged. */
  cancel(): void;
}

export interface OutboxStats {
  readonly depth: number;
  readonly bytes: number;
  readonly inFlight: number;
  readonly sent: number;
  readonly dead: number;
  readonly dropped: Readonly<Record<OutboxClass, number>>;
}

export interface OutboxOptions {
  readonly store: Store;
  readonly committer: Committer;
  readonly bus: MessageBus;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly log: Log;
  /** Builds the message that reports a gap once the link is back. */
  readonly gapMessage: (gap: OutboxGap, id: string) => { readonly topic: string; readonly body: Uint8Array };
  /** Default 50000. */
  readonly maxItems?: number;
  /** Policy `/retention/outboxBytes`, default 64 MiB. */
  readonly maxBytes?: number;
  readonly keepNew?: ReadonlySet<OutboxClass>;
  /** Messages in flight over all topics, default 32. */
  readonly maxInFlight?: number;
}
