/** A device's record becomes a scenario in which it decides the same again. */
import { describe, expect, test } from "vitest";
import { loadConfig } from "../../../firmware/composition/config.ts";
import { exportRun, readRunExport } from "../../../firmware/composition/state-export.ts";
import type { JsonObject } from "../../../firmware/core/json.ts";
import { ContentStore } from "../../../firmware/evidence/index.ts";
import { CONFIG_PATH } from "../../../sim/harness/provision.ts";
import { type RecordedRun, recordScenario } from "../../../sim/harness/record.ts";
import { type Sample, signalNode } from "../../../sim/harness/record-signals.ts";
import { type Simulation, simulate } from "../../../sim/harness/test.ts";
import { UNCUT } from "../../../sim/power/steps.ts";
import { shortTank } from "./short-tank.ts";

async function recorded(sim: Simulation): Promise<ReturnType<typeof recordScenario>> {
  const member = sim.sim.member("tank-001");
  const store = member.observer.store();
  const content = new ContentStore({ store, wallMs: () => 0 });
  const runs: RecordedRun[] = [];
  for (const { runId } of await sim.device("tank-001").runs()) {
    const run = readRunExport(await exportRun(store, content, runId));
    if (run.ok)
      runs.push({ record: run.record, program: { ...run.program } as JsonObject, evidence: run.evidence });
  }
  const files = member.disk.openFiles(UNCUT, { sleep: async () => undefined });
  return recordScenario({
    name: "incident",
    config: await loadConfig(files, CONFIG_PATH),
    settings: { clock: { trust: "system" } },
    policy: member.observer.policy,
    deviceId: member.device.keys.deviceId,
    runs,
  });
}

/** What every run decided about the pump, and how it ended, with the time of its start rounded to the program's rhythm. */
async function decisions(sim: Simulation, device: string): Promise<ReadonlyMap<number, string>> {
  const runs = await sim.device(device).runs("fill");
  const rows = runs.map(({ startedAt, outcome }): [number, string] => {
    const pump = outcome.effects
      .filter(({ capability }) => capability === "gpio.write")
      .map(({ args }) => args);
    return [Math.round((startedAt % 1_700_000_000_000) / 2000), JSON.stringify([pump, outcome.status])];
  });
  return new Map(rows);
}

describe("record", () => {
  test("the simulated device decides the same, also where its probe failed", async () => {
    const first = await simulate(
      shortTank({
        duration: "70s",
        rtc: true,
        timeline: ["{ at: 31s, fault: bus, device: tank-001, target: i2c-1/0x48, kind: disappear, for: 9s }"],
      }),
    );
    await first.run();
    const { document, notes } = await recorded(first);
    const second = await simulate(document);
    await second.run();

    const [before, after] = [await decisions(first, "tank-001"), await decisions(second, "replay-001")];
    const shared = [...before.keys()].filter((key) => after.has(key));
    expect(shared.length).toBeGreaterThan(25);
    expect(shared.map((key) => [key, after.get(key)])).toEqual(shared.map((key) => [key, before.get(key)]));
    // The pump was switched on, switched off, and could not be judged while the probe was gone.
    expect(new Set(before.values()).size).toBeGreaterThanOrEqual(3);
    expect(document.timeline).toMatchObject([{ fault: "bus", target: "i2c-1/0x48", kind: "disappear" }]);
    expect(notes).toEqual([]);
  });
});

const sample = (atUs: number, value: number, isEdge = false): Sample => ({ atUs, value, isEdge });

describe("a signal of the world", () => {
  test("has each value around its reading, and changes half-way or at the edge", () => {
    const samples = [
      sample(1_000_000, 5),
      sample(3_000_000, 5),
      sample(5_000_000, 7),
      sample(5_500_000, 8, true),
    ];

    expect(signalNode(samples, 0)).toEqual({
      kind: "signal",
      base: {
        mode: "step",
        schedule: [
          { at: "0us", value: 5 },
          { at: "4s", value: 7 },
          { at: "5500ms", value: 8 },
        ],
      },
    });
  });

  test("begins with the scenario, not with the boot", () => {
    expect(signalNode([sample(90_000_000, 1), sample(92_000_000, 2)], 88_000_000)).toMatchObject({
      base: {
        schedule: [
          { at: "0us", value: 1 },
          { at: "3s", value: 2 },
        ],
      },
    });
  });
});
