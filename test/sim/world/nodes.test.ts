import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { supplyStep, supplyVolts } from "../../../sim/world/nodes/supply.ts";
import { tankStep } from "../../../sim/world/nodes/tank.ts";
import { World } from "../../../sim/world/world.ts";
import type { WorldNodeConfig } from "../../../sim/world/world-config.ts";

const SECOND = 1_000_000;

const worldOf = (node: Omit<WorldNodeConfig, "name" | "drives">): World =>
  new World("1", { stepUs: SECOND, nodes: [{ name: "n", drives: {}, ...node }] });

describe("a tank", () => {
  test("keeps its volume: what came in is in it, went out or ran over", () => {
    const fraction = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fraction, fraction, fraction, fc.integer({ min: 1, max: 60 }), (level, pump, leak, dtS) => {
        const tank = { level, height: 1, area: 2, qIn: 0.05, qOut: 0, leak: leak * 0.02 };
        const next = tankStep(tank, pump, 0, dtS);
        const net = (0.05 * pump - tank.leak) * dtS;

        expect(next.level).toBeGreaterThanOrEqual(0);
        expect(next.level).toBeLessThanOrEqual(1);
        const kept = (next.level - level) * 2 + next.overflowM3;
        // An empty tank gives no more than it has.
        if (next.level > 0) expect(kept).toBeCloseTo(net, 9);
        else expect(kept).toBeGreaterThanOrEqual(net - 1e-9);
      }),
    );
  });

  test("says how full it is", () => {
    const world = worldOf({ kind: "tank", values: { level: 1, height: 4, area: 1, leak: 0.1 } });
    expect(world.get("n.fraction")).toBe(0.25);
    world.advanceTo(5 * SECOND);
    expect(world.get("n.fraction")).toBeCloseTo(0.125, 12);
  });
});

describe("a room", () => {
  const values = { t: 20, C: 100_000, G: 50, ambient: 20, rh: 80, ambientRh: 40 };

  test("loses 1 − 1/e of its excess humidity in an hour", () => {
    const world = worldOf({ kind: "room", values });
    world.advanceTo(3600 * SECOND);
    expect(world.get("n.rh")).toBeCloseTo(40 + 40 / Math.E, 1);
  });

  test("is warmed and filled with carbon dioxide by the people in it, up to a balance", () => {
    const world = worldOf({ kind: "room", values: { ...values, occupancy: 4, volume: 60, airChanges: 2 } });
    world.advanceTo(24 * 3600 * SECOND);
    // 4·100 W over 50 W/K; 4·5e-6 m³/s into 60 m³ exchanged twice an hour.
    expect(world.get("n.t")).toBeCloseTo(28, 6);
    expect(world.get("n.co2")).toBeCloseTo(420 + (4 * 5) / (60 * (2 / 3600)), 6);
  });
});

describe("a thermal node", () => {
  test("ends where heat and losses balance, with the vent open at another place", () => {
    const world = worldOf({
      kind: "thermal",
      values: { t: 0, C: 100, G: 5, P: 100, ambient: 10, Gvent: 20 },
    });
    world.set("n.heater", 0.5);
    world.advanceTo(600 * SECOND);
    expect(world.get("n.t")).toBeCloseTo(20, 9);
    world.set("n.vent", 1);
    world.advanceTo(1200 * SECOND);
    expect(world.get("n.t")).toBeCloseTo(12, 9);
  });

  test("is cooled by negative power", () => {
    const world = worldOf({ kind: "thermal", values: { t: 10, C: 100, G: 5, P: -50, ambient: 10 } });
    world.set("n.heater", 1);
    world.advanceTo(600 * SECOND);
    expect(world.get("n.t")).toBeCloseTo(0, 9);
  });
});

describe("a supply", () => {
  test("is charged by ampere-seconds and stays between empty and full", () => {
    expect(supplyStep({ soc: 0.5, capacityAh: 2, loadA: 1, solarA: 0 }, 3600)).toBe(0);
    expect(supplyStep({ soc: 0.5, capacityAh: 4, loadA: 1, solarA: 2 }, 3600)).toBe(0.75);
    expect(supplyStep({ soc: 0.9, capacityAh: 1, loadA: 0, solarA: 5 }, 3600)).toBe(1);
  });

  test("gives less the emptier it is, and browns out below 4.63 V", () => {
    const fraction = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fraction, fraction, (a, b) => {
        expect(supplyVolts(Math.min(a, b))).toBeLessThanOrEqual(supplyVolts(Math.max(a, b)));
      }),
    );
    const world = worldOf({ kind: "supply", values: { soc: 0.06, capacityAh: 1, load: 0.6 } });
    world.set("n.draw", 0.6);

    expect(world.get("n.v")).toBeCloseTo(4.63 + 0.17 / 5, 12);
    expect(world.get("n.brownout")).toBe(0);
    world.advanceTo(60 * SECOND);
    // 0.06 − 1.2 A · 60 s/3600 = 0.04, a fifth of the way from 4.63 V down to 4.2 V.
    expect(world.get("n.v")).toBeCloseTo(4.63 - 0.43 / 5, 12);
    expect(world.get("n.brownout")).toBe(1);
  });
});

describe("signals", () => {
  test.each([
    ["pressure", "p", 101_325],
    ["wind", "speed", 0],
    ["sound", "level", 30],
    ["presence", "present", 0],
    ["door", "open", 0],
    ["signal", "value", 0],
  ] as const)("%s has its quantity %s and its noise", (kind, field, base) => {
    const quiet = worldOf({ kind, values: {} });
    const noisy = worldOf({ kind, values: { sigma: 2 } });
    let sum = 0;
    for (let second = 1; second <= 500; second++) {
      quiet.advanceTo(second * SECOND);
      noisy.advanceTo(second * SECOND);
      expect(quiet.get(`n.${field}`)).toBe(base);
      sum += (noisy.get(`n.${field}`) - base) ** 2;
    }
    // Variance 4, its estimate from 500 samples within five standard errors.
    expect(sum / 500).toBeGreaterThan(4 * (1 - 5 * Math.sqrt(2 / 500)));
    expect(sum / 500).toBeLessThan(4 * (1 + 5 * Math.sqrt(2 / 500)));
  });
});

describe("bands", () => {
  test("stay within 0 and 1 and near the curve", () => {
    const noisy = worldOf({ kind: "bands", values: {} });
    const plain = worldOf({ kind: "bands", values: { noise: 0 } });
    let moved = 0;
    for (let second = 1; second <= 900; second++) {
      noisy.advanceTo(second * SECOND);
      plain.advanceTo(second * SECOND);
      for (const band of ["phase", "entropy", "creative", "risk"]) {
        const value = noisy.get(`n.${band}`);
        expect(value).toBeGreaterThanOrEqual(0);
        expect(value).toBeLessThanOrEqual(1);
        const away = Math.abs(value - plain.get(`n.${band}`));
        expect(away).toBeLessThanOrEqual(band === "phase" ? 0.02 : 0.01);
        if (away > 0) moved++;
      }
    }
    expect(moved).toBeGreaterThan(3000);
  });
});
