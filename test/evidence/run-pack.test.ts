import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { utf8 } from "../../firmware/core/bytes.ts";
import { encodeCbor } from "../../firmware/core/cbor.ts";
import type { Json } from "../../firmware/core/json.ts";
import { EVIDENCE_LIMITS } from "../../firmware/core/limits.ts";
import {
  ContentStore,
  ContentWatch,
  collectGarbage,
  type RunEvidence,
  RunPacker,
  sealsOf,
} from "../../firmware/evidence/index.ts";
import { put, type StoreOp } from "../../firmware/ports/store.ts";
import { MemoryStore } from "../../sim/disk/memory-store.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { reading, SEALER, startRun } from "./support.ts";

const contentOf = (store: MemoryStore | ContentWatch) =>
  new ContentStore({ store, wallMs: () => 0, seals: sealsOf(SEALER) });

/** What a control program leaves behind: a reading, a decision over it, what it drove. */
function aRun(n: number, clock = new ManualClock()): RunEvidence {
  const { run } = startRun({ runId: `run-${n}`, clock });
  const { id } = run.record(reading(20 + n / 10));
  run.record({ kind: "guard_decision", source: "local://guard", payload: { ok: true, valid: [id] } });
  run.record({ kind: "gpio_write", source: "gpio://gpiochip0/17", payload: { value: n % 2 }, parents: [id] });
  void clock.advance(1000);
  return run;
}

const bytesOf = (ops: readonly StoreOp[]): number =>
  ops.reduce((sum, op) => sum + op.key.length + (op.type === "put" ? op.value.length : 0), 0);

async function written(runs: readonly RunEvidence[], packer = new RunPacker()) {
  const store = new MemoryStore();
  for (const run of runs) {
    const { ops, stored } = run.stage(packer);
    await store.batch(ops, { sync: true });
    stored();
  }
  return store;
}

// Through text, as a canonical form has no negative zero.
const json = fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.parse(JSON.stringify(value)) as Json);

describe("a run's evidence in one row", () => {
  it("comes back as it was sealed, whatever it holds", async () => {
    const payloads = fc.array(
      fc.oneof(json, fc.constant("ab".repeat(32)), fc.constant({ deep: ["CD".repeat(32)] })),
      {
        minLength: 1,
        maxLength: 5,
      },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(payloads, { minLength: 1, maxLength: 4 }), async (all) => {
        const clock = new ManualClock();
        const runs = all.map((items, n) => {
          const { run } = startRun({ runId: `run-${n}`, clock });
          for (const payload of items) {
            const last = run.list.at(-1);
            run.record({ ...reading(1), payload, parents: last === undefined ? [] : [last.id] });
            void clock.advance(7);
          }
          return run;
        });
        await using store = await written(runs);
        const content = contentOf(store);
        for (const run of runs) expect(await content.evidenceOfRun(run.runId)).toEqual(run.list);
      }),
      { numRuns: 60 },
    );
  });

  it("is found by its id", async () => {
    const runs = [1, 2, 3].map((n) => aRun(n));
    await using store = await written(runs);
    for (const one of runs.flatMap(({ list }) => list))
      expect(await contentOf(store).evidence(one.id)).toEqual(one);
    expect(await contentOf(store).evidence("0".repeat(64))).toBeUndefined();
  });

  it("costs little more than what is new in it", async () => {
    const clock = new ManualClock();
    const packer = new RunPacker();
    const sizes: number[] = [];
    for (let n = 0; n < 20; n++) {
      const { ops, stored } = aRun(n, clock).stage(packer);
      stored();
      sizes.push(bytesOf(ops));
    }
    const [first = 0, ...later] = sizes;
    expect(Math.max(...later)).toBeLessThan(200);
    expect(first).toBeGreaterThan(2 * Math.max(...later));
  });

  it("brings its base along until that is durable, and a new one after so many runs", () => {
    const packer = new RunPacker();
    const clock = new ManualClock();
    const bases = (n: number, isDurable: boolean): number => {
      const { ops, stored } = aRun(n, clock).stage(packer);
      if (isDurable) stored();
      return ops.filter(({ sub }) => sub === "evbase").length;
    };
    expect([bases(0, false), bases(1, true), bases(2, true)]).toEqual([1, 1, 0]);
    const more = Array.from({ length: EVIDENCE_LIMITS.packsPerBase }, (_, n) => bases(n + 3, true));
    expect(more.filter((count) => count === 1)).toHaveLength(1);
  });

  it("remembers no more shapes than it may", () => {
    const packer = new RunPacker();
    const shaped = (n: number): number => {
      const { run } = startRun({ runId: `run-${n}`, subject: `program:p${n}` });
      run.record(reading(1));
      const { ops, stored } = run.stage(packer);
      stored();
      return ops.length;
    };
    for (let n = 0; n <= EVIDENCE_LIMITS.packBases; n++) expect(shaped(n)).toBe(2);
    expect(shaped(EVIDENCE_LIMITS.packBases)).toBe(1);
    // The one that was not seen for the longest time is packed anew.
    expect(shaped(0)).toBe(2);
  });

  it("has the run's seal where the key is not at hand, which is that of no envelope", async () => {
    const run = aRun(1);
    await using store = await written([run]);
    const list = await new ContentStore({ store, wallMs: () => 0 }).evidenceOfRun("run-1");
    expect(list.map(({ id }) => id)).toEqual(run.list.map(({ id }) => id));
    for (const [seq, { seal }] of list.entries()) {
      expect(seal.kid).toBe(SEALER.kid);
      expect(seal.mac).not.toBe(run.list[seq]?.seal.mac);
    }
  });

  it.each<[string, unknown]>([
    ["no list", 1],
    ["too short", [1, new Uint8Array(32)]],
    [
      "another version",
      [2, new Uint8Array(32), new Uint8Array(4), new Uint8Array(8), 0, 0, 0, 0, new Uint8Array(0)],
    ],
    [
      "a short seal",
      [1, new Uint8Array(31), new Uint8Array(4), new Uint8Array(8), 0, 0, 0, 0, new Uint8Array(0)],
    ],
    [
      "half a prefix",
      [1, new Uint8Array(32), new Uint8Array(3), new Uint8Array(8), 0, 0, 0, 0, new Uint8Array(0)],
    ],
    [
      "a base that is not there",
      [1, new Uint8Array(32), new Uint8Array(4), new Uint8Array(8), 0, 0, 0, 0, new Uint8Array(0)],
    ],
  ])("is refused as damaged: %s", async (_, row) => {
    await using store = new MemoryStore();
    await store.batch([put("evpack", "run-1", encodeCbor(row))], { sync: true });
    await expect(contentOf(store).evidenceOfRun("run-1")).rejects.toMatchObject({ code: "store_corrupt" });
  });
});

