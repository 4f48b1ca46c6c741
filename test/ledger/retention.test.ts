import { describe, expect, it } from "vitest";
import { utf8 } from "../../firmware/core/bytes.ts";
import { canonicalize } from "../../firmware/core/canonical-json.ts";
import { keyPairFromSeed } from "../../firmware/core/ed25519.ts";
import { RETENTION_LIMITS } from "../../firmware/core/limits.ts";
import {
  cosign,
  type Ledger,
  LogRetention,
  type LogRetentionLimits,
  LogWatch,
  leafHash,
  TYPE_COSIGNATURE,
  verifierKey,
  verifyConsistency,
  verifyInclusion,
  verifyStore,
  witnessName,
} from "../../firmware/ledger/index.ts";
import { del, put } from "../../firmware/ports/store.ts";
import { MemoryStore } from "../../sim/disk/memory-store.ts";
import type { ManualClock } from "../support/manual-clock.ts";
import { bench, event, headKey } from "./fixture.ts";

const DAY = 86_400_000;
const breathe = (): Promise<void> => Promise.resolve();
const limits = (change: Partial<LogRetentionLimits> = {}): LogRetentionLimits => ({
  maxBytes: 1e9,
  maxDays: 365,
  minDays: 7,
  leafDays: 1095,
  witnessKeys: [],
  quorum: 0,
  ...change,
});

/** `days` days with `perDay` entries in four commits and a checkpoint each; every 97th is of a kind that is kept. */
async function live(ledger: Ledger, clock: ManualClock, days: number, perDay: number): Promise<void> {
  for (let day = 0; day < days; day++) {
    for (let part = 0; part < 4; part++) {
      const events = Array.from({ length: perDay / 4 }, (_, i) => {
        const n = ledger.head.size + i;
        return event(n, n % 97 === 0 ? "decision" : "config_change");
      });
      await ledger.commit({ events, ops: [] }, { urgent: true });
      await ledger.checkpoint();
      clock.jumpWall(DAY / 4);
    }
  }
}

async function aLog(days = 40, perDay = 64) {
  const made = bench(new MemoryStore());
  const ledger = await made.open();
  await live(ledger, made.clock, days, perDay);
  return {
    ...made,
    ledger,
    retention: new LogRetention(made.store, ledger),
    watch: new LogWatch(made.store, ledger, headKey),
  };
}

const rootAt = async (ledger: Ledger, size: number): Promise<Uint8Array> =>
  (await ledger.reader.tree(size)).root();

/** Whatever is stored must prove itself: the chain, kept entries at every later size, consistency between any two. */
async function expectProvable(store: MemoryStore, ledger: Ledger, minIndex: number): Promise<number> {
  const { size } = ledger.head;
  const keys = { logKeys: ledger.logKeys, origin: ledger.origin, headKey };
  expect(await verifyStore(store, keys)).toMatchObject({ ok: true, size });
  let kept = 0;
  for await (const [key] of store.range("lgkeep")) {
    const index = Number(key);
    const leaf = leafHash(utf8(canonicalize((await ledger.reader.entry(index))?.entry)));
    for (const at of [minIndex, minIndex + 1, size - 3, size]) {
      if (at <= index) continue;
      const proof = await ledger.reader.inclusionProof(index, at);
      expect(verifyInclusion(index, at, leaf, proof, await rootAt(ledger, at))).toBe(true);
    }
    kept++;
  }
  for (const [a, b] of [
    [minIndex, size],
    [minIndex + 1, size],
    [minIndex + 77, minIndex + 78],
    [minIndex, minIndex + 300],
  ] as const) {
    const proof = await ledger.reader.consistencyProof(a, b);
    expect(verifyConsistency(a, b, await rootAt(ledger, a), await rootAt(ledger, b), proof)).toBe(true);
  }
  return kept;
}

