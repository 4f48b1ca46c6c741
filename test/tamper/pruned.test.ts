/** A pruned ledger begins with its anchor: changes of it, and of the entries that were kept, are found and named. */
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { decodeCbor, encodeCbor } from "../../firmware/core/cbor.ts";
import type { JsonObject } from "../../firmware/core/json.ts";
import { type Ledger, LogRetention, LogWatch, verifyStore } from "../../firmware/ledger/index.ts";
import { del, put, type StoreOp } from "../../firmware/ports/store.ts";
import { MemoryStore } from "../../sim/disk/memory-store.ts";
import { bench, event, headKey } from "../ledger/fixture.ts";

const NOW = 4_000_000_000_000;
const breathe = (): Promise<void> => Promise.resolve();
const LIMITS = { maxBytes: 0, maxDays: 365, minDays: 0, leafDays: 1095, witnessKeys: [], quorum: 0 };

let store: MemoryStore;
let ledger: Ledger;
let anchor: Uint8Array;
let kept: readonly (readonly [string, Uint8Array])[];

beforeAll(async () => {
  const made = bench(new MemoryStore());
  store = made.store as MemoryStore;
  ledger = await made.open();
  for (let n = 0; n < 600; n += 50) {
    const events = Array.from({ length: 50 }, (_, i) =>
      event(n + i, (n + i) % 97 === 0 ? "decision" : "config_change"),
    );
    await ledger.commit({ events, ops: [] }, { urgent: true });
  }
  expect((await new LogRetention(store, ledger).round(LIMITS, NOW, breathe)).minIndex).toBe(512);
  anchor = (await store.get("lganchor", "0")) ?? new Uint8Array();
  const rows: (readonly [string, Uint8Array])[] = [];
  for await (const [key, row] of store.range("lgkeep")) rows.push([key, row.slice()]);
  kept = rows;
});
afterAll(() => ledger.close());

/** What both verifications say of the log with these changes; the rows are put back afterwards. */
async function findings(ops: readonly StoreOp[]): Promise<readonly string[]> {
  await store.batch(ops, { sync: true });
  const { logKeys, origin } = ledger;
  const report = await verifyStore(store, { logKeys, origin, headKey });
  const watched = await new LogWatch(store, ledger, headKey).verify(NOW, breathe);
  const back = [put("lganchor", "0", anchor), ...kept.map(([key, row]) => put("lgkeep", key, row))];
  await store.batch(back, { sync: true });
  return [
    ...(report.ok ? [] : [`ledger:${report.reason}@${report.firstBad}`]),
    ...report.warnings.map(({ code }) => `warning:${String(code)}`),
    ...(watched.ok ? [] : [`watch:${watched.reason}@${watched.firstBad}`]),
  ];
}

const anchored = (change: JsonObject): StoreOp =>
  put("lganchor", "0", encodeCbor({ ...(decodeCbor(anchor) as JsonObject), ...change }));

const flipped = (row: Uint8Array, at: number): Uint8Array =>
  row.map((byte, i) => (i === at ? byte ^ 1 : byte));

test("nothing is found where nothing was changed", async () => {
  expect(await findings([])).toEqual([]);
  expect(kept.length).toBeGreaterThan(4);
});

describe("the anchor", () => {
  it.each<readonly [string, () => StoreOp, string]>([
    ["its place moved", () => anchored({ index: 256 }), "warning:anchor_unverified"],
    ["the hash before it edited", () => anchored({ prevHash: "0".repeat(64) }), "warning:anchor_unverified"],
    ["its tree edited", () => anchored({ range: ["ab".repeat(32)] }), "warning:anchor_unverified"],
    ["sealed with another key", () => anchored({ mac: "0".repeat(64) }), "warning:anchor_unverified"],
    ["unreadable", () => put("lganchor", "0", new Uint8Array([0xff])), "watch:anchor_unverified@0"],
    ["deleted", () => del("lganchor", "0"), "ledger:missing_entry@0"],
  ])("%s", async (_name, op, found) => {
    expect(await findings([op()])).toContain(found);
  });

  it("no byte of it can change unnoticed", async () => {
    for (let at = 0; at < anchor.length; at += 3)
      expect(await findings([put("lganchor", "0", flipped(anchor, at))]), `byte ${at}`).not.toEqual([]);
  });
});

describe("entries that were kept", () => {
  it("no byte of them can change unnoticed", async () => {
    const [key = "", row = new Uint8Array()] = kept[1] ?? [];
    for (let at = 0; at < row.length; at += 7)
      expect(await findings([put("lgkeep", key, flipped(row, at))]), `byte ${at}`).not.toEqual([]);
  });

  it("one under the index of another", async () => {
    const [[first = ""] = [], [, second = new Uint8Array()] = []] = kept;

    expect(await findings([put("lgkeep", first, second)])).toContainEqual(
      expect.stringMatching(new RegExp(`^watch:\\w+@${Number(first)}$`)),
    );
  });

  it("one deleted is not found: docs/storage.md says so, and what helps", async () => {
    const [[key = ""] = []] = kept;

    expect(await findings([del("lgkeep", key)])).toEqual([]);
  });
});
