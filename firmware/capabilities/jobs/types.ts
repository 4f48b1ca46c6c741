/** Jobs of durable queues (capabilities.md 12). Times are wall ms. */
import type { Json } from "../../core/json.ts";

export type Compensation =
  | { readonly type: "noop" }
  | { readonly type: "delete_file"; readonly path: string }
  | { readonly type: "safe_state"; readonly output: string }
  | { readonly type: "call"; readonly capability: string; readonly args: Json };

export type JobState = "queued" | "reserved" | "done" | "failed";

export interface Job {
  readonly jobId: string;
  readonly queue: string;
  readonly seq: number;
  readonly state: JobState;
  readonly payload: Json;
  /** Idempotency key. */
  readonly key: string;
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly availableAt: number;
  readonly leaseUntil: number | null;
  readonly leaseToken: number | null;
  readonly createdAt: number;
  /** Wall ms at which it became done or failed. */
  readonly endedAt: number | null;
  readonly result: Json;
  readonly reason: string | null;
  /** Newest first. */
  readonly compensations: readonly Compensation[];
}

export type WalKind =
  | "enqueue"
  | "reserve"
  | "requeue_expired"
  | "ack"
  | "nack"
  | "extend"
  | "compensate"
  | "forget";

/** One line of the log: the job as it is after the change, so that replaying needs no rule. */
export interface WalRecord {
  readonly kind: WalKind;
  readonly job: Job;
}

export interface WalCounts {
  readonly enqueue: number;
  readonly reserve: number;
  readonly requeue_expired: number;
  readonly ack: number;
  readonly nack: number;
}
