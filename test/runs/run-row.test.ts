import { describe, expect, it } from "vitest";
import { encodeCbor } from "../../firmware/core/cbor.ts";
import { sha256Hex } from "../../firmware/core/hash.ts";
import { RUN_LIMITS } from "../../firmware/core/limits.ts";
import { ContentStore, ContentWatch } from "../../firmware/evidence/index.ts";
import { put } from "../../firmware/ports/store.ts";
import { type FullRunRecord, RunRetention, RunStore } from "../../firmware/runs/index.ts";
import { MemoryStore } from "../../sim/disk/memory-store.ts";

const DAY = 86_400_000;
const NOW = 1_700_000_000_000;
const idAt = (ms: number): string => `r${ms.toString(16).padStart(12, "0")}00000001`;

/** What a program leaves that reads a line and drives another, once a second. */
function aRecord(n: number, change: Partial<FullRunRecord> = {}): FullRunRecord {
  const startedAt = NOW + n * 1000;
  const evidence = ["trigger", "reading", "trace"].map((name) => sha256Hex(`${name} ${n}`));
  const [, reading = ""] = evidence;
  const call = { t: "call", turn: 2, task: 0, capability: "gpio.read", args: { input: "float" }, ok: true };
  return {
    v: 1,
    runId: idAt(startedAt),
    program: { name: "fill", version: "1.0.0", programHash: "ab".repeat(32) },
    subject: "program:fill",
    tier: "medium",
    policyHash: "cd".repeat(32),
    trigger: { kind: "interval", dueAt: n * 1000 },
    limits: { cpuSteps: 1000, memKb: 32, ioCalls: 6, wallMs: 1000 },
    startedAt,
    wallMs: n % 3,
    payload: {},
    journal: [{ ...call, result: { value: n % 2 }, evidence: [reading] }],
    outcome: { status: 200, body: null, claims: [], effects: [], error: null },
    release: { ok: true, status: 200, reason: null },
    vmVersion: "imu-vm/1.0",
    inputHash: sha256Hex(`in ${n}`),
    outputHash: sha256Hex(`out ${n}`),
    metrics: { cpuSteps: 5, wallMs: n % 3 },
    evidence,
    safeStates: [],
    state: "halted",
    ...change,
  } as unknown as FullRunRecord;
}

async function house(count: number, change: (n: number) => Partial<FullRunRecord> = () => ({})) {
  const store = new ContentWatch(new MemoryStore());
  const content = new ContentStore({ store, wallMs: () => 0 });
  const runs = new RunStore(store, content);
  const sizes: number[] = [];
  const settle = async (record: FullRunRecord): Promise<void> => {
    const { ops, stored } = runs.stage(record);
    await store.batch(ops, { sync: true });
    stored();
    sizes.push(ops.reduce((sum, op) => sum + op.key.length + (op.type === "put" ? op.value.length : 0), 0));
  };
  for (let n = 0; n < count; n++) await settle(aRecord(n, change(n)));
  const fresh = new RunStore(store, content);
  return { store, runs, fresh, sizes, settle };
}

const rowsOf = async (store: ContentWatch, sub: string): Promise<readonly string[]> => {
  const keys: string[] = [];
  for await (const [key] of store.range(sub)) keys.push(key);
  return keys;
};

