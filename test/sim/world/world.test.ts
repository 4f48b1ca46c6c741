import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { World } from "../../../sim/world/world.ts";
import type { WorldNodeConfig } from "../../../sim/world/world-config.ts";

const SECOND = 1_000_000;
const HOUR = 3600 * SECOND;

const tank: WorldNodeConfig = {
  name: "tank1",
  kind: "tank",
  values: { level: 0.4, height: 1, area: 0.5, qIn: 0.01, qOut: 0.004 },
  drives: {},
};
const room: WorldNodeConfig = {
  name: "room1",
  kind: "thermal",
  values: { t: 20, C: 50_000, G: 30, P: 1500, ambient: 5 },
  drives: {},
};

const worldOf = (nodes: readonly WorldNodeConfig[], stepUs = 100_000, seed = "1"): World =>
  new World(seed, { stepUs, nodes });

describe("the world", () => {
  test("computes only the steps that have ended", () => {
    const world = worldOf([tank]);
    world.set("tank1.pump", 1);

    world.advanceTo(99_999);
    expect(world.get("tank1.level")).toBe(0.4);
    world.advanceTo(100_000);
    // 0.1 s of 0.01 m³/s on 0.5 m².
    expect(world.get("tank1.level")).toBeCloseTo(0.402, 12);
    expect(world.atUs).toBe(100_000);
    world.advanceTo(0);
    expect(world.atUs).toBe(100_000);
  });

  test("asks an actuator at every step, so a relay that closes in between counts from the next one on", () => {
    const world = worldOf([tank], SECOND);
    const asked: number[] = [];
    world.input("tank1.pump", (atUs) => {
      asked.push(atUs);
      return atUs >= 1_500_000 ? 1 : 0;
    });

    world.advanceTo(4 * SECOND);

    expect(asked).toEqual([0, SECOND, 2 * SECOND, 3 * SECOND]);
    expect(world.get("tank1.level")).toBeCloseTo(0.4 + 2 * 0.02, 12);
  });

  test("adds up several actuators with their gains, each after its delay", () => {
    const world = worldOf([tank], SECOND);
    world.input("tank1.pump", () => 1, { gain: 0.5 });
    world.input("tank1.pump", () => 1, { gain: 0.25, delayUs: 1_500_000 });
    const inputs: number[] = [];

    for (let second = 1; second <= 4; second++) {
      world.advanceTo(second * SECOND);
      inputs.push(world.get("tank1.pump"));
    }

    expect(inputs).toEqual([0.5, 0.5, 0.75, 0.75]);
  });

  test("hands a sensor the quantity of now, scaled and late", () => {
    const world = worldOf([tank], SECOND);
    world.set("tank1.pump", 1);
    const now = world.quantity("tank1.level", { gain: 2.5, offset: 0.5 });
    const late = world.quantity("tank1.level", { delayUs: 2 * SECOND });

    expect(now(0)).toBe(1.5);
    expect(late(SECOND)).toBe(0.4);
    expect(now(3 * SECOND)).toBeCloseTo(2.5 * 0.46 + 0.5, 12);
    expect(late(3 * SECOND)).toBeCloseTo(0.42, 12);
  });

  test("counts what runs over as an alarm", () => {
    const world = worldOf([tank], SECOND);
    world.input("tank1.pump", () => 1);

    world.advanceTo(30 * SECOND);
    expect(world.alarms()).toEqual([]);
    world.advanceTo(60 * SECOND);

    expect(world.get("tank1.level")).toBe(1);
    // 60 s of 0.01 m³/s, less the 0.6 m · 0.5 m² that fitted in.
    expect(world.alarms()).toEqual([{ name: "tank1.overflow", value: expect.closeTo(0.3, 9) }]);
  });

  test("drives parameters by other quantities in declared order, and by schedules", () => {
    const light: WorldNodeConfig = {
      name: "sun",
      kind: "light",
      values: { peak: 800, hour: 12, clouds: 0 },
      drives: {},
    };
    const house: WorldNodeConfig = {
      ...room,
      drives: {
        gain: { kind: "quantity", of: "sun.lux", gain: 0.5, offset: 10 },
        ambient: {
          kind: "schedule",
          schedule: {
            points: [
              { atUs: 0, value: 5 },
              { atUs: HOUR, value: 7 },
            ],
            mode: "linear",
            repeatUs: null,
          },
        },
      },
    };
    const world = worldOf([light, house], SECOND);

    world.advanceTo(SECOND);
    // Sun of noon one second on; 20 + (0.5·sun + 10 + 30·(5 − 20))/50000.
    const sun = 800 * Math.sin((Math.PI * (6 + 1 / 3600)) / 12);
    expect(world.get("sun.lux")).toBeCloseTo(sun, 9);
    expect(world.get("room1.t")).toBeCloseTo(20 + (0.5 * sun + 10 - 450) / 50_000, 12);
    world.advanceTo(HOUR / 2 + SECOND);
    expect(world.get("room1.ambient")).toBeCloseTo(6, 12);
  });

  test("a value that was set stays until it is released, a state goes on from there", () => {
    const door: WorldNodeConfig = {
      name: "door",
      kind: "door",
      values: {},
      drives: {
        base: {
          kind: "schedule",
          schedule: { points: [{ atUs: 0, value: 0 }], mode: "step", repeatUs: null },
        },
      },
    };
    const world = worldOf([door, tank], SECOND);
    world.set("door.open", 1);
    world.set("tank1.level", 0.9);
    world.set("tank1.leak", 0.001);

    world.advanceTo(10 * SECOND);
    expect(world.get("door.open")).toBe(1);
    expect(world.get("tank1.level")).toBeCloseTo(0.9 - 0.02, 12);
    world.release("door.open");
    world.advanceTo(11 * SECOND);
    expect(world.get("door.open")).toBe(0);
  });

  test("draws from the streams of its nodes: the same seed gives the same world, whoever looks when", () => {
    const wind: WorldNodeConfig = { name: "wind", kind: "wind", values: { base: 4, sigma: 1 }, drives: {} };
    const sky: WorldNodeConfig = { name: "sky", kind: "light", values: { peak: 1000, hour: 9 }, drives: {} };
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1200 }), { maxLength: 20 }), (looks) => {
        const often = worldOf([wind, sky], SECOND);
        const once = worldOf([wind, sky], SECOND);
        for (const second of looks) often.advanceTo(second * SECOND);
        often.advanceTo(1200 * SECOND);
        once.advanceTo(1200 * SECOND);
        expect([often.node("wind"), often.node("sky")]).toEqual([once.node("wind"), once.node("sky")]);
      }),
    );
    const alone = worldOf([wind], SECOND);
    const together = worldOf([sky, wind], SECOND);
    const other = worldOf([wind], SECOND, "2");
    for (const world of [alone, together, other]) world.advanceTo(10 * SECOND);
    expect(alone.get("wind.speed")).toBe(together.get("wind.speed"));
    expect(alone.get("wind.speed")).not.toBe(other.get("wind.speed"));
  });

  test("has a new cloud every five minutes", () => {
    const world = worldOf(
      [{ name: "sky", kind: "light", values: { peak: 1000, hour: 9 }, drives: {} }],
      SECOND,
    );
    const factors = new Set<number>();
    for (let second = 0; second < 1500; second++) {
      world.advanceTo(second * SECOND);
      const factor = world.get("sky.cloud");
      expect(factor).toBeGreaterThan(0.5);
      expect(factor).toBeLessThanOrEqual(1);
      factors.add(factor);
    }

    expect(factors.size).toBe(5);
  });

  test.each([
    ["a node that is not there", () => worldOf([tank]).get("tank2.level")],
    ["a field that is not there", () => worldOf([tank]).get("tank1.constructor")],
    ["a name without a node", () => worldOf([tank]).get("level")],
    ["an input that is computed", () => worldOf([tank]).input("tank1.level", () => 1)],
    ["a number that must be given", () => worldOf([{ ...tank, values: { level: 1 } }])],
    ["a number that the kind does not have", () => worldOf([{ ...tank, values: { ...tank.values, C: 1 } }])],
    ["a value that is none", () => worldOf([tank]).set("tank1.level", Number.NaN)],
  ])("refuses %s", (_name, act) => {
    expect(act).toThrow(expect.objectContaining({ code: "bad_args" }));
  });
});

describe("a thermostat around the world", () => {
  test("holds the room between its two temperatures", () => {
    const world = worldOf([room]);
    let heating = 0;
    world.input("room1.heater", () => heating);
    const temperature = world.quantity("room1.t");
    const seen: number[] = [];

    for (let second = 0; second < 6 * 3600; second++) {
      const t = temperature(second * SECOND);
      if (t < 19) heating = 1;
      else if (t > 21) heating = 0;
      if (second > 3600) seen.push(t);
    }

    expect(Math.min(...seen)).toBeGreaterThan(18.9);
    expect(Math.max(...seen)).toBeLessThan(21.1);
    expect(Math.max(...seen) - Math.min(...seen)).toBeGreaterThan(1.9);
  });
});
