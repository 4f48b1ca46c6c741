import { simulate } from "imu-edge/sim";
import { expect, test } from "vitest";

test("the pump stops before the tank runs over, also after a loss of power", async () => {
  const sim = await simulate("examples/scenarios/tank.yaml", { seed: 7 });
  const tank = sim.device("tank-001");

  await sim.until(() => tank.output("pump").value === 1, "1m");
  tank.cutPower(5000);
  await sim.run("2m");

  expect(sim.world("tank1.level")).toBeGreaterThan(0.5);
  expect(sim.world("tank1.overflow")).toBe(0);
  expect(await tank.ledger("boot")).toHaveLength(2);
  expect((await tank.runs("fill")).length).toBeGreaterThan(10);
  await sim.end();
});
