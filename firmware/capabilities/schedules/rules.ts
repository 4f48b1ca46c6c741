/** When a schedule fires (capabilities.md 13). Pure; times in ms of the clock that its mode lives by. */
import { type Refusal, refusal } from "../../core/errors.ts";
import { JOB_LIMITS } from "../../core/limits.ts";

/** An `at` schedule that is this late, because the device was off, does not run any more. */
export const AT_MAX_LATE_MS = JOB_LIMITS.atLateMs;

export interface ScheduleState {
  readonly mode: "interval" | "at";
  /** Period of an interval. */
  readonly everyMs?: number;
  /** Monotonic for intervals, wall time for `at`. */
  readonly nextAt: number;
  /** Firings that were skipped. */
  readonly missed: number;
  readonly disabled: boolean;
}

export interface Tick<S extends ScheduleState> {
  readonly fires: boolean;
  readonly schedule: S;
}

/** One look at the clock: whether the schedule fires, and what it is afterwards. A fixed rate, no catching up. */
export function tickSchedule<S extends ScheduleState>(schedule: S, now: number): Tick<S> {
  const { mode, nextAt, missed, disabled } = schedule;
  if (disabled || now < nextAt) return { fires: false, schedule };
  if (mode === "at") {
    const fires = now - nextAt <= AT_MAX_LATE_MS;
    return { fires, schedule: { ...schedule, disabled: true, missed: fires ? missed : missed + 1 } };
  }
  const everyMs = schedule.everyMs ?? JOB_LIMITS.everyMs;
  const skipped = Math.floor((now - nextAt) / everyMs);
  const next = { ...schedule, nextAt: nextAt + everyMs * (skipped + 1), missed: missed + skipped };
  return { fires: true, schedule: next };
}

export interface ScheduleRequest {
  readonly mode: "interval" | "at";
  readonly program: string;
  readonly everyMs?: number;
  readonly atMs?: number;
}

/**
 * First firing of a new schedule. Refusals: `unknown_program` (404), `interval_required`, `interval_too_short` (422).
 * @param now of the clock that the mode lives by.
 */
export function firstFiring(
  request: ScheduleRequest,
  programs: Iterable<string>,
  now: number,
): { readonly ok: true; readonly nextAt: number } | Refusal {
  const { mode, program, everyMs, atMs } = request;
  if (!new Set(programs).has(program)) return refusal("unknown_program", 404, { program });
  if (mode === "at") return { ok: true, nextAt: atMs ?? now + JOB_LIMITS.atDelayMs };
  if (everyMs === undefined || everyMs === 0) return refusal("interval_required", 422);
  if (everyMs < JOB_LIMITS.everyMs)
    return refusal("interval_too_short", 422, { minimum: JOB_LIMITS.everyMs });
  return { ok: true, nextAt: now + everyMs };
}
