import { describe, expect, test } from "vitest";
import { buildHarness, pump } from "./harness.ts";

describe("safe states", () => {
  test("are driven through two failing writes", async () => {
    const { outputs, hardware } = buildHarness();
    hardware.line(17).failures = 2;

    expect(await outputs.driveSafe(pump(), "test")).toEqual({ output: "pump", safe: 0, driven: true });
  });

  test("that cannot be driven release the line to an input and raise an alert, within 500 ms for all", async () => {
    const { outputs, hardware, alerts, clock } = buildHarness();
    hardware.line(17).hang = true;
    const other = pump({ name: "valve", uri: "gpio://gpiochip0/5", safe: 1 });

    const driving = outputs.driveAllSafe([pump(), other], "shutdown");
    await clock.advance(500);

    expect(await driving).toMatchObject([{ driven: false }, { driven: true }]);
    expect(hardware.requested).toContain("in:17");
    expect(alerts).toContain("safe_state_failed");
    expect(outputs.drivenLevel(other.uri)).toBe(1);
  });

  test("apply the wiring of an active-low channel exactly once, writing and reading back", async () => {
    const { outputs, hardware } = buildHarness();
    const valve = pump({ name: "valve", uri: "gpio://gpiochip0/5", safe: 0 });

    const written = await outputs.write(valve, 1);
    const electrical = hardware.line(5).level;
    await outputs.driveSafe(valve, "test");

    expect(written).toEqual({ value: 1, previous: null, readback: 1 });
    expect(electrical).toBe(0);
    expect(hardware.line(5).level).toBe(1);
  });

  test("have the last word over a write that was under way", async () => {
    const { outputs, hardware, clock } = buildHarness();
    const line = hardware.line(17);
    let land: () => void = () => undefined;
    const slow = new Promise<void>((resolve) => {
      land = resolve;
    });
    const write = line.write.bind(line);
    line.write = async (value) => {
      if (value === 1) await slow;
      await write(value);
    };

    const writing = outputs.write(pump(), 1);
    await clock.yield();
    await outputs.driveSafe(pump(), "cut");
    land();
    await writing;

    expect(line.level).toBe(0);
  });

  test("write nothing for an output that is to hold", async () => {
    const { outputs, hardware } = buildHarness();

    expect(await outputs.driveSafe(pump({ safe: "hold" }), "test")).toMatchObject({ driven: "held" });
    expect(hardware.requested).toEqual([]);
  });
});

describe("the toggle limit", () => {
  test("refuses the change that would exceed it, never one to the safe value, and forgets after a minute", async () => {
    const { outputs, clock } = buildHarness();
    const output = pump({ maxTogglesPerMin: 2 });
    await outputs.write(output, 0);
    await outputs.write(output, 1);
    await outputs.write(output, 0);

    const third = outputs.checkToggle(output, 1);
    await clock.advance(60_000);

    expect(third).toMatchObject({ code: "value_out_of_range", details: { limit: "toggles" } });
    expect(outputs.checkToggle(output, 0)).toBeNull();
    expect(outputs.checkToggle(output, 1)).toBeNull();
  });
});
