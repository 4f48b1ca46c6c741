/**
 * All queues of this device over the store. Log record and state change leave as one list of operations, so that
 * whoever commits them commits both (capabilities.md 12).
 */

import { toHex } from "../../core/bytes.ts";
import { decodeCbor, encodeCbor } from "../../core/cbor.ts";
import { CodedError, type Refusal } from "../../core/errors.ts";
import { isJsonObject, type Json } from "../../core/json.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Entropy } from "../../ports/entropy.ts";
import { del, put, type Store, type StoreOp } from "../../ports/store.ts";
import { type Changed, JobQueue, type PutRequest } from "./queue.ts";
import type { Compensation, Job, JobState, WalKind, WalRecord } from "./types.ts";

export const JOB_SUB = "job";
const DIGITS = 12;
const padded = (n: number): string => String(n).padStart(DIGITS, "0");

export interface JobServiceParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly entropy: Entropy;
  /** Makes operations durable in one synced batch; rejects if it could not. */
  readonly commit: (ops: readonly StoreOp[]) => Promise<void>;
  readonly alert: (code: string, details: { readonly [key: string]: Json }) => void;
}

export type Committed<T> =
  | { readonly ok: true; readonly value: T; readonly ops: readonly StoreOp[] }
  | Refusal;

export class JobService {
  readonly #parts: JobServiceParts;
  readonly #queues = new Map<string, JobQueue>();
  #nextWal = 1;

  private constructor(parts: JobServiceParts) {
    this.#parts = parts;
  }

  /** Rebuilds all queues from the log; a damaged record is set aside with alert `job_corrupt` and the rest goes on. */
  static async open(parts: JobServiceParts): Promise<JobService> {
    const service = new JobService(parts);
    await service.reload();
    return service;
  }

  /** Forgets what memory says and reads the log again: needed after a batch with job operations has failed. */
  async reload(): Promise<void> {
    const { store, alert } = this.#parts;
    const byQueue = new Map<string, WalRecord[]>();
    let nextWal = 1;
    for await (const [key, bytes] of store.range(JOB_SUB, { gte: "wal!", lt: 'wal"' })) {
      nextWal = Number(key.slice("wal!".length)) + 1;
      const record = readRecord(bytes);
      if (!record) {
        alert("job_corrupt", { key });
        continue;
      }
      const records = byQueue.get(record.job.queue) ?? [];
      records.push(record);
      byQueue.set(record.job.queue, records);
    }
    this.#nextWal = nextWal;
    this.#queues.clear();
    for (const [name, records] of byQueue) {
      this.#queues.set(name, JobQueue.rebuild(name, this.#options(), records));
    }
  }

  /**
   * Commits an operation at once. Enqueueing, reserving and extending do not wait for a settlement: a consumer must
   * not hold, and nobody must see, a job that a power cut could take back.
   * @throws CodedError `store_unavailable` (503); the queues are then what the log says.
   */
  async committed<T>(answer: Committed<T>): Promise<Committed<T>> {
    if (!answer.ok || answer.ops.length === 0) return answer;
    try {
      await this.#parts.commit(answer.ops);
    } catch (cause) {
      await this.reload();
      throw new CodedError("store_unavailable", "The job could not be stored.", { status: 503, cause });
    }
    return { ...answer, ops: [] };
  }

