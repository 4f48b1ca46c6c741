import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toHex, utf8 } from "../../firmware/core/bytes.ts";
import { decodeCbor } from "../../firmware/core/cbor.ts";
import {
  GROWING_SUB,
  type Ledger,
  leafHash,
  parseCheckpoint,
  parseNote,
  type RollupShare,
  rootOf,
  sumShares,
} from "../../firmware/ledger/index.ts";
import { put } from "../../firmware/ports/store.ts";
import { bench, event, FaultStore } from "./fixture.ts";

const HASH = "a".repeat(64);
const idOf = (n: number): string => `r${String(n).padStart(20, "0")}`;
const dataOf = (n: number): Uint8Array => utf8(`record ${n}`);

function share(n: number, change: Partial<RollupShare> = {}): RollupShare {
  const runId = idOf(n);
  return {
    actor: "program:p",
    programId: "p",
    programHash: HASH,
    policyHash: HASH,
    runId,
    startedAt: 1_700_000_000_000 + n,
    evidenceCount: 3,
    steps: 10 + (n % 7),
    wallMs: n % 5,
    leaf: leafHash(dataOf(n)),
    rows: (first) => [put("run", runId, utf8(first))],
    ...change,
  };
}

const run = (n: number) => ({ kind: "run", actor: "program:p", severity: "info" as const, data: { n } });

async function settle(ledger: Ledger, given: RollupShare): Promise<void> {
  expect(await ledger.commit({ events: [], ops: [], share: given }, { urgent: true })).toEqual([]);
}

async function entries(ledger: Ledger) {
  return (await ledger.reader.tail(100)).map(
    ({
      entry: {
        event: { kind, data },
      },
    }) => ({ kind, data }),
  );
}

