import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Staging } from "../../firmware/composition/staging.ts";
import { Outbox } from "../../firmware/fleet/index.ts";
import type { CommitUnit, LedgerWriter } from "../../firmware/ledger/types.ts";
import { BudgetLedger } from "../../firmware/phi/index.ts";
import { MemoryStore } from "../../sim/disk/memory-store.ts";
import { SeededEntropy } from "../../sim/time/entropy.ts";
import { silentLog } from "../fleet/support.ts";
import { Fleet, type Node } from "../sync/fleet.ts";

/** Eight entries at most, writable by dev-a alone. */
const DOCUMENT = "device/dev-a/state";
const RUN = { kind: "run", actor: "program:p", severity: "info" as const, data: {} };

let fleet: Fleet;
let node: Node;
let staging: Staging;
let committed: CommitUnit[];
let failure: Error | null;

beforeEach(async () => {
  fleet = new Fleet("dev-a");
  committed = [];
  failure = null;
  const store = new MemoryStore();
  node = await fleet.node("dev-a", store);
  await fleet.clock.advance(2_100);
  const ledger: LedgerWriter = {
    head: { size: 0, lastHash: "", lastTs: 0 },
    commit: async (unit) => {
      if (failure) throw failure;
      committed.push(unit);
      await store.batch(unit.ops, { sync: true });
      return unit.events.map((_, index) => ({ index, hash: "", ts: 0 }));
    },
  };
  const { clock, broker } = fleet;
  const outbox = new Outbox({
    store,
    committer: ledger,
    bus: broker.client("outbox"),
    clock,
    entropy: new SeededEntropy("staging", "outbox"),
    log: silentLog,
    gapMessage: () => ({ topic: "imu/v1/plant-7/dev-a/event/gap", body: new Uint8Array() }),
  });
  const budget = await BudgetLedger.open(
    store,
    { capacityMilli: 1000, refillPerHourMilli: 0, cost: {} },
    clock,
  );
  staging = new Staging({ ledger, outbox, budget, sync: () => node.sync, document: DOCUMENT });
});

afterEach(() => node.sync[Symbol.asyncDispose]());

async function fill(entries: number): Promise<void> {
  for (let i = 0; i < entries; i++) await fleet.write(node.sync.put(DOCUMENT, `filled.${i}`, i));
}

describe("what a run writes to the shared document", () => {
  it("becomes durable with the run's own entry, the last value of each key only", async () => {
    staging.stageShared("r1", "mode", "eco");
    staging.stageShared("r1", "mode", "off");
    expect(node.sync.get(DOCUMENT, "mode")).toBeUndefined();
    await staging.commit("r1", { events: [RUN], ops: [] });
    expect(node.sync.entries(DOCUMENT)).toEqual([["mode", "off"]]);
    expect(committed).toHaveLength(1);
    expect(committed[0]?.ops.map(({ sub }) => sub)).toContain("sync/batch");
  });

  it("is refused to the program while it runs when the document is full, and leaves its other writes alone", async () => {
    await fill(7);
    expect(staging.stageShared("r1", "fits", 1)).toEqual({ ops: [] });
    expect(staging.stageShared("r1", "too.many", 1)).toMatchObject({ ok: false, code: "doc_full" });
    expect(staging.stageShared("r1", "fits", 2)).toEqual({ ops: [] });
    await staging.commit("r1", { events: [RUN], ops: [] });
    expect(node.sync.get(DOCUMENT, "fits")).toBe(2);
  });

  it("never costs the run its record: a document that filled up meanwhile loses the write, and the ledger tells", async () => {
    await fill(7);
    staging.stageShared("r1", "late", 1);
    await fleet.write(node.sync.put(DOCUMENT, "faster", 1));
    const receipts = await staging.commit("r1", { events: [RUN], ops: [] });
    const { events } = committed.at(-1) ?? { events: [] };
    expect(events).toMatchObject([
      {
        kind: "guard_refused",
        data: { effect: "shared.put", keys: ["late"], code: "doc_full" },
        runId: "r1",
      },
      { kind: "run" },
    ]);
    expect(receipts.at(-1)?.index).toBe(1);
    expect(node.sync.get(DOCUMENT, "late")).toBeUndefined();
  });

  it("is taken back as a whole when the store fails, and the next run can write", async () => {
    staging.stageShared("r1", "mode", "eco");
    failure = new Error("the disk is gone");
    await expect(staging.commit("r1", { events: [RUN], ops: [] })).rejects.toThrow("the disk is gone");
    expect(node.sync.get(DOCUMENT, "mode")).toBeUndefined();
    failure = null;
    staging.stageShared("r2", "mode", "off");
    await staging.commit("r2", { events: [RUN], ops: [] });
    expect(node.sync.heads()).toMatchObject([[node.sync.replicaId, 1, expect.any(String)]]);
  });

  it("is forgotten with a run that never settles", async () => {
    staging.stageShared("r1", "mode", "eco");
    staging.discard("r1");
    await staging.commit("r1", { events: [RUN], ops: [] });
    expect(node.sync.heads()).toEqual([]);
  });
});
