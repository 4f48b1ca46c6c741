import { CodedError } from "../../firmware/core/errors.ts";

/** A quantity over time: written by hand, or what a real sensor recorded in the field (simulator.md 12, record). */
export interface Schedule {
  /** Rising in time; before the first the first counts, after the last the last. */
  readonly points: readonly SchedulePoint[];
  /** `step` keeps a value until the next point, `linear` goes there in a straight line. */
  readonly mode: "step" | "linear";
  /** Begins anew after so long, for example a day; null never. */
  readonly repeatUs: number | null;
}

export interface SchedulePoint {
  readonly atUs: number;
  readonly value: number;
}

/** @throws CodedError `bad_args` for no points, times that do not rise, or a repetition before the last point. */
export function checkSchedule({ points, repeatUs }: Schedule): void {
  const refuse = (why: string): never => {
    throw new CodedError("bad_args", `A schedule ${why}.`, { status: 422, details: { why } });
  };
  if (points.length === 0) refuse("needs a point");
  points.forEach((point, index) => {
    const before = points[index - 1];
    if (before && point.atUs <= before.atUs) refuse("needs points that rise in time");
  });
  const last = points.at(-1);
  if (repeatUs !== null && last && repeatUs <= last.atUs) refuse("begins anew only after its last point");
}

/** Index of the last point at or before a time, -1 before the first. */
function indexAt(points: readonly SchedulePoint[], atUs: number): number {
  let low = 0;
  let high = points.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((points[middle]?.atUs ?? 0) <= atUs) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The value at a time of a schedule that has been checked. */
export function scheduleAt({ points, mode, repeatUs }: Schedule, atUs: number): number {
  const t = repeatUs === null ? atUs : atUs - Math.floor(atUs / repeatUs) * repeatUs;
  const index = indexAt(points, t);
  const from = points[Math.max(0, index)] ?? { atUs: 0, value: 0 };
  const to = points[index + 1];
  if (index < 0 || mode === "step" || !to) return from.value;
  return from.value + ((to.value - from.value) * (t - from.atUs)) / (to.atUs - from.atUs);
}
