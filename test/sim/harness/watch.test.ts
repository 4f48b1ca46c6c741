import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { simulate } from "../../../sim/harness/test.ts";
import { drawView, fit } from "../../../sim/harness/watch/draw.ts";
import { lookAt } from "../../../sim/harness/watch/look.ts";
import type { WatchView } from "../../../sim/harness/watch/view.ts";
import { Watcher } from "../../../sim/harness/watch/watcher.ts";
import { shortTank } from "./short-tank.ts";

const WIRING = [
  "{ model: ssd1306, bus: i2c-1, address: 0x3c }",
  "{ model: hd44780, bus: i2c-1, address: 0x27 }",
];

async function viewAt(duration: string): Promise<WatchView> {
  const sim = await simulate(shortTank({ wiring: WIRING }));
  using watcher = new Watcher(sim.sim, "tank-001");
  await sim.run(duration);
  return lookAt(sim.sim, watcher, 10_000_000);
}

describe("watching a tank", () => {
  test("its pins, parts, readings, outputs, evidence and ledger are what they are", async () => {
    const view = await viewAt("5s");
    const pin = (number: number) => view.pins.find(({ pin: one }) => one === number);

    // GPIO17 is pin 11, GPIO23 is pin 16, SDA1 is pin 3 of the header; the pump fills a tank of 0.4 m.
    expect(pin(11)).toEqual({ pin: 11, name: "GPIO17", level: 1, direction: "out", wired: "relay" });
    expect(pin(16)).toMatchObject({ name: "GPIO23", level: 0, direction: "in", wired: "float" });
    expect(pin(3)).toMatchObject({ name: "GPIO2", wired: "SDA1" });
    expect([pin(1)?.name, pin(2)?.name, pin(6)?.name]).toEqual(["3V3", "5V", "GND"]);
    expect(view.outputs.find(({ name }) => name === "pump")).toMatchObject({
      value: 1,
      safe: 0,
      refusal: null,
    });
    expect(view.buses.find(({ part }) => part === "i2c-1/0x48 ads1115")?.transfers).toBeGreaterThan(3);
    const level = view.readings.find(({ input }) => input === "level");
    expect(Math.abs(Number(level?.value) - 0.42)).toBeLessThan(0.05);
    expect(view.world.find(({ name }) => name === "tank1.pump")?.value).toBe(1);
    expect(view.world.some(({ name }) => name === "tank1.area")).toBe(false);
    expect(view.evidence.map(({ kind }) => kind)).toContain("sensor_reading");
    expect(view.ledger.last[0]).toMatchObject({ index: Math.max(0, view.ledger.size - 6) });
    expect(view).toMatchObject({ simulated: true, state: "locked", boots: 1, link: { state: "online" } });
    expect(view.displays.map(({ part, lines }) => [part, lines.length])).toEqual([
      ["i2c-1/0x3c ssd1306", 32],
      ["i2c-1/0x27 hd44780", 2],
    ]);
  });

  test("a device without power is shown as such", async () => {
    const sim = await simulate(shortTank());
    using watcher = new Watcher(sim.sim, "tank-001");
    await sim.run("3s");
    sim.device("tank-001").cutPower(60_000);
    await sim.run("1s");
    const view = await lookAt(sim.sim, watcher, 10_000_000);

    expect(view).toMatchObject({ state: "no power", link: null, policy: "none" });
    expect(view.pins[10]).toMatchObject({ level: null, direction: null });
  });
});

describe("drawing", () => {
  test("fits every terminal: no line too long, none too many", async () => {
    const view = await viewAt("5s");
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 260 }), fc.integer({ min: 1, max: 90 }), (columns, rows) => {
        const lines = drawView(view, { columns, rows }, 1);

        expect(lines.length).toBeLessThanOrEqual(rows);
        expect(lines.every((line) => [...line].length === columns)).toBe(true);
      }),
    );
    const wide = drawView(view, { columns: 140, rows: 60 }, 10).join("\n");
    expect(wide).toContain("GPIO17 relay      ← ● 11");
    expect(wide).toContain("SIMULATED  short-tank, seed 1");
    expect(wide).toMatch(/pump +● ON +safe 0/);
    // Narrow terminals show what matters before the board.
    expect(drawView(view, { columns: 60, rows: 8 }, 1).join("\n")).toContain("── outputs");
  });

  test("text is cut by characters", () => {
    expect([fit("abc", 5), fit("abcdef", 4), fit("●●●", 2)]).toEqual(["abc  ", "abc…", "●…"]);
  });
});
