/** A sensor that a vote overrules is told of, and trusted less from then on (evidence.md 6, 10). */
import { expect, test } from "vitest";
import type { JsonObject } from "../../firmware/core/json.ts";
import { ReputationBook } from "../../firmware/evidence/index.ts";
import { AIR, irrigation, PUMP_ON, policyWith, read, runOnce, SOIL, withDevice } from "./one-run.ts";

const DOOR = "gpio://gpiochip0/23";

const member = (name: string, source: string): JsonObject => ({
  op: "CLAIM",
  id: name,
  type: "reading",
  text: name,
  schema: { type: "number", unit: "%" },
  value: `reg:${name}_value`,
  sources: [source],
  from: { evidence: source, pointer: "/value" },
  group: "wet",
});

const votes = irrigation([
  ...read("soil_moisture", "soil"),
  ...read("air_humidity", "air"),
  { op: "CAP", name: "gpio.read", args: { input: "door" } },
  { op: "STORE", reg: "door" },
  { op: "GETK", oid: "reg:door", key: "value" },
  { op: "STORE", reg: "door_value" },
  member("soil", SOIL),
  member("air", AIR),
  member("door", DOOR),
  ...PUMP_ON,
]);

const wet = { mode: "vote", tolerance: 0.9, maxSpreadMs: 60_000 };
const policy = policyWith({ requireClaims: true, requireGroups: true, groups: { wet } });

test("the outlier of a vote is an alert and a violation of its source, kept with the run", async () => {
  await withDevice(votes, policy, async (device) => {
    const { record } = await runOnce(device);
    const { alerts, state } = device.parts;
    const now = state.clock.wallMs();
    const stored = await ReputationBook.open(state.store);

    expect(record.outcome.error).toBeNull();
    const told = alerts.recent.filter(({ code }) => code === "sensor_outlier");
    expect(told.map(({ details }) => details)).toMatchObject([
      { source: "sim://gpio/gpiochip0/23", claim: "door" },
    ]);
    expect(stored.factor("sim.gpio", now)).toBeCloseTo(0.9, 3);
    expect(stored.factor("sim.spi", now)).toBeCloseTo(1.05, 3);
  });
});

test("a run that is only tried leaves nothing behind", async () => {
  await withDevice(votes, policy, async (device) => {
    await runOnce(device, true);
    const { alerts, state } = device.parts;
    const stored = await ReputationBook.open(state.store);

    expect(alerts.recent.filter(({ code }) => code === "sensor_outlier")).toEqual([]);
    expect(stored.factor("sim.gpio", state.clock.wallMs())).toBe(1);
  });
});

test("what a source has done before counts for the guard of the next run", async () => {
  const demanding = policyWith({ minTrust: 0.9, requiredKinds: ["gpio_read"] });
  const looks = irrigation([
    { op: "CAP", name: "gpio.read", args: { input: "door" } },
    { op: "POP" },
    ...PUMP_ON,
  ]);
  await withDevice(looks, demanding, async (device) => {
    const before = (await runOnce(device)).record.outcome.error;
    const { reputation, state } = device.parts;
    for (let i = 0; i < 2; i++) reputation.violation("sim.gpio", state.clock.wallMs());
    const after = (await runOnce(device)).record.outcome.error;

    expect(before).toBeNull();
    expect(after).toMatchObject({ code: "insufficient_evidence" });
  });
});

test("values outside the range of their driver count against the source once, not once a run", async () => {
  const readsSoil = irrigation([...read("soil_moisture", "soil"), ...PUMP_ON]);
  const narrow = (text: string): string => text.replace("max: 99.5", "max: 1");
  await withDevice(
    readsSoil,
    policyWith({ minCount: 1 }),
    async (device) => {
      const errors = [await runOnce(device), await runOnce(device)].map(
        ({ record }) => record.outcome.error?.code,
      );
      const { reputation, state } = device.parts;

      expect(errors).toEqual(["reading_out_of_range", "reading_out_of_range"]);
      expect(reputation.factor("sim.spi", state.clock.wallMs())).toBeCloseTo(0.9, 3);
    },
    undefined,
    narrow,
  );
});
