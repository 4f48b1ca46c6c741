import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { del, put, type StoreOp } from "../../../firmware/ports/store.ts";
import { MemoryStore } from "../../../sim/disk/memory-store.ts";
import type { SimDisk } from "../../../sim/disk/sim-disk.ts";
import type { PowerCutOptions } from "../../../sim/disk/survivors.ts";
import { type CutPoint, UNCUT } from "../../../sim/power/steps.ts";
import { SeededEntropy } from "../../../sim/time/entropy.ts";
import { bytes, CutSteps, dump, NO_WAIT, newDisk, row, share } from "./fixture.ts";

interface Batch {
  readonly ops: readonly StoreOp[];
  readonly sync: boolean;
}

const SUBS = ["a", "b"];
const op = fc.oneof(
  fc
    .tuple(fc.constantFrom(...SUBS), fc.constantFrom("k", "l", "m", "n"), fc.uint8Array({ maxLength: 3 }))
    .map(([sub, key, value]) => put(sub, key, value)),
  fc.tuple(fc.constantFrom(...SUBS), fc.constantFrom("k", "l", "m", "n")).map(([sub, key]) => del(sub, key)),
);
const batch: fc.Arbitrary<Batch> = fc.record({
  ops: fc.array(op, { minLength: 1, maxLength: 5 }),
  sync: fc.boolean(),
});
const batches = fc.array(batch, { maxLength: 12 });

async function replay(list: readonly Batch[]): Promise<string[]> {
  await using store = new MemoryStore();
  for (const { ops } of list) await store.batch(ops, { sync: false });
  return await dump(store, SUBS);
}

async function run(disk: SimDisk, list: readonly Batch[]): Promise<void> {
  const store = await disk.openStore(UNCUT, NO_WAIT);
  for (const { ops, sync } of list) await store.batch(ops, { sync });
}

const syncedOf = (list: readonly Batch[]): number => list.findLastIndex(({ sync }) => sync) + 1;
/** The layout row is the first batch of every log. */
const LAYOUT = 1;

async function survivors(disk: SimDisk): Promise<string[]> {
  await using store = await disk.openStore(UNCUT, NO_WAIT);
  return await dump(store, SUBS);
}

