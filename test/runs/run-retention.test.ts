import { describe, expect, it } from "vitest";
import { encodeCbor } from "../../firmware/core/cbor.ts";
import { sha256Hex } from "../../firmware/core/hash.ts";
import { ContentWatch, RunPacker, stageBlob } from "../../firmware/evidence/index.ts";
import { put, type StoreOp } from "../../firmware/ports/store.ts";
import { RunRetention, type RunRetentionLimits } from "../../firmware/runs/index.ts";
import { MemoryStore } from "../../sim/disk/memory-store.ts";
import { startRun } from "../evidence/support.ts";
import { ManualClock } from "../support/manual-clock.ts";

const DAY = 86_400_000;
const NOW = 1_700_000_000_000;
const breathe = (): Promise<void> => Promise.resolve();
const limits = (change: Partial<RunRetentionLimits> = {}): RunRetentionLimits => ({
  recordDays: 365,
  recordBytes: 1e9,
  evidenceDays: 30,
  evidenceBytes: 1e9,
  ...change,
});

const idAt = (ms: number): string => `r${ms.toString(16).padStart(12, "0")}00000001`;

/** A record with a journal in the content store and two envelopes, one of them with a payload of its own blob. */
function aRun(atMs: number, packer: RunPacker): readonly StoreOp[] {
  const runId = idAt(atMs);
  const journal = stageBlob(new TextEncoder().encode(`journal of ${runId}`));
  const { run: evidence } = startRun({ runId, clock: new ManualClock({ wallMs: atMs }) });
  evidence.record({
    kind: "serial_read",
    source: "serial://ttys0",
    blob: new TextEncoder().encode(`line at ${atMs}`),
  });
  evidence.record({ kind: "gpio_read", source: "gpio://gpiochip0/1", payload: { value: atMs } });
  return [
    ...journal.ops,
    put("run", runId, encodeCbor({ journal: { sha256: journal.sha256 } })),
    ...evidence.stage(packer).ops,
  ];
}

async function world(days: readonly number[]) {
  const store = new ContentWatch(new MemoryStore());
  const packer = new RunPacker();
  for (const day of days) await store.batch(aRun(NOW - day * DAY, packer), { sync: true });
  return { store, retention: new RunRetention(store) };
}

const count = async (store: ContentWatch, sub: string): Promise<number> => {
  let rows = 0;
  for await (const _row of store.range(sub)) rows++;
  return rows;
};
const counts = async (store: ContentWatch): Promise<readonly number[]> =>
  Promise.all(["run", "evpack", "evbase", "cas"].map((sub) => count(store, sub)));

describe("retention of runs", () => {
  it("lets evidence go after its days, records later, and blobs when nothing names them", async () => {
    const { store, retention } = await world([400, 40, 31, 29, 1]);
    expect(await counts(store)).toEqual([5, 5, 1, 10]);

    const round = await retention.round(limits(), NOW, breathe);

    // Evidence of 29 days and 1 day stays; the journals of four records, too.
    expect(round).toMatchObject({ records: 1, envelopes: 6 });
    await retention.round(limits(), NOW + DAY, breathe);
    expect(await counts(store)).toEqual([4, 2, 1, 6]);
  });

  it("takes the oldest away until the bytes fit, evidence of a record with it", async () => {
    const { store, retention } = await world([5, 4, 3, 2, 1]);
    const { recordBytes } = await retention.round(limits(), NOW, breathe);
    expect(recordBytes).toBeGreaterThan(0);

    const { evidenceBytes } = await retention.round(limits({ recordBytes: recordBytes * 0.5 }), NOW, breathe);
    expect(await count(store, "run")).toBe(2);
    expect(await count(store, "evpack")).toBe(2);
    expect(await store.get("run", idAt(NOW - DAY))).toBeDefined();

    await retention.round(limits({ evidenceBytes: evidenceBytes - 1 }), NOW, breathe);
    expect(await count(store, "evpack")).toBe(1);
    expect(await count(store, "run")).toBe(2);
  });

  it("never takes a blob that a settlement names again while garbage is looked for", async () => {
    const { store, retention } = await world([40]);
    const blob = new TextEncoder().encode("written again");
    await store.batch(stageBlob(blob).ops, { sync: true });
    let seen = 0;
    const settle = async (): Promise<void> => {
      // After the envelopes were looked at, before the blobs are removed.
      if (++seen === 4) await store.batch(stageBlob(blob).ops, { sync: true });
    };
    await retention.round(limits({ recordDays: 10 }), NOW, settle);
    expect(seen).toBeGreaterThan(4);
    expect(await store.get("cas", sha256Hex(blob))).toBeDefined();
  });

  it("keeps what it cannot read, and leaves no reference without its blob wherever it is interrupted", async () => {
    for (let stopAt = 1; stopAt < 30; stopAt++) {
      const { store, retention } = await world([50, 40, 20, 1]);
      let steps = 0;
      const stop = (): Promise<void> =>
        ++steps > stopAt ? Promise.reject(new Error("stopped")) : Promise.resolve();
      await retention.round(limits({ recordDays: 30 }), NOW, stop).catch(() => undefined);
      const [runs = 0, , , blobs = 0] = await counts(store);
      expect(blobs).toBeGreaterThanOrEqual(runs);
      for await (const [runId] of store.range("run"))
        expect(await store.get("cas", sha256Hex(`journal of ${runId}`))).toBeDefined();
    }
  });
});