describe("garbage of packed evidence", () => {
  it("a base goes when no row has named it at two collections, and not if one comes meanwhile", async () => {
    const store = new ContentWatch(new MemoryStore());
    const clock = new ManualClock();
    const packer = new RunPacker();
    const settle = async (n: number): Promise<void> => {
      const { ops, stored } = aRun(n, clock).stage(packer);
      await store.batch(ops, { sync: true });
      stored();
    };
    await settle(1);
    const options = { store, retains: () => false, references: () => false };
    const nowMs = clock.wallMs() + 86_400_000;
    const first = await collectGarbage({ ...options, nowMs });
    expect(first).toMatchObject({ envelopes: 3 });
    expect(first.unnamedBases.size).toBe(1);

    const touched = store.watch();
    let steps = 0;
    const breathe = async (): Promise<void> => {
      // A settlement that was on its way names the base after the rows were looked at.
      if (++steps === 1) await settle(2);
    };
    await collectGarbage({ ...options, nowMs: 0, touched, breathe, unnamedBases: first.unnamedBases });
    store.unwatch();
    expect(await contentOf(store).evidenceOfRun("run-2")).toHaveLength(3);

    packer.forget();
    const second = await collectGarbage({ ...options, nowMs });
    const third = await collectGarbage({ ...options, nowMs, unnamedBases: second.unnamedBases });
    expect(third.unnamedBases.size).toBe(0);
    await settle(3);
    expect(await contentOf(store).evidenceOfRun("run-3")).toHaveLength(3);
  });

  it("blobs stay as long as a row names them", async () => {
    const { run, clock } = startRun();
    const blob = utf8("a long line");
    const { sha256 } = run.record({ kind: "serial_read", source: "serial://ttys0", blob }).body;
    await using store = await written([run]);
    const collect = (nowMs: number) =>
      collectGarbage({ store, nowMs, retains: () => false, references: () => false });
    expect(await collect(clock.wallMs() + 600_000)).toMatchObject({ envelopes: 0, objects: 0 });
    expect(await contentOf(store).get(sha256)).toEqual(blob);
    expect(await collect(clock.wallMs() + 600_001)).toMatchObject({ envelopes: 1, objects: 1 });
  });
});
