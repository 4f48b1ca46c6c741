/** What the bench of the simulator does with what it measured, and that its fleets do what they say. */
import { describe, expect, test } from "vitest";
import { newFleet, runningOf } from "../../bench/suites/sim/children/fleet.ts";
import { reportJson, reportText } from "../../bench/suites/sim/print.ts";
import { bytesPerDevice, type SimReport, speedRow } from "../../bench/suites/sim/report.ts";
import { simSettings } from "../../bench/suites/sim/settings.ts";
import { simTargets } from "../../bench/suites/sim/targets.ts";

const settings = simSettings(["--cases", "control,gossip-200"]);
const [control, gossip] = settings.cases;
if (control === undefined || gossip === undefined) throw new Error("Cases are missing.");

const stretch = (cpuMs: number, wallMs: number) => ({ simulatedS: 60, cpuMs, wallMs, events: 1200 });
const figures = { records: 1, traceHash: "a" };

const report: SimReport = {
  suite: "sim",
  machine: { cpu: "c", cores: 2, memoryMiB: 1, platform: "p", node: "v20", v8: "11", loadAverage: 0 },
  settings,
  speed: [
    speedRow(control, {
      ...figures,
      devices: 1,
      running: 1,
      stretches: [stretch(20, 40), stretch(30, 60), stretch(60, 120)],
    }),
    speedRow(gossip, { ...figures, devices: 200, running: 199, stretches: [stretch(1, 1)] }),
  ],
  idleDeviceBytes: bytesPerDevice({ devices: 1, bytes: 1000 }, { devices: 11, bytes: 1000 + 10 * 2 ** 20 }),
  traces: [
    { how: "alone", hash: "a" },
    { how: "again", hash: "b" },
  ],
  limits: null,
  seconds: 1,
};

describe("the simulator's figures", () => {
  test("are simulated time over CPU time, the median of the stretches; events are counted a device and second", () => {
    const [row] = report.speed;
    expect(row?.timesCpu).toMatchObject({ median: 2000, min: 1000, max: 3000 });
    expect(row?.timesWall.median).toBe(1000);
    expect(row?.eventsPerS.median).toBe(40_000);
    expect(row?.eventsPerDeviceS).toBe(20);
    expect(row?.cpuUsPerEvent).toBeCloseTo(110_000 / 3600);
    expect(report.idleDeviceBytes).toBe(2 ** 20);
  });

  test("meet the promise at its bound; a device that stopped, and a trace of its own, meet none", () => {
    const verdicts = simTargets(report).map(({ name, value, pass, reason }) => [name, value, pass, reason]);
    expect(verdicts).toEqual([
      ["speed: control", 2000, true, undefined],
      ["speed: gossip-200", null, false, "1 devices stopped"],
      ["memory: one idle device", 1, true, undefined],
      ["trace: different hashes", 2, false, undefined],
    ]);
  });

  test("come as JSON and as text", () => {
    expect(JSON.parse(JSON.stringify(reportJson(report)))).toMatchObject({ suite: "sim", limits: null });
    expect(reportText(report)).toContain("control");
  });

  test("are not made of parts and fleets that do not exist", () => {
    expect(() => simSettings(["--only", "speed,nothing"])).toThrow("Unknown part: nothing");
    expect(() => simSettings(["--cases", "nothing"])).toThrow("Unknown case: nothing");
  });
});

describe("the simulated fleets", () => {
  test.each([
    ["none", 0, 0],
    ["control", 1, 0],
    ["tank", 1, 20],
  ])("%s runs, and does once a second what it says", async (name, writes, reads) => {
    const sim = await newFleet(name, 2);
    await sim.run("30s");
    expect(runningOf(sim)).toBe(2);
    for (const { observer } of sim.members.values()) {
      expect(observer.exits).toEqual([]);
      // Its pump is switched on once, after it was driven safe.
      expect(observer.moves.filter(({ line, level }) => line === 17 && level === 1)).toHaveLength(writes);
      expect(observer.counts.get("sim.i2c") ?? 0).toBeGreaterThanOrEqual(reads);
    }
  });
});
