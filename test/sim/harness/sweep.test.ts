import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { nextTurn } from "../../../firmware/adapters/event-loop.ts";
import { execute } from "../../../sim/harness/outcome.ts";
import { CUT_POINTS, countSteps, planSweep, prepareCut } from "../../../sim/harness/sweep.ts";
import { expandRuns } from "../../../sim/scenario/expand-runs.ts";
import { parseScenario } from "../../../sim/scenario/parse-scenario.ts";
import type { Run } from "../../../sim/scenario/types.ts";
import { shortTank } from "./short-tank.ts";

const host = { turn: nextTurn, read: (path: string) => readFile(path) };
const step = (number: number) => ({ number, label: "store.batch", atUs: number });

function run(): Run {
  const [first] = expandRuns(parseScenario(shortTank({ expect: ["{ always: 'true' }"] }), "short.yaml"));
  if (!first) throw new Error("no run");
  return first;
}

describe("the plan of a sweep", () => {
  const counted = { steps: Array.from({ length: 50 }, (_, index) => step(100 + index)), startSteps: 30 };

  test("every step has its cuts before, during and after", () => {
    const plans = planSweep("1", "a-001", counted, { points: CUT_POINTS, isDouble: false, maxRuns: 2000 });

    expect(plans).toHaveLength(150);
    expect(plans.slice(0, 3).map(({ step: at, point }) => [at, point])).toEqual([
      [100, "before"],
      [100, "during"],
      [100, "after"],
    ]);
  });

  test("what is too much is sampled by the seed: never twice, in order, the same each time", () => {
    const options = { points: CUT_POINTS, isDouble: false, maxRuns: 40 };
    const plans = planSweep("1", "a-001", counted, options);
    const places = plans.map(({ step: at, point }) => at * 3 + CUT_POINTS.indexOf(point));

    expect(new Set(places).size).toBe(40);
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(planSweep("1", "a-001", counted, options)).toEqual(plans);
    expect(planSweep("2", "a-001", counted, options)).not.toEqual(plans);
  });

  test("second cuts fall into the recovery", () => {
    const plans = planSweep("1", "a-001", counted, { points: ["after"], isDouble: true, maxRuns: 2000 });
    const seconds = plans.map(({ second }) => second?.after ?? -1);

    expect(Math.min(...seconds)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...seconds)).toBeLessThan(30);
    expect(new Set(seconds).size).toBeGreaterThan(10);
  });
});

describe("a sweep", () => {
  test("counts the steps of its window, and cuts where it says", async () => {
    const window = { device: "tank-001", fromUs: 2_000_000, toUs: 3_000_000 };
    const options = { host, untilUs: 8_000_000 };
    const { steps, startSteps } = await countSteps(run(), window, options);
    const write = steps.find(({ label }) => label === "gpio.write:17");

    expect(startSteps).toBeGreaterThan(10);
    expect(steps.every(({ atUs }) => atUs >= 2_000_000 && atUs <= 3_000_000)).toBe(true);
    expect(write).toBeDefined();

    const cut = {
      device: "tank-001",
      step: write?.number ?? 0,
      label: "gpio.write:17",
      point: "before",
    } as const;
    const once = await execute(run(), {
      ...options,
      prepare: (sim) => prepareCut(sim, { ...cut, second: null }),
    });
    const second = { after: 5, point: "during" } as const;
    const twice = await execute(run(), { ...options, prepare: (sim) => prepareCut(sim, { ...cut, second }) });

    expect([once.counts["sim.cut"], once.counts["sim.boot"]]).toEqual([1, 2]);
    expect(twice.counts["sim.cut"]).toBe(2);
    expect(once.traceHash).not.toBe(twice.traceHash);
  });
});