describe("retention of the log", () => {
  it("prunes whole tiles by age, and what stays is provable", async () => {
    const { store, clock, ledger, retention } = await aLog();
    const round = await retention.round(limits({ maxDays: 20 }), clock.wallMs(), breathe);
    // 40 days of 64 entries: those of the first 20 days are 1280, five tiles.
    expect(round).toMatchObject({ minIndex: 1280, pruned: 1280, unwitnessed: false });
    expect(await ledger.reader.entry(1)).toBeUndefined();
    expect(await expectProvable(store, ledger, 1280)).toBeGreaterThan(5);
    expect((await retention.round(limits({ maxDays: 20 }), clock.wallMs(), breathe)).pruned).toBe(0);
  });

  it("prunes by bytes, but nothing younger than the least number of days", async () => {
    const { store, clock, ledger, retention } = await aLog();
    const half = await retention.round(limits({ maxBytes: 200_000 }), clock.wallMs(), breathe);
    expect(half.bytes).toBeLessThanOrEqual(200_000);
    expect(half.bytes).toBeGreaterThan(200_000 - 256 * 400);
    const least = await retention.round(limits({ maxBytes: 0 }), clock.wallMs(), breathe);
    // Seven days of 64 entries, and the entry that recorded the first pruning.
    expect(least.minIndex).toBeLessThanOrEqual(ledger.head.size - 7 * 64);
    expect(least.minIndex).toBeGreaterThan(ledger.head.size - 7 * 64 - 2 * 256);
    await expectProvable(store, ledger, least.minIndex);
  });

  it("drops leaf hashes when their time has come, and kept entries stay provable", async () => {
    const { store, clock, ledger, retention } = await aLog();
    await retention.round(limits({ maxDays: 20 }), clock.wallMs(), breathe);
    const before = (await rows(store, "lgn")).length;
    expect(
      (await retention.round(limits({ maxDays: 20, leafDays: 2 }), clock.wallMs() + DAY, breathe)).tiles,
    ).toBe(0);
    const late = await retention.round(
      limits({ maxDays: 21, leafDays: 2 }),
      clock.wallMs() + 3 * DAY,
      breathe,
    );
    expect(late.tiles).toBe(5);
    const kept = await expectProvable(store, ledger, late.minIndex);
    const after = await rows(store, "lgn");
    expect(before - after.length).toBeGreaterThan(5 * 510 - kept * 8 - 64);
    for (let tile = 0; tile < 5; tile++) expect(after).toContain(`08!${String(tile).padStart(12, "0")}`);
    const again = await bench(store).open();
    expect(again.openedAs.is).toBe("ready");
    expect(await new LogWatch(store, again, headKey).verify(clock.wallMs(), breathe)).toMatchObject({
      ok: true,
    });
  });

  it("keeps all notes of the last 30 days and one a day of those before, for ever", async () => {
    const { store, clock, ledger, retention } = await aLog(50, 64);
    await retention.round(limits({ maxDays: 10 }), clock.wallMs(), breathe);
    const sizes = (await rows(store, "lgcp")).map(Number);
    const from = clock.wallMs() - 50 * DAY;
    const dayOf = (size: number): number => Math.floor((from + Math.ceil(size / 16 - 1) * (DAY / 4)) / DAY);
    const today = Math.floor(clock.wallMs() / DAY);
    const old = sizes.filter((size) => dayOf(size) < today - RETENTION_LIMITS.noteDays);
    expect(old.length).toBeGreaterThan(15);
    expect(new Set(old.map(dayOf)).size).toBe(old.length);
    expect(sizes.length - old.length).toBeGreaterThan(29 * 4);
    // Their entries are pruned by now; a month later they are thinned all the same.
    await retention.round(limits({ maxDays: 60 }), clock.wallMs() + 31 * DAY, breathe);
    const later = (await rows(store, "lgcp")).map(Number).filter((size) => size < 50 * 64);
    expect(new Set(later.map(dayOf)).size).toBe(later.length);
    expect(ledger.isHealthy).toBe(true);
  });

  it("prunes nothing that too few witnesses have signed, and says so", async () => {
    const { clock, ledger, retention } = await aLog();
    const pair = keyPairFromSeed(new Uint8Array(32).fill(5));
    const key = verifierKey(
      witnessName("imu.invalid", "plant", "pump-b"),
      TYPE_COSIGNATURE,
      pair.publicKeyHex,
    );
    const wish = limits({ maxDays: 5, minDays: 1, witnessKeys: [key], quorum: 1 });
    expect(await retention.round(wish, clock.wallMs(), breathe)).toMatchObject({
      pruned: 0,
      unwitnessed: true,
    });
    const { size } = ledger.head;
    const line = cosign(await ledger.checkpoint(), key.name, Math.floor(clock.wallMs() / 1000), pair);
    await ledger.addCosignatures(size, [line], [key]);
    expect(await retention.round(wish, clock.wallMs(), breathe)).toMatchObject({
      pruned: 2048,
      unwitnessed: false,
    });
  });

  it("goes on after being interrupted at any row", async () => {
    for (const stopAt of [10, 1500, 2700, 3100, 3600]) {
      const { store, clock, ledger, retention } = await aLog();
      let steps = 0;
      const stop = (): Promise<void> =>
        ++steps > stopAt ? Promise.reject(new Error("stopped")) : Promise.resolve();
      const late = clock.wallMs() + DAY;
      const wish = limits({ maxDays: 20, leafDays: 0 });
      await expect(retention.round(wish, late, stop)).rejects.toThrow("stopped");
      await ledger.close();
      const again = await bench(store).open();
      const round = await new LogRetention(store, again).round(wish, late, breathe);
      await expectProvable(store, again, round.minIndex);
    }
  });
});

