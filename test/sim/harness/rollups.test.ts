/** Rollups of a whole device in the greenhouse: one program, a run a second, readings that go out as telemetry. */
import { describe, expect, it } from "vitest";
import type { Sim } from "../../../sim/harness/sim.ts";
import { type ChangeablePolicy, greenhouse } from "./greenhouse.ts";

function ownEntries({ subjects }: ChangeablePolicy): void {
  for (const subject of Object.values(subjects)) if (subject.kind === "program") subject.rollup = false;
}

const wearOf = (sim: Sim): number => sim.member("house-001").disk.wear.bytesWritten;

async function told(sim: Sim) {
  const { ledger } = sim.member("house-001").device.daemon.parts.state;
  return (await ledger.reader.tail(500)).map(({ entry }) => entry.event);
}

describe("a device whose runs are uneventful", () => {
  it("writes an entry a minute instead of one a run, and less to its disk", async () => {
    const [shared, own] = [await greenhouse(), await greenhouse({ policy: ownEntries })];

    await shared.run("5m");
    await own.run("5m");

    const kinds = (sim: Sim) => sim.member("house-001").observer.counts;
    expect(kinds(own).get("run")).toBeGreaterThan(290);
    expect(kinds(own).get("run_rollup")).toBeUndefined();
    // The first run, and every hundredth.
    expect(kinds(shared).get("run")).toBeLessThan(8);
    expect(kinds(shared).get("run_rollup")).toBeLessThan(12);
    expect(wearOf(own) - wearOf(shared)).toBeGreaterThan(290 * 1500);
    expect((await shared.end()).violations).toEqual([]);
    expect((await own.end()).violations).toEqual([]);
  });

  it("covers what a power cut left at the next start, and says so", async () => {
    const cut = { at: "90s", fault: "cut", device: "house-001", offMs: 2000 };
    const sim = await greenhouse({ timeline: [cut] });

    await sim.run("2m");

    // A copy: reading the store from here is itself outside of every event.
    const violations = [...(await sim.end()).violations];
    const events = await told(sim);
    const recovered = events.filter(({ data }) => data.recovered === true);
    expect(recovered.map(({ kind, data }) => [kind, data.programId])).toEqual([["run_rollup", "climate"]]);
    expect(Number(recovered[0]?.data.count)).toBeGreaterThan(5);
    const kinds = events.map(({ kind }) => kind);
    expect(kinds.indexOf("boot", 1)).toBeGreaterThan(events.indexOf(recovered[0] ?? (events[0] as never)));
    expect(violations).toEqual([]);
  });

  it("writes what grows before it stops", async () => {
    const sim = await greenhouse();
    await sim.run("30s");
    const { device, observer } = sim.member("house-001");
    const count = (): number => observer.counts.get("run_rollup") ?? 0;
    const before = count();

    const stopped = device.stop();
    await sim.run("20s");
    await stopped;

    expect(observer.counts.get("shutdown")).toBe(1);
    expect(count()).toBe(before + 1);
    expect((await sim.end()).violations).toEqual([]);
  });
});