describe("a loss of power", () => {
  test("leaves the replay of a prefix with everything that was synced; torn takes one unsynced batch more", async () => {
    await fc.assert(
      fc.asyncProperty(batches, fc.string(), fc.boolean(), async (list, seed, torn) => {
        const disk = newDisk();
        await run(disk, list);

        const { survived } = disk.powerCut(new SeededEntropy(seed, "disk"), { torn });

        const synced = syncedOf(list);
        const u = new SeededEntropy(seed, "disk").float();
        const unsynced = Math.floor(u * (list.length - synced + 1));
        expect(survived - LAYOUT).toBe(synced + (torn ? Math.max(0, unsynced - 1) : unsynced));
        expect(await survivors(disk)).toEqual(await replay(list.slice(0, survived - LAYOUT)));
        expect(disk.batches).toEqual({ written: survived, synced: survived });
      }),
    );
  });

  test("happens again and again; each boot goes on from what the last one left", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(batches, fc.double({ min: 0, max: 0.999, noNaN: true })), { maxLength: 4 }),
        async (boots) => {
          const disk = newDisk();
          let left: Batch[] = [];
          for (const [list, u] of boots) {
            await run(disk, list);
            const { survived, written } = disk.powerCut(share(u));
            expect(written - LAYOUT).toBe(left.length + list.length);
            left = [...left, ...list].slice(0, survived - LAYOUT);
            expect(await dump(disk.peek(), SUBS)).toEqual(await replay(left));
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  test("on a disk that lied takes the last synced batches, and so all behind them", async () => {
    await fc.assert(
      fc.asyncProperty(
        batches,
        fc.integer({ min: 1, max: 6 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        async (list, k, u) => {
          const disk = newDisk();
          await run(disk, list);

          const { survived } = disk.powerCut(share(u), { lyingTail: k });

          expect(survived).toBe(Math.max(0, LAYOUT + syncedOf(list) - k));
          expect(await survivors(disk)).toEqual(await replay(list.slice(0, Math.max(0, survived - LAYOUT))));
        },
      ),
    );
  });

  test("can take no more synced batches than the disk may lie about", async () => {
    const disk = newDisk({ lyingBatches: 2 });
    const synced = ["1", "2", "3", "4"].map((key) => ({ ops: [row(key)], sync: true }));
    await run(disk, synced);

    expect(() => disk.powerCut(share(0), { lyingTail: 3 })).toThrow(
      expect.objectContaining({ code: "scenario_invalid" }),
    );
    expect(disk.powerCut(share(0), { lyingTail: 2 })).toEqual({ written: 5, synced: 5, survived: 3 });
    expect(await survivors(disk)).toEqual(["a/1=31", "a/2=32"]);
  });

  test("ends the views of the boot; the next one opens its own", async () => {
    const disk = newDisk();
    const store = await disk.openStore(UNCUT, NO_WAIT);
    disk.powerCut(share(0));
    const next = await disk.openStore(UNCUT, NO_WAIT);

    await expect(store.batch([row("k")], { sync: true })).rejects.toMatchObject({
      code: "store_unavailable",
    });
    await store[Symbol.asyncDispose]();
    await expect(disk.openStore(UNCUT, NO_WAIT)).rejects.toMatchObject({ code: "store_busy", status: 503 });
    expect(await next.get("a", "k")).toBeUndefined();
  });

  test("draws one number for the log, so that what it leaves does not depend on faults before it", () => {
    const drawn: number[] = [];
    const entropy = { ...share(0), float: () => drawn.push(0) && 0 };

    newDisk().powerCut(entropy);

    // One for the log, one for the journal of the files.
    expect(drawn).toHaveLength(2);
  });
});

describe("a kill of the process", () => {
  test("loses nothing that was written; what was not synced can still be lost to power later", async () => {
    await fc.assert(
      fc.asyncProperty(batches, async (list) => {
        const disk = newDisk();
        await run(disk, list);

        disk.kill();

        expect(await survivors(disk)).toEqual(await replay(list));
        disk.powerCut(share(0));
        expect(await survivors(disk)).toEqual(await replay(list.slice(0, syncedOf(list))));
      }),
    );
  });
});

describe("a cut in a step of the store", () => {
  async function cutAt(
    point: CutPoint,
    sync: boolean,
    u: number,
    options?: PowerCutOptions,
  ): Promise<string[]> {
    const disk = newDisk();
    await run(disk, [{ ops: [row("old")], sync: true }]);
    disk.kill();
    // Step 1 opens, step 2 reads the layout.
    const steps = new CutSteps({ step: 3, point }, () => disk.powerCut(share(u), options));
    const store = await disk.openStore(steps, NO_WAIT);
    void store.batch([row("k"), put("b", "l", bytes("l"))], { sync });
    await new Promise((resolve) => setImmediate(resolve));
    expect(steps.labels).toEqual(["store.open", "store.get", sync ? "store.sync" : "store.batch"]);
    return survivors(disk);
  }

  const NONE = ["a/old=6f6c64"];
  const ALL = ["a/k=6b", "a/old=6f6c64", "b/l=6c"];

  test.each<[CutPoint, sync: boolean, u: number, options: PowerCutOptions, left: string[]]>([
    ["before", true, 0.999, {}, NONE],
    ["during", true, 0, {}, NONE],
    ["during", true, 0.999, {}, ALL],
    ["during", true, 0.999, { torn: true }, NONE],
    ["after", true, 0, { torn: true }, ALL],
    ["after", true, 0, { lyingTail: 1 }, NONE],
    ["before", false, 0.999, {}, NONE],
    ["during", false, 0.999, {}, ALL],
    ["after", false, 0, {}, NONE],
    ["after", false, 0.999, {}, ALL],
  ])("%s it, sync %s, u %d, %j leaves all of the batch or none", async (point, sync, u, options, left) => {
    expect(await cutAt(point, sync, u, options)).toEqual(left);
  });

  test("ends an iteration for good: its next row never comes", async () => {
    const disk = newDisk();
    await run(disk, [{ ops: [row("k"), row("l")], sync: true }]);
    disk.kill();
    const steps = new CutSteps({ step: 4, point: "before" }, () => disk.kill());
    const store = await disk.openStore(steps, NO_WAIT);
    const rows = store.range("a")[Symbol.asyncIterator]();
    expect((await rows.next()).value[0]).toBe("k");
    void store.get("a", "k");

    const settled = await Promise.race([
      rows.next().then(() => true),
      new Promise((ok) => setImmediate(() => ok(false))),
    ]);

    expect(settled).toBe(false);
  });
});

describe("looking at a disk", () => {
  test("shows what a reader sees and what would be left, as it was at that moment", async () => {
    await fc.assert(
      fc.asyncProperty(batches, batches, async (list, later) => {
        const disk = newDisk();
        await run(disk, list);
        const visible = disk.peek();
        const durable = disk.peek("durable");
        expect(disk.durableBatches - LAYOUT).toBe(syncedOf(list));
        disk.kill();
        await run(disk, later);

        expect(await dump(visible, SUBS)).toEqual(await replay(list));
        expect(await dump(durable, SUBS)).toEqual(await replay(list.slice(0, syncedOf(list))));
      }),
    );
  });

  test("never changes it", async () => {
    const disk = newDisk();
    await run(disk, [{ ops: [row("k")], sync: true }]);
    const peek = disk.peek();

    await expect(peek.batch([row("x")], { sync: false })).rejects.toMatchObject({
      code: "store_unavailable",
    });
    (await peek.get("a", "k"))?.fill(0);
    for (const { bytes: copy } of disk.image()) copy.fill(0);

    expect(await dump(disk.peek(), SUBS)).toEqual(["a/k=6b"]);
  });

  test("gives every byte of rows and files, and their sums", async () => {
    const disk = newDisk();
    const many = Array.from({ length: 700 }, (_, n) => row(String(n).padStart(3, "0"), `value ${n}`));
    await run(disk, [{ ops: many, sync: false }]);
    disk.install("/keys/device.key", bytes("secret"), { mode: 0o600, ownedByMe: true });

    const parts = [...disk.image()];

    expect(parts.filter((part) => part.kind === "row" && part.sub === "a")).toHaveLength(700);
    expect(parts.at(-1)).toEqual({ kind: "file", path: "/keys/device.key", bytes: bytes("secret") });
    expect(disk.rows("a")).toBe(700);
    expect(disk.rows()).toBe(701);
    const rowBytes = many.reduce((sum, each) => sum + 3 + (each.type === "put" ? each.value.length : 0), 0);
    expect(disk.rowBytes).toBe(rowBytes + "layout1".length);
    expect(disk.fileBytes).toBe(6);
  });
});