  get queues(): readonly JobQueue[] {
    return [...this.#queues.values()];
  }

  put(
    queue: string,
    request: PutRequest,
  ): Committed<{ jobId: string; state: JobState; idempotent: boolean }> {
    return this.#commit(this.#queue(queue).put(request, this.#now()));
  }

  reserve(queue: string, leaseMs: number): Committed<Job | null> {
    return this.#commit(this.#queue(queue).reserve(leaseMs, this.#now()));
  }

  ack(job: JobHandle, result?: Json): Committed<Job> {
    return this.#commit(this.#queue(job.queue).ack(job.jobId, job.leaseToken, this.#now(), result));
  }

  nack(
    job: JobHandle,
    answer: { readonly reason: string; readonly retry?: boolean; readonly compensate?: Compensation },
  ): Committed<Job> {
    return this.#commit(this.#queue(job.queue).nack(job.jobId, job.leaseToken, this.#now(), answer));
  }

  extend(job: JobHandle, leaseMs: number): Committed<Job> {
    return this.#commit(this.#queue(job.queue).extend(job.jobId, job.leaseToken, this.#now(), leaseMs));
  }

  compensate(job: JobHandle, compensation: Compensation): Committed<Job> {
    return this.#commit(this.#queue(job.queue).compensate(job.jobId, job.leaseToken, compensation));
  }

  /** The queue that holds a job; jobs are named by id alone in programs. */
  queueOf(jobId: string): string | null {
    return this.queues.find((queue) => queue.get(jobId))?.name ?? null;
  }

  /** Operations that drop jobs whose time is over. */
  sweep(): readonly StoreOp[] {
    return this.queues.flatMap((queue) => this.#ops(queue.sweep(this.#now())));
  }

  #options() {
    const { entropy } = this.#parts;
    return { newId: () => toHex(entropy.bytes(16)), random: () => entropy.float() };
  }

  #queue(name: string): JobQueue {
    const known = this.#queues.get(name);
    if (known) return known;
    const fresh = new JobQueue(name, this.#options());
    this.#queues.set(name, fresh);
    return fresh;
  }

  #now(): number {
    return this.#parts.clock.wallMs();
  }

  #commit<T>(answer: Changed<T> | Refusal): Committed<T> {
    return answer.ok ? { ok: true, value: answer.value, ops: this.#ops(answer.wal) } : answer;
  }

  #ops(wal: readonly WalRecord[]): StoreOp[] {
    return wal.flatMap((record) => {
      const { job, kind } = record;
      const ready = `ready!${job.queue}!${padded(job.seq)}`;
      const line = put(JOB_SUB, `wal!${padded(this.#nextWal++)}`, encodeCbor(record));
      if (kind === "forget") {
        return [line, del(JOB_SUB, `item!${job.jobId}`), del(JOB_SUB, `key!${job.queue}!${job.key}`)];
      }
      return [
        line,
        put(JOB_SUB, `item!${job.jobId}`, encodeCbor(job)),
        job.state === "queued" ? put(JOB_SUB, ready, encodeCbor(job.jobId)) : del(JOB_SUB, ready),
        put(JOB_SUB, `key!${job.queue}!${job.key}`, encodeCbor(job.jobId)),
      ];
    });
  }
}

/** What a consumer holds. */
export interface JobHandle {
  readonly queue: string;
  readonly jobId: string;
  readonly leaseToken: number;
}

const KINDS: readonly WalKind[] = [
  "enqueue",
  "reserve",
  "requeue_expired",
  "ack",
  "nack",
  "extend",
  "compensate",
  "forget",
];
const STATES: readonly JobState[] = ["queued", "reserved", "done", "failed"];

function readRecord(bytes: Uint8Array): WalRecord | null {
  let decoded: unknown;
  try {
    decoded = decodeCbor(bytes);
  } catch (error) {
    if (error instanceof CodedError) return null;
    throw error;
  }
  return isRecord(decoded) ? decoded : null;
}

function isRecord(value: unknown): value is WalRecord {
  if (typeof value !== "object" || value === null || !("kind" in value) || !("job" in value)) return false;
  const { kind, job } = value;
  if (!KINDS.some((known) => known === kind) || !isJsonObject(job as Json)) return false;
  const fields = job as { readonly [key: string]: unknown };
  return (
    typeof fields.jobId === "string" &&
    typeof fields.queue === "string" &&
    typeof fields.key === "string" &&
    Number.isSafeInteger(fields.seq) &&
    Number.isSafeInteger(fields.attempt) &&
    STATES.some((state) => state === fields.state) &&
    Array.isArray(fields.compensations)
  );
}
