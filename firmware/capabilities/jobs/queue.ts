/**
 * One queue as a state machine: first in, first out by sequence number, reserved under a lease that a token fences.
 * Every change is also a log record; `JobQueue.rebuild` gives the same state from those (capabilities.md 12).
 */
import { type Refusal, refusal } from "../../core/errors.ts";
import { hashJson } from "../../core/hash.ts";
import type { Json } from "../../core/json.ts";
import { JOB_LIMITS } from "../../core/limits.ts";
import { backoff, JOB_BACKOFF } from "./backoff.ts";
import type { Compensation, Job, JobState, WalCounts, WalKind, WalRecord } from "./types.ts";

/** A key answers until this long after its job has ended. */
export const KEY_LIFE_MS = JOB_LIMITS.keyLifeMs;
/** Failed jobs are kept this long for a person to look at. */
export const FAILED_LIFE_MS = JOB_LIMITS.failedLifeMs;
export const DEFAULT_LEASE_MS = JOB_LIMITS.leaseMs;

export interface QueueOptions {
  /** Default 5. */
  readonly maxAttempts?: number;
  /** Queued and reserved together, default 1000. */
  readonly maxOpen?: number;
  readonly newId: () => string;
  /** In [0, 1); 0.5 is no jitter. */
  readonly random: () => number;
}

export interface PutRequest {
  readonly payload: Json;
  readonly key?: string;
  readonly delayMs?: number;
}

export interface Changed<T> {
  readonly ok: true;
  readonly value: T;
  readonly wal: readonly WalRecord[];
}

/** Default idempotency key of a payload: H(JCS(payload)). */
export const jobKey = (payload: Json): string => hashJson(payload);

const isOpen = (job: Job): boolean => job.state === "queued" || job.state === "reserved";

export class JobQueue {
  readonly name: string;
  readonly #options: QueueOptions;
  readonly #jobs = new Map<string, Job>();
  readonly #byKey = new Map<string, string>();
  #lastSeq = 0;
  #lastToken = 0;
  #counts = { enqueue: 0, reserve: 0, requeue_expired: 0, ack: 0, nack: 0 };

  constructor(name: string, options: QueueOptions) {
    this.name = name;
    this.#options = options;
  }

  /** The state that a log describes. The caller has put the records into their order. */
  static rebuild(name: string, options: QueueOptions, wal: Iterable<WalRecord>): JobQueue {
    const queue = new JobQueue(name, options);
    for (const record of wal) queue.#apply(record);
    return queue;
  }

