import { describe, expect, test } from "vitest";
import { checkSchedule, type Schedule, scheduleAt } from "../../../sim/world/schedule.ts";

const points = [
  { atUs: 10, value: 1 },
  { atUs: 20, value: 3 },
  { atUs: 40, value: -1 },
];
const values = (schedule: Schedule, times: readonly number[]): readonly number[] =>
  times.map((atUs) => scheduleAt(schedule, atUs));

describe("a schedule", () => {
  test("keeps each value until the next point, or goes there in a straight line", () => {
    const times = [0, 10, 15, 20, 30, 40, 99];

    expect(values({ points, mode: "step", repeatUs: null }, times)).toEqual([1, 1, 1, 3, 3, -1, -1]);
    expect(values({ points, mode: "linear", repeatUs: null }, times)).toEqual([1, 1, 2, 3, 1, -1, -1]);
  });

  test("begins anew", () => {
    expect(values({ points, mode: "step", repeatUs: 50 }, [45, 50, 70, 90, 120])).toEqual([-1, 1, 3, -1, 3]);
  });

  test.each([
    ["no points", { points: [], repeatUs: null }],
    ["points that do not rise", { points: [points[1], points[0]], repeatUs: null }],
    ["a repetition before its end", { points, repeatUs: 40 }],
  ])("is refused with %s", (_name, given) => {
    expect(() => checkSchedule({ mode: "step", ...given } as Schedule)).toThrow(
      expect.objectContaining({ code: "bad_args" }),
    );
  });
});
