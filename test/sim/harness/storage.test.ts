import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../firmware/core/json.ts";
import { LedgerReader, verifyStore } from "../../../firmware/ledger/index.ts";
import type { Sim } from "../../../sim/harness/sim.ts";
import { smallTank } from "./small-fleet.ts";

const storage = (sim: Sim): JsonObject => {
  const { care } = sim.member("tank-001").device.daemon.parts;
  return care ? { ...care.guard.view } : {};
};
const alerts = (sim: Sim): readonly string[] =>
  sim.member("tank-001").device.daemon.parts.alerts.recent.map(({ code }) => code);

async function entries(sim: Sim, kind: string): Promise<readonly JsonObject[]> {
  const reader = await LedgerReader.open(sim.member("tank-001").disk.peek());
  const found: JsonObject[] = [];
  for await (const { entry } of reader.entries())
    if (entry.event.kind === kind) found.push({ ...entry.event.data });
  return found;
}

async function expectSound(sim: Sim): Promise<void> {
  const { device, disk } = sim.member("tank-001");
  const { ledger, identity } = device.daemon.parts.state;
  const keys = { logKeys: ledger.logKeys, origin: ledger.origin, headKey: identity.headKey };
  expect(await verifyStore(disk.peek(), keys)).toMatchObject({ ok: true, size: ledger.head.size });
}

const FAULTS = [
  { kind: "full", what: "is full", code: "storage_full", bytes: 0 },
  { kind: "full", what: "has less than 64 MiB left", code: "storage_full", bytes: 50_000_000 },
  { kind: "readonly", what: "is mounted read-only", code: "store_read_only", bytes: null },
] as const;

describe.each(FAULTS)("a disk that $what", ({ kind, code, bytes }) => {
  const fault = {
    at: "20s",
    for: "60s",
    fault: "disk",
    kind,
    device: "tank-001",
    ...(bytes === null ? {} : { bytes }),
  };

  it("stops programs with their outputs safe, keeps the ledger consistent, and goes on by itself", async () => {
    const sim = await smallTank({ duration: "3m", timeline: [fault] });
    const { device, board } = sim.member("tank-001");
    await sim.run("75s");

    expect([device.isRunning, device.boots]).toEqual([true, 1]);
    expect(storage(sim)).toMatchObject({ refusing: code });
    expect(alerts(sim)).toContain(code);
    expect(board.levelOf(17)).toBe(0);
    const { runs } = device.daemon.parts;
    const refused = await runs.start({ program: "fill", trigger: { kind: "command" } });
    expect(refused).toMatchObject({ ok: false, code, status: 503, details: { howTo: expect.any(String) } });
    expect(device.daemon.parts.fleet.status).toBeDefined();

    await sim.run("60s");
    expect(storage(sim)).toMatchObject({ refusing: null });
    const cleared = (await entries(sim, "alert")).find(({ state }) => state === "cleared");
    expect(cleared).toMatchObject({ name: code, details: { refusedRuns: expect.any(Number) } });
    await expectSound(sim);
    expect((await sim.end()).violations).toEqual([]);
  });
});

describe("a disk that is full when the daemon is told to stop", () => {
  it("does not keep it from closing everything", async () => {
    const sim = await smallTank({
      duration: "2m",
      timeline: [{ at: "20s", fault: "disk", kind: "full", device: "tank-001", bytes: 0 }],
    });
    await sim.run("40s");
    const { device, board } = sim.member("tank-001");
    let isClosed = false;
    void device.daemon.stop("test").then(() => {
      isClosed = true;
    });
    await sim.run("30s");
    expect([isClosed, board.levelOf(17)]).not.toContain(1);
    expect(isClosed).toBe(true);
  });
});
