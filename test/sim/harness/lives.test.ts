import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../firmware/core/json.ts";
import { smallTank, tankDocument } from "./small-fleet.ts";

const kinds = (sim: Awaited<ReturnType<typeof smallTank>>): readonly string[] =>
  sim.trace.tail(4000).map(({ kind }) => kind);

describe("one simulated device", () => {
  it("runs the real daemon: it boots, measures, switches the pump and records each step", async () => {
    const sim = await smallTank();

    await sim.run("30s");

    const { device, observer } = sim.member("tank-001");
    expect(device.isRunning).toBe(true);
    expect(sim.world.get("tank1.level")).toBeGreaterThan(0.3);
    expect(observer.counts.get("effect_done")).toBeGreaterThan(0);
    expect(observer.moves.some(({ line, level }) => line === 17 && level === 1)).toBe(true);
    expect(await sim.end()).toMatchObject({ violations: [], ok: true });
  });

  it("loses its outputs with its power and comes back by itself with its ledger unbroken", async () => {
    const sim = await smallTank();
    await sim.run("20s");
    const { device, board } = sim.member("tank-001");
    const before = device.daemon.parts.state.ledger.head.size;

    sim.fault({
      fault: "cut",
      devices: ["tank-001"],
      label: null,
      nth: null,
      step: null,
      point: null,
      offMs: 5000,
      torn: null,
    });

    expect([device.isPowered, device.isRunning, board.levelOf(17)]).toEqual([false, false, null]);
    await sim.run("15s");
    expect([device.isRunning, device.boots, device.powerCycles]).toEqual([true, 2, 2]);
    expect(device.daemon.parts.state.ledger.head.size).toBeGreaterThanOrEqual(before);
    expect(await sim.end()).toMatchObject({ violations: [] });
  });

  it.each(["before", "during", "after"] as const)("bears a cut %s a store batch", async (point) => {
    const sim = await smallTank({
      timeline: [
        { at: "10s", fault: "cut", device: "tank-001", label: "store.*", nth: 3, point, offMs: 1000 },
      ],
    });

    await sim.run("40s");

    expect(kinds(sim)).toContain("cut");
    expect(sim.member("tank-001").device.boots).toBe(2);
    expect(await sim.end()).toMatchObject({ violations: [] });
  });

  it("is started again a second after its process was killed, and given up after five starts in a minute", async () => {
    const sim = await smallTank();
    await sim.run("5s");
    const { device } = sim.member("tank-001");

    device.kill();
    await sim.run("3s");
    expect([device.isRunning, device.boots, device.powerCycles]).toEqual([true, 2, 1]);

    for (let i = 0; i < 4; i++) {
      device.kill();
      await sim.run("2s");
    }
    expect([device.hasFailed, device.isRunning, device.boots]).toEqual([true, false, 5]);
    device.start();
    await sim.run("2s");
    expect([device.hasFailed, device.isRunning]).toEqual([false, true]);
  });

  it("is late and loses nothing while it is frozen", async () => {
    const sim = await smallTank();
    await sim.run("10s");
    const { device } = sim.member("tank-001");
    const size = (): number => device.daemon.parts.state.ledger.head.size;
    device.freeze(4000);
    const frozen = size();

    await sim.run("3900ms");
    expect(size()).toBe(frozen);

    await sim.run("5s");
    expect(size()).toBeGreaterThan(frozen);
    expect(await sim.end()).toMatchObject({ violations: [] });
  });

  it("starts from the time it has written down where no battery keeps it, and jumps when it is synchronised", async () => {
    const sim = await smallTank({ devices: [{ ...deviceOf(), rtc: false }] });
    await sim.run("2s");
    const { device, calendar } = sim.member("tank-001");
    expect(device.boot?.clock.trust()).toBe("unknown");
    expect(device.boot?.clock.wallMs()).toBeLessThan(60_000);

    await sim.run("40s");

    expect(device.boot?.clock.trust()).toBe("trusted");
    const off = Math.abs((device.boot?.clock.wallMs() ?? 0) - calendar.trueWallMs(sim.time.nowUs));
    expect(off).toBeLessThan(5);
    device.powerOff(1000);
    await sim.run("3s");
    expect(device.boot?.clock.trust()).toBe("floor");
    expect(await sim.end()).toMatchObject({ violations: [] });
  });
});

/** The one group of the small tank. */
function deviceOf(): JsonObject {
  const { devices } = tankDocument();
  const [group] = Array.isArray(devices) ? devices : [];
  return group as JsonObject;
}
