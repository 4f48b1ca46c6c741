import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readScenario } from "../../../sim/scenario/parse-scenario.ts";
import { recordedSignal, type Sample } from "../../../sim/scenario/recorded-signal.ts";
import { World } from "../../../sim/world/world.ts";
import { minimal, parse } from "./support.ts";

describe("a recorded signal", () => {
  test("begins at its first sample, rises in time, and leaves out what says nothing", () => {
    const samples = [
      [5_000_000, 20],
      [6_000_000, 20],
      [7_000_000, 20],
      [6_500_000, 99],
      [8_000_000, 21],
      [8_000_000, 22],
    ].map(([atUs = 0, value = 0]) => ({ atUs, value }));

    expect(recordedSignal(samples)).toEqual({
      kind: "signal",
      base: {
        schedule: [
          { at: "0us", value: 20 },
          { at: "2s", value: 20 },
          { at: "3s", value: 22 },
        ],
        mode: "linear",
      },
    });
  });

  test("replayed in a scenario it passes through every sample", () => {
    const step = 100_000;
    const steps = fc.array(
      fc.record({ gap: fc.integer({ min: 1, max: 5 }), value: fc.integer({ min: -9, max: 9 }) }),
      {
        minLength: 1,
        maxLength: 12,
      },
    );
    fc.assert(
      fc.property(steps, (gaps) => {
        let atUs = 0;
        const samples: Sample[] = gaps.map(({ gap, value }) => {
          const sample = { atUs, value };
          atUs += gap * step;
          return sample;
        });
        const { document } = parse(minimal());
        const world = { ...(document.world as object), seen: recordedSignal(samples) };
        const made = new World("1", readScenario({ ...document, world }, "s").world);
        for (const sample of samples) {
          // A step computes with what drives it at its begin.
          made.advanceTo(sample.atUs + step);
          expect(made.get("seen.value")).toBeCloseTo(sample.value, 9);
        }
      }),
    );
  });
});
