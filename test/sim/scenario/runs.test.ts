import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { deviceIds } from "../../../sim/scenario/device-ids.ts";
import { durationText, durationUs } from "../../../sim/scenario/duration.ts";
import { expandRuns } from "../../../sim/scenario/expand-runs.ts";
import { minimal, parse } from "./support.ts";

describe("runs", () => {
  test("every combination with every seed", () => {
    const runs = expandRuns(parse(minimal("seed: 7..8\nvary: { devices: [1, 2], loss: [0, 0.5] }")));

    expect(
      runs.map(({ seed, varied, scenario }) => [
        seed,
        varied,
        scenario.groups[0]?.ids.length,
        scenario.link.loss,
      ]),
    ).toEqual([
      ["7", { devices: 1, loss: 0 }, 1, 0],
      ["8", { devices: 1, loss: 0 }, 1, 0],
      ["7", { devices: 1, loss: 0.5 }, 1, 0.5],
      ["8", { devices: 1, loss: 0.5 }, 1, 0.5],
      ["7", { devices: 2, loss: 0 }, 2, 0],
      ["8", { devices: 2, loss: 0 }, 2, 0],
      ["7", { devices: 2, loss: 0.5 }, 2, 0.5],
      ["8", { devices: 2, loss: 0.5 }, 2, 0.5],
    ]);
  });

  test("several grids are alternatives; a path names any member", () => {
    const runs = expandRuns(
      parse(minimal("vary: [{ duration: [1s, 2s] }, { world.tank1.level: [0.1], devices.0.ppm: [-3] }]")),
      ["x"],
    );

    expect(runs.map(({ scenario }) => [scenario.durationUs, scenario.groups[0]?.ppm])).toEqual([
      [1_000_000, null],
      [2_000_000, null],
      [60_000_000, -3],
    ]);
    expect(runs[2]?.scenario.world.nodes[0]?.values.level).toBe(0.1);
  });

  test("one seed and no grid is one run of the scenario itself", () => {
    const scenario = parse(minimal());
    expect(expandRuns(scenario)).toEqual([{ scenario, seed: "1", varied: {} }]);
  });

  test.each([
    ["a value that is none", "vary: { loss: [2] }"],
    ["a path that leads nowhere", "vary: { name.x: [2] }"],
    ["more than anybody waits for", "seed: 1..90000\nvary: { loss: [0, 1] }"],
  ])("refuse %s", (_name, more) => {
    expect(() => expandRuns(parse(minimal(more)))).toThrow(
      expect.objectContaining({ code: "scenario_invalid" }),
    );
  });
});

describe("ids", () => {
  test("are padded to the digits of the count, at least three", () => {
    expect(deviceIds("n", 2)).toEqual(["n001", "n002"]);
    expect(deviceIds("n", 1000).slice(0, 1)).toEqual(["n0001"]);
    expect(deviceIds("n", 1000).at(-1)).toBe("n1000");
  });
});

describe("durations", () => {
  test.each([
    [250, 250_000],
    ["20us", 20],
    ["5ms", 5000],
    ["30s", 30_000_000],
    ["10m", 600_000_000],
    ["2h", 7_200_000_000],
    ["1d", 86_400_000_000],
    ["1.5h", null],
    ["1 h", null],
    ["", null],
    ["999999999999d", null],
    [-1, null],
    [0.5, 500],
    [0.0001, null],
  ])("%s is %s µs", (duration, us) => {
    expect(durationUs(duration)).toBe(us);
  });

  test("are written as they can be read", () => {
    expect([90_000_000, 86_400_000_000, 0, 1].map(durationText)).toEqual(["90s", "1d", "0us", "1us"]);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999_999_999_999 }), (us) => {
        expect(durationUs(durationText(us))).toBe(us);
      }),
    );
  });
});
