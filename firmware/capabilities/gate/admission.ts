/**
 * Admission of calls (capabilities.md 6): three counters taken in one step, fair round robin over subjects.
 * A waiter holds nothing. Pure bookkeeping; waiting itself is in `AdmissionGate`.
 */
import type { Refusal } from "../../core/errors.ts";
import { refusal } from "../../core/errors.ts";
import { GATE_LIMITS } from "../../core/limits.ts";

export interface AdmissionCaps {
  readonly global: number;
  readonly perSubject: number;
  /** Cap per (subject, capability) by capability id; without an entry `perSubject`. */
  readonly perCapability: Readonly<Record<string, number>>;
}

export interface AdmissionLimits {
  readonly queuePerSubject: number;
  readonly queueTotal: number;
}

export const DEFAULT_ADMISSION_LIMITS: AdmissionLimits = { queuePerSubject: 64, queueTotal: 1024 };

/** One call on its way through admission. `id` is unique among calls in flight. */
export interface AdmissionCall {
  readonly id: string;
  readonly subject: string;
  readonly capability: string;
  /** Cap of this subject when it is not the common one (operators and the daemon: 4). */
  readonly subjectCap?: number;
}

export class Admission {
  #caps: AdmissionCaps;
  readonly #limits: AdmissionLimits;
  readonly #running = new Map<string, AdmissionCall>();
  readonly #bySubject = new Map<string, number>();
  readonly #byCapability = new Map<string, number>();
  /** Subjects in the order of their first call; a Map keeps that order. */
  readonly #queues = new Map<string, AdmissionCall[]>();
  #lastAdmitted: string | null = null;
  #waiting = 0;

  constructor(caps: AdmissionCaps, limits: AdmissionLimits = DEFAULT_ADMISSION_LIMITS) {
    this.#caps = caps;
    this.#limits = limits;
  }

  get waiting(): number {
    return this.#waiting;
  }

  get running(): number {
    return this.#running.size;
  }

  /**
   * A new call: ids admitted by it (its own, or none while it waits), or `concurrency_exceeded` (429)
   * {why: "queue_full"}. It never overtakes an admissible waiter, for there is none between two events.
   */
  arrive(call: AdmissionCall): readonly AdmissionCall[] | Refusal {
    const queue = this.#queues.get(call.subject) ?? [];
    this.#queues.set(call.subject, queue);
    if (this.#admissible(call)) {
      this.#take(call);
      return [call];
    }
    if (queue.length >= this.#limits.queuePerSubject || this.#waiting >= this.#limits.queueTotal) {
      this.#forgetIdle(call.subject);
      return refusal("concurrency_exceeded", 429, { why: "queue_full" });
    }
    queue.push(call);
    this.#waiting++;
    return [];
  }

  /** A call has ended: its slot is free again. Answers who is admitted by that. Idempotent. */
  release(id: string): readonly AdmissionCall[] {
    const call = this.#running.get(id);
    if (!call) return [];
    this.#running.delete(id);
    count(this.#bySubject, call.subject, -1);
    count(this.#byCapability, capabilityKey(call), -1);
    const admitted = this.#admitWaiters();
    this.#forgetIdle(call.subject);
    return admitted;
  }

  /** A waiter gives up. True if it was waiting. */
  abandon(id: string): boolean {
    for (const [subject, queue] of this.#queues) {
      const at = queue.findIndex((call) => call.id === id);
      if (at < 0) continue;
      queue.splice(at, 1);
      this.#waiting--;
      this.#forgetIdle(subject);
      return true;
    }
    return false;
  }

  /** New caps; counters stay. Answers who is admitted by the change. */
  resize(caps: Partial<AdmissionCaps>): readonly AdmissionCall[] {
    this.#caps = { ...this.#caps, ...caps };
    return this.#admitWaiters();
  }

  #admissible(call: AdmissionCall): boolean {
    const perSubject = call.subjectCap ?? this.#caps.perSubject;
    const own = Object.hasOwn(this.#caps.perCapability, call.capability)
      ? this.#caps.perCapability[call.capability]
      : undefined;
    return (
      this.#running.size < this.#caps.global &&
      (this.#bySubject.get(call.subject) ?? 0) < perSubject &&
      (this.#byCapability.get(capabilityKey(call)) ?? 0) < (own ?? perSubject)
    );
  }

  #take(call: AdmissionCall): void {
    this.#running.set(call.id, call);
    count(this.#bySubject, call.subject, 1);
    count(this.#byCapability, capabilityKey(call), 1);
    this.#lastAdmitted = call.subject;
  }

  #admitWaiters(): AdmissionCall[] {
    const admitted: AdmissionCall[] = [];
    for (let next = this.#nextWaiter(); next; next = this.#nextWaiter()) {
      admitted.push(next);
    }
    return admitted;
  }

  /** The oldest admissible waiter of the first subject behind the one admitted last. */
  #nextWaiter(): AdmissionCall | null {
    if (this.#waiting === 0 || this.#running.size >= this.#caps.global) return null;
    const subjects = [...this.#queues.keys()];
    const start = this.#lastAdmitted === null ? 0 : subjects.indexOf(this.#lastAdmitted) + 1;
    for (let i = 0; i < subjects.length; i++) {
      const queue = this.#queues.get(subjects[(start + i) % subjects.length] ?? "") ?? [];
      const at = queue.findIndex((call) => this.#admissible(call));
      if (at < 0) continue;
      const [call] = queue.splice(at, 1);
      if (!call) continue;
      this.#waiting--;
      this.#take(call);
      return call;
    }
    return null;
  }

  /** Bounds memory: beyond `GATE_LIMITS.subjects`, a subject without calls loses its place, except the one admitted last. */
  #forgetIdle(subject: string): void {
    if (this.#queues.size <= GATE_LIMITS.subjects) return;
    if (subject === this.#lastAdmitted || this.#bySubject.has(subject)) return;
    if ((this.#queues.get(subject)?.length ?? 0) === 0) this.#queues.delete(subject);
  }
}

const capabilityKey = (call: AdmissionCall): string => `${call.subject}\n${call.capability}`;

function count(counters: Map<string, number>, key: string, by: 1 | -1): void {
  const value = (counters.get(key) ?? 0) + by;
  if (value === 0) counters.delete(key);
  else counters.set(key, value);
}