const rows = async (store: MemoryStore, sub: string): Promise<string[]> => {
  const found: string[] = [];
  for await (const [key] of store.range(sub)) found.push(key);
  return found;
};

describe("the verification of the whole log", () => {
  it("finds a damaged body or hash of the tree, wherever it is", async () => {
    const cases = [
      { at: 3, index: 1900, reason: "bad_entry" },
      // The last byte of a row is one of the hashes beside its entry, if it completes a subtree.
      { at: -1, index: 1901, reason: "node_mismatch" },
      { at: -1, index: 1900, reason: "hash_mismatch" },
    ];
    for (const { at, index, reason } of cases) {
      const [sub, key, firstBad] = ["lg", String(index).padStart(12, "0"), index];
      const { store, clock, retention, watch } = await aLog();
      await retention.round(limits({ maxDays: 20 }), clock.wallMs(), breathe);
      expect(await watch.verify(clock.wallMs(), breathe)).toMatchObject({ ok: true });
      const row = new Uint8Array((await store.get(sub, key)) ?? []);
      const place = (at + row.length) % row.length;
      row[place] = (row[place] ?? 0) ^ 1;
      await store.batch([put(sub, key, row)], { sync: true });
      expect(await watch.verify(clock.wallMs(), breathe)).toMatchObject({ ok: false, reason, firstBad });
    }
  });

  it("finds a kept entry whose proof is gone", async () => {
    const { store, clock, retention, watch } = await aLog();
    await retention.round(limits({ maxDays: 20 }), clock.wallMs(), breathe);
    const [first] = await rows(store, "lgkeep");
    const sibling = `00!${String(Number(first) ^ 1).padStart(12, "0")}`;
    await store.batch([del("lgn", sibling)], { sync: true });
    expect(await watch.verify(clock.wallMs(), breathe)).toMatchObject({
      ok: false,
      reason: "not_included",
      firstBad: Number(first),
    });
  });

  it("goes on where it was interrupted, and is due again a day after its end", async () => {
    const { store, clock, ledger, watch } = await aLog(100, 256);
    expect(await watch.lastMs()).toBe(0);
    let steps = 0;
    const stop = (): Promise<void> =>
      ++steps > 20_000 ? Promise.reject(new Error("stopped")) : Promise.resolve();
    await expect(watch.verify(clock.wallMs(), stop)).rejects.toThrow("stopped");
    expect(await watch.lastMs()).toBeNull();
    const rest = await new LogWatch(store, ledger, headKey).verify(clock.wallMs(), breathe);
    expect(rest.ok).toBe(true);
    expect(rest.entries).toBeGreaterThan(5_000);
    expect(rest.entries).toBeLessThan(25_600 - RETENTION_LIMITS.verifySegment);
    expect(await watch.lastMs()).toBe(clock.wallMs());
  });
});
