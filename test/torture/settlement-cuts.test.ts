/** A whole simulated device loses its power at every write of one settlement; each time its disk is judged by all invariants. */
import { expect, test } from "vitest";
import { execute } from "../../sim/harness/outcome.ts";
import { CUT_POINTS, countSteps, planSweep, prepareCut } from "../../sim/harness/sweep.ts";
import { host, tankRun } from "../sim/harness/small-fleet.ts";

const DEVICE = "tank-001";
const END_US = 16_000_000;
/** Steps from the trigger to the settlement: reading, guard, intent, driver, batch. */
const WINDOW_US = { from: 9_990_000, to: 10_400_000 };
/** Seeds of the runs: each draws otherwise what is left of unsynced writes. */
const SEEDS = ["1", "2"];

test("every write boundary of a settlement", { timeout: 180_000 }, async () => {
  const options = { host, untilUs: END_US };
  const failures: string[] = [];
  let [cuts, writes] = [0, 0];
  for (const seed of SEEDS) {
    const run = tankRun({ seed });
    const window = { device: DEVICE, fromUs: WINDOW_US.from, toUs: WINDOW_US.to };
    const counted = await countSteps(run, window, { ...options, observe: false });
    const steps = counted.steps.filter(({ label }) => label === "store.sync" || label === "store.batch");
    writes += steps.length;
    const sweep = { points: CUT_POINTS, isDouble: false, maxRuns: 1000 };
    for (const plan of planSweep(seed, DEVICE, { ...counted, steps }, sweep)) {
      const outcome = await execute(run, { ...options, prepare: (sim) => prepareCut(sim, plan) });
      cuts++;
      for (const { id, what } of outcome.violations)
        failures.push(`seed ${seed}, ${plan.point} step ${plan.step} ${plan.label}: ${id} ${what}`);
      if ((outcome.counts["sim.cut"] ?? 0) !== 1) failures.push(`seed ${seed}, step ${plan.step}: no cut`);
    }
  }
  process.stdout.write(`power cuts of a device: ${cuts} in ${writes} writes, seeds ${SEEDS.join(" ")}\n`);
  expect(writes).toBeGreaterThan(3);
  expect(failures).toEqual([]);
});