describe("a rollup", () => {
  it("is written one minute after its first run and names what it covers", async () => {
    const { store, clock, open } = bench(new FaultStore());
    const ledger = await open();
    for (let n = 0; n < 60; n++) {
      await settle(ledger, share(n));
      await clock.advance(1000);
    }
    const [only, ...more] = await entries(ledger);
    expect(more).toEqual([]);
    expect(only).toEqual({
      kind: "run_rollup",
      data: {
        programId: "p",
        programHash: HASH,
        policyHash: HASH,
        firstRunId: idOf(0),
        lastRunId: idOf(59),
        from: 1_700_000_000_000,
        to: 1_700_000_000_059,
        count: 60,
        runsRoot: toHex(rootOf(Array.from({ length: 60 }, (_, n) => dataOf(n)))),
        evidenceCount: 180,
        maxSteps: 16,
        maxWallMs: 4,
      },
    });
    expect(await store.get("run", idOf(59))).toEqual(utf8(idOf(0)));
    expect(await store.get(GROWING_SUB, "p")).toBeUndefined();
  });

  it("is written at 1000 runs", async () => {
    const { open } = bench(new FaultStore());
    const ledger = await open();
    for (let n = 0; n < 1001; n++) await settle(ledger, share(n));
    const found = await entries(ledger);
    expect(found.map(({ data }) => data.count)).toEqual([1000]);
    await ledger.close();
    expect((await entries(ledger)).map(({ data }) => data.count)).toEqual([1000, 1]);
  });

  it("comes before any other entry of its program, and lets those of others pass", async () => {
    const { open } = bench(new FaultStore());
    const ledger = await open();
    await settle(ledger, share(0));
    await ledger.commit({ events: [{ ...run(1), actor: "program:q" }], ops: [] }, { urgent: true });
    expect((await entries(ledger)).map(({ kind }) => kind)).toEqual(["run"]);
    const [receipt] = await ledger.commit({ events: [run(2)], ops: [] }, { urgent: true });
    expect((await entries(ledger)).map(({ kind }) => kind)).toEqual(["run", "run_rollup", "run"]);
    expect(receipt?.index).toBe(2);
  });

  it("gives receipts of the unit's own entries alone, in one batch with rollups of two programs", async () => {
    const { open } = bench(new FaultStore());
    const ledger = await open();
    await settle(ledger, share(0));
    await settle(ledger, share(0, { actor: "program:q", programId: "q" }));
    const [a, b] = await Promise.all([
      ledger.commit({ events: [run(1)], ops: [] }),
      ledger.commit({ events: [{ ...run(2), actor: "program:q" }], ops: [] }, { urgent: true }),
    ]);
    expect([a[0]?.index, b[0]?.index]).toEqual([1, 3]);
  });

  it("comes before an entry that concerns every program, and before a checkpoint", async () => {
    const { open } = bench(new FaultStore());
    const ledger = await open();
    await settle(ledger, share(0));
    await ledger.commit({ events: [event(0, "policy_active")], ops: [] }, { urgent: true });
    await settle(ledger, share(1));
    const { size } = parseCheckpoint(parseNote(await ledger.checkpoint()).text);
    expect(size).toBe(3);
    expect((await entries(ledger)).map(({ kind }) => kind)).toEqual([
      "run_rollup",
      "policy_active",
      "run_rollup",
    ]);
  });

  it.each([
    ["another program version", share(1, { programHash: "b".repeat(64) })],
    ["another policy", share(1, { policyHash: "b".repeat(64) })],
    ["an id that is not larger", share(1, { runId: idOf(0) })],
    ["a clock that was set back", share(1, { startedAt: 1 })],
  ])("ends at %s", async (_, next) => {
    const { open } = bench(new FaultStore());
    const ledger = await open();
    await settle(ledger, share(0));
    await settle(ledger, next);
    await ledger.close();
    expect((await entries(ledger)).map(({ data }) => data.count)).toEqual([1, 1]);
  });

  it("is written at the end, under the last checkpoint", async () => {
    const { open } = bench(new FaultStore());
    const ledger = await open();
    await settle(ledger, share(0));
    await ledger.close();
    const note = await ledger.reader.checkpoint();
    expect(parseCheckpoint(parseNote(note ?? "").text).size).toBe(1);
    expect((await entries(ledger)).map(({ kind }) => kind)).toEqual(["run_rollup"]);
  });

  it.each(["before_write", "after_write"] as const)(
    "counts no run whose batch failed (%s), and the next batch removes its record",
    async (fault) => {
      const { store, open } = bench(new FaultStore());
      const ledger = await open();
      await settle(ledger, share(0));
      const failing = store.attempts;
      store.fault = (attempt) => (attempt === failing ? fault : null);
      await expect(settle(ledger, share(1))).rejects.toMatchObject({ code: "ledger_unavailable" });
      await settle(ledger, share(2));
      await ledger.close();
      const [written] = await entries(ledger);
      const data = written?.data ?? {};
      expect(data.count).toBe(2);
      expect(data.runsRoot).toBe(toHex(rootOf([dataOf(0), dataOf(2)])));
      expect(await store.get("run", idOf(1))).toBeUndefined();
      expect(await store.get("run", idOf(2))).toEqual(utf8(idOf(0)));
    },
  );

  it("that could not be written leaves the row by which the next start finds its runs", async () => {
    const { store, open } = bench(new FaultStore());
    const ledger = await open();
    await settle(ledger, share(7));
    await settle(ledger, share(8));
    const next = await store.afterPowerCut();
    const row = await next.get(GROWING_SUB, "p");
    expect(row && decodeCbor(row)).toEqual({
      actor: "program:p",
      programHash: HASH,
      policyHash: HASH,
      runId: idOf(7),
    });
    expect(await next.get("run", idOf(8))).toEqual(utf8(idOf(7)));
  });
});

describe("shares that are summed up", () => {
  it("give the same entry as those that were counted one by one", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 40 }), async (count) => {
        const shares = Array.from({ length: count }, (_, n) => share(n));
        const { open } = bench(new FaultStore());
        const ledger = await open();
        await Promise.all(
          shares.map((one) => ledger.commit({ events: [], ops: [], share: one }, { urgent: true })),
        );
        await ledger.close();
        const [written] = await entries(ledger);
        const recovered = sumShares("program:p", shares, true);
        expect({ ...written?.data, recovered: true }).toEqual(recovered?.data);
        expect(sumShares("program:p", shares, false)?.data).toEqual(written?.data);
      }),
      { numRuns: 25 },
    );
  });

  it("are no entry if there are none", () => {
    expect(sumShares("program:p", [], true)).toBeNull();
  });
});
