/** The schedules of this device: one due check serves all (capabilities.md 13). */
import { decodeCbor, encodeCbor } from "../../core/cbor.ts";
import { CodedError, type Refusal, refusal } from "../../core/errors.ts";
import type { Clock, Timer } from "../../ports/clock.ts";
import { del, put, type Store, type StoreOp } from "../../ports/store.ts";
import { firstFiring, type ScheduleRequest, type ScheduleState, tickSchedule } from "./rules.ts";

export const SCHEDULE_SUB = "sched";
/** `at` schedules wait for a clock that others set; so the check comes at least this often. */
const MAX_WAIT_MS = 1000;

export interface Schedule extends ScheduleState {
  readonly scheduleId: string;
  readonly program: string;
  readonly runs: number;
}

export interface Due {
  readonly schedule: Schedule;
  /** False for an `at` that was missed: recorded, not run. */
  readonly fires: boolean;
  /** The change of the schedule: belongs into one batch with the run it starts. */
  readonly ops: readonly StoreOp[];
}

export type ScheduleChange =
  | { readonly ok: true; readonly schedule: Schedule; readonly ops: readonly StoreOp[] }
  | Refusal;

export class Scheduler implements Disposable {
  readonly #clock: Clock;
  readonly #schedules = new Map<string, Schedule>();
  #timer: Timer | null = null;
  #onDue: ((due: readonly Due[]) => void) | null = null;

  private constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Intervals begin anew at boot: their first firing is one period from now. @throws CodedError `store_corrupt`. */
  static async open(store: Store, clock: Clock): Promise<Scheduler> {
    const scheduler = new Scheduler(clock);
    for await (const [, bytes] of store.range(SCHEDULE_SUB)) {
      const row = decodeSchedule(bytes);
      const restarted =
        row.mode === "interval" ? { ...row, nextAt: scheduler.#now("interval") + (row.everyMs ?? 0) } : row;
      scheduler.#schedules.set(row.scheduleId, restarted);
    }
    return scheduler;
  }

  get list(): readonly Schedule[] {
    return [...this.#schedules.values()];
  }

  /** Refusals: `unknown_program`, `interval_required`, `interval_too_short`. An id given twice is replaced. */
  create(scheduleId: string, request: ScheduleRequest, programs: Iterable<string>): ScheduleChange {
    const first = firstFiring(request, programs, this.#now(request.mode));
    if (!first.ok) return first;
    const { mode, program, everyMs } = request;
    const schedule: Schedule = {
      scheduleId,
      program,
      mode,
      ...(everyMs === undefined ? {} : { everyMs }),
      nextAt: first.nextAt,
      missed: 0,
      runs: 0,
      disabled: false,
    };
    const ops = this.#keep(schedule);
    this.#arm();
    return { ok: true, schedule, ops };
  }

  /** Refusal `not_found` (404). */
  remove(scheduleId: string): ScheduleChange {
    const schedule = this.#schedules.get(scheduleId);
    if (!schedule) return refusal("not_found", 404, { scheduleId });
    this.#schedules.delete(scheduleId);
    this.#arm();
    return { ok: true, schedule, ops: [del(SCHEDULE_SUB, scheduleId)] };
  }

  /** Begins to look at the clock. The handler must not throw. */
  start(onDue: (due: readonly Due[]) => void): void {
    this.#onDue = onDue;
    this.#arm();
  }

  /** What is due now, each once, by due time and then id; it counts as done. */
  takeDue(): readonly Due[] {
    const order = (a: Schedule, b: Schedule): number =>
      a.nextAt - b.nextAt || (a.scheduleId < b.scheduleId ? -1 : 1);
    return this.list.toSorted(order).flatMap((schedule) => {
      if (schedule.mode === "at" && this.#clock.trust() !== "trusted") return [];
      const { fires, schedule: after } = tickSchedule(schedule, this.#now(schedule.mode));
      if (after === schedule) return [];
      const next = { ...after, runs: fires ? schedule.runs + 1 : schedule.runs };
      return [{ schedule: next, fires, ops: this.#keep(next) }];
    });
  }

  [Symbol.dispose](): void {
    this.#onDue = null;
    this.#timer?.cancel();
  }

  #now(mode: Schedule["mode"]): number {
    return mode === "interval" ? Math.floor(this.#clock.monoMs()) : this.#clock.wallMs();
  }

  #keep(schedule: Schedule): readonly StoreOp[] {
    this.#schedules.set(schedule.scheduleId, schedule);
    return [put(SCHEDULE_SUB, schedule.scheduleId, encodeCbor(schedule))];
  }

  #arm(): void {
    this.#timer?.cancel();
    if (!this.#onDue) return;
    const waits = this.list
      .filter(({ disabled }) => !disabled)
      .map(({ mode, nextAt }) => (mode === "interval" ? nextAt - this.#clock.monoMs() : MAX_WAIT_MS));
    if (waits.length === 0) return;
    const wait = Math.max(1, Math.min(MAX_WAIT_MS, ...waits));
    this.#timer = this.#clock.after(wait, () => {
      const due = this.takeDue();
      if (due.length > 0) this.#onDue?.(due);
      this.#arm();
    });
  }
}

const isPeriod = (ms: unknown): boolean => typeof ms === "number" && Number.isFinite(ms) && ms > 0;

/** Reads a row of `sched`. @throws CodedError `store_corrupt`. */
export function decodeSchedule(bytes: Uint8Array): Schedule {
  const row = decodeCbor(bytes);
  if (isSchedule(row)) return row;
  throw new CodedError("store_corrupt", "A stored schedule has an unknown form.");
}

function isSchedule(value: unknown): value is Schedule {
  if (typeof value !== "object" || value === null) return false;
  const row: { readonly [key: string]: unknown } = { ...value };
  return (
    typeof row.scheduleId === "string" &&
    typeof row.program === "string" &&
    (row.mode === "interval" || row.mode === "at") &&
    ["nextAt", "missed", "runs"].every((key) => Number.isFinite(row[key])) &&
    (row.mode === "at" ? row.everyMs === undefined || Number.isFinite(row.everyMs) : isPeriod(row.everyMs)) &&
    typeof row.disabled === "boolean"
  );
}