describe("records as differences", () => {
  it("come back whole, in any order, by whoever reads them", async () => {
    const { fresh } = await house(5, (n) => (n === 3 ? { state: "failed", safeStates: ["pump"] } : {}));
    for (const n of [4, 0, 3, 1, 2])
      expect(await fresh.read(idAt(NOW + n * 1000))).toEqual(
        aRecord(n, n === 3 ? { state: "failed", safeStates: ["pump"] } : {}),
      );
    const all = await Promise.all([0, 3, 1, 3, 2].map((n) => fresh.read(idAt(NOW + n * 1000))));
    expect(all.map(({ startedAt }) => (startedAt - NOW) / 1000)).toEqual([0, 3, 1, 3, 2]);
  });

  it("take a fraction of a whole one", async () => {
    const { sizes } = await house(10);
    const [first = 0, ...later] = sizes;
    expect(Math.max(...later) * 2).toBeLessThan(first);
  });

  it("of a rollup are read with the rollup's first run", async () => {
    const { store, runs, fresh } = await house(0);
    const first = idAt(NOW);
    for (const n of [0, 1, 2]) {
      const { share, ops, stored } = runs.stageShared(aRecord(n));
      await store.batch([...ops, ...share.rows(first)], { sync: true });
      stored();
    }
    expect(await fresh.stored(idAt(NOW + 1000))).toMatchObject({ rollup: first });
    const covered: string[] = [];
    for await (const { runId } of fresh.ofRollup(first)) covered.push(runId);
    expect(covered).toEqual([0, 1, 2].map((n) => idAt(NOW + n * 1000)));
  });

  it("change their base after so many", async () => {
    const { store } = await house(RUN_LIMITS.rowsPerBase + 1);
    expect(await rowsOf(store, "runbase")).toHaveLength(2);
  });

  it("that are whole, as an older version wrote them, are read too", async () => {
    const { store, fresh } = await house(0);
    const record = aRecord(7);
    await store.batch([put("run", record.runId, encodeCbor(record))], { sync: true });
    expect(await fresh.read(record.runId)).toEqual(record);
  });

  it("name a missing base as damage, and keep nobody else from being read", async () => {
    const { store, fresh, settle } = await house(1);
    for (const key of await rowsOf(store, "runbase"))
      await store.batch([{ type: "del", sub: "runbase", key }], { sync: true });
    const other = aRecord(1, { state: "failed" });
    await settle(other);
    await expect(fresh.read(idAt(NOW))).rejects.toMatchObject({ code: "store_corrupt" });
    expect(await fresh.read(other.runId)).toEqual(other);
  });

  it.each<[string, unknown]>([
    ["a number", 1],
    ["too short", [1, new Uint8Array(8)]],
    ["another version", [2, new Uint8Array(8), null, 0, new Uint8Array(0)]],
    ["a short base", [1, new Uint8Array(7), null, 0, new Uint8Array(0)]],
    ["a rollup of another form", [1, new Uint8Array(8), 5, 0, new Uint8Array(0)]],
    ["half a digest", [1, new Uint8Array(8), null, 0, new Uint8Array(5)]],
  ])("are refused as damaged: %s", async (_, row) => {
    const store = new MemoryStore();
    await store.batch([put("run", idAt(NOW), encodeCbor(row))], { sync: true });
    const runs = new RunStore(store, new ContentStore({ store, wallMs: () => 0 }));
    await expect(runs.read(idAt(NOW))).rejects.toMatchObject({ code: "store_corrupt" });
  });
});

describe("bases of records", () => {
  it("go when no record has named them at two collections", async () => {
    const { store, runs, settle } = await house(3);
    const retention = new RunRetention(store, () => runs.forgetBases());
    const limits = { recordDays: 1, recordBytes: 1e9, evidenceDays: 1, evidenceBytes: 1e9 };
    const breathe = (): Promise<void> => Promise.resolve();
    const later = (days: number) => retention.round(limits, NOW + days * DAY, breathe);
    await later(2);
    expect(await rowsOf(store, "run")).toEqual([]);
    await later(3.5);
    expect(await rowsOf(store, "runbase")).toHaveLength(1);
    await later(5);
    expect(await rowsOf(store, "runbase")).toEqual([]);
    await settle(aRecord(5 * 86_400));
    expect(await runs.read(idAt(NOW + 5 * DAY))).toEqual(aRecord(5 * 86_400));
  });
});

describe("retention of records that a rollup stands for", () => {
  it("takes all of a rollup or nothing, also where programs take turns", async () => {
    const { store, runs, settle } = await house(0);
    const rollups = { fill: idAt(NOW), drain: idAt(NOW + 1000) };
    for (let n = 0; n < 20; n++) {
      const { share, ops, stored } = runs.stageShared(aRecord(n));
      await store.batch([...ops, ...share.rows(n % 2 === 0 ? rollups.fill : rollups.drain)], { sync: true });
      stored();
    }
    await settle(aRecord(21));
    const breathe = (): Promise<void> => Promise.resolve();
    const unbounded = { recordDays: 365, recordBytes: 1e9, evidenceDays: 30, evidenceBytes: 1e9 };
    const round = (recordBytes: number, atMs: number) =>
      new RunRetention(store).round({ ...unbounded, recordBytes }, atMs, breathe);
    const { recordBytes } = await round(1e9, NOW + DAY);

    // While they may still grow, nothing of them goes; what has an entry of its own may.
    expect((await round(recordBytes - 1, NOW + 60_000)).records).toBe(1);

    const all = await round(1e9, NOW + DAY);
    const { records } = await round(all.recordBytes - 1, NOW + DAY);
    expect(records).toBe(10);
    const left: (string | null)[] = [];
    for (const id of await rowsOf(store, "run")) left.push((await runs.stored(id)).rollup);
    expect(left).toEqual(Array.from({ length: 10 }, () => rollups.drain));
  });
});