  get counts(): WalCounts {
    return { ...this.#counts };
  }

  /** By sequence number. */
  get jobs(): readonly Job[] {
    return [...this.#jobs.values()].sort((a, b) => a.seq - b.seq);
  }

  get openCount(): number {
    return [...this.#jobs.values()].filter(isOpen).length;
  }

  get(jobId: string): Job | undefined {
    return this.#jobs.get(jobId);
  }

  /** Adds a job, or answers with the one that has the same key. Refusal: `queue_full` (429). */
  put(
    request: PutRequest,
    now: number,
  ): Changed<{ readonly jobId: string; readonly state: JobState; readonly idempotent: boolean }> | Refusal {
    const key = request.key ?? jobKey(request.payload);
    const known = this.#known(key, now);
    if (known) return changed({ jobId: known.jobId, state: known.state, idempotent: true });
    const maxOpen = this.#options.maxOpen ?? 1000;
    if (this.openCount >= maxOpen) return refusal("queue_full", 429, { queue: this.name, max: maxOpen });
    const job: Job = {
      jobId: this.#options.newId(),
      queue: this.name,
      seq: this.#lastSeq + 1,
      state: "queued",
      payload: request.payload,
      key,
      attempt: 0,
      maxAttempts: this.#options.maxAttempts ?? 5,
      availableAt: now + (request.delayMs ?? 0),
      leaseUntil: null,
      leaseToken: null,
      createdAt: now,
      endedAt: null,
      result: null,
      reason: null,
      compensations: [],
    };
    const wal = [this.#log("enqueue", job)];
    return changed({ jobId: job.jobId, state: job.state, idempotent: false }, wal);
  }

  /** Takes back what is overdue, then reserves the oldest available job; null when there is none. */
  reserve(leaseMs: number, now: number): Changed<Job | null> {
    const wal = this.takeBack(now);
    const next = this.jobs.find(({ state, availableAt }) => state === "queued" && availableAt <= now);
    if (!next) return changed(null, wal);
    const job: Job = {
      ...next,
      state: "reserved",
      attempt: next.attempt + 1,
      leaseUntil: now + leaseMs,
      leaseToken: this.#lastToken + 1,
    };
    return changed(job, [...wal, this.#log("reserve", job)]);
  }

  /** Reserved jobs whose lease is strictly past: back in their place, or failed after the last attempt. */
  takeBack(now: number): WalRecord[] {
    return this.jobs
      .filter(({ state, leaseUntil }) => state === "reserved" && leaseUntil !== null && now > leaseUntil)
      .map((job) =>
        job.attempt >= job.maxAttempts
          ? this.#log("nack", ended(job, "failed", now, { reason: "lease_expired" }))
          : this.#log("requeue_expired", { ...job, state: "queued", leaseUntil: null, leaseToken: null }),
      );
  }

  /** Refusals of all that follow: `job_not_reserved`, `lease_lost` (409). */
  ack(jobId: string, token: number, now: number, result: Json = { ok: true }): Changed<Job> | Refusal {
    const job = this.#held(jobId, token);
    if ("code" in job) return job;
    const done = ended(job, "done", now, { result });
    return changed(done, [this.#log("ack", done)]);
  }

  nack(
    jobId: string,
    token: number,
    now: number,
    answer: { readonly reason: string; readonly retry?: boolean; readonly compensate?: Compensation },
  ): Changed<Job> | Refusal {
    const job = this.#held(jobId, token);
    if ("code" in job) return job;
    const { reason, retry = false, compensate } = answer;
    if (retry && job.attempt < job.maxAttempts) {
      const availableAt = now + backoff(job.attempt, JOB_BACKOFF, this.#options.random());
      const again: Job = { ...job, state: "queued", availableAt, leaseUntil: null, leaseToken: null, reason };
      return changed(again, [this.#log("nack", again)]);
    }
    const compensations = compensate ? [compensate, ...job.compensations] : job.compensations;
    const failed = ended({ ...job, compensations }, "failed", now, { reason });
    return changed(failed, [this.#log("nack", failed)]);
  }

  extend(jobId: string, token: number, now: number, leaseMs: number): Changed<Job> | Refusal {
    const job = this.#held(jobId, token);
    if ("code" in job) return job;
    const longer = { ...job, leaseUntil: now + leaseMs };
    return changed(longer, [this.#log("extend", longer)]);
  }

  compensate(jobId: string, token: number, compensation: Compensation): Changed<Job> | Refusal {
    const job = this.#held(jobId, token);
    if ("code" in job) return job;
    const longer = { ...job, compensations: [compensation, ...job.compensations] };
    return changed(longer, [this.#log("compensate", longer)]);
  }

  /** Drops jobs whose time is over: done after 24 h, failed after 7 days. */
  sweep(now: number): readonly WalRecord[] {
    return this.jobs
      .filter(({ state, endedAt }) => {
        const life = state === "failed" ? FAILED_LIFE_MS : KEY_LIFE_MS;
        return endedAt !== null && now - endedAt > life;
      })
      .map((job) => this.#log("forget", job));
  }

  #known(key: string, now: number): Job | undefined {
    const job = this.#jobs.get(this.#byKey.get(key) ?? "");
    return job && (job.endedAt === null || now - job.endedAt <= KEY_LIFE_MS) ? job : undefined;
  }

  #held(jobId: string, token: number): Job | Refusal {
    const job = this.#jobs.get(jobId);
    if (job?.state !== "reserved") return refusal("job_not_reserved", 409, { jobId });
    return job.leaseToken === token ? job : refusal("lease_lost", 409, { jobId });
  }

  #log(kind: WalKind, job: Job): WalRecord {
    const record = { kind, job };
    this.#apply(record);
    return record;
  }

  /** The only place where the state changes, live and while rebuilding. */
  #apply({ kind, job }: WalRecord): void {
    if (kind in this.#counts) {
      const counted = kind as keyof WalCounts;
      this.#counts = { ...this.#counts, [counted]: this.#counts[counted] + 1 };
    }
    this.#lastSeq = Math.max(this.#lastSeq, job.seq);
    this.#lastToken = Math.max(this.#lastToken, job.leaseToken ?? 0);
    if (kind === "forget") {
      this.#jobs.delete(job.jobId);
      if (this.#byKey.get(job.key) === job.jobId) this.#byKey.delete(job.key);
      return;
    }
    this.#jobs.set(job.jobId, job);
    if (kind === "enqueue") this.#byKey.set(job.key, job.jobId);
  }
}

const changed = <T>(value: T, wal: readonly WalRecord[] = []): Changed<T> => ({ ok: true, value, wal });

function ended(
  job: Job,
  state: "done" | "failed",
  now: number,
  with_: { readonly result?: Json; readonly reason?: string },
): Job {
  return {
    ...job,
    state,
    endedAt: now,
    leaseUntil: null,
    leaseToken: null,
    result: with_.result ?? null,
    reason: with_.reason ?? null,
  };
}
