import { describe, expect, it } from "vitest";
import { utf8 } from "../../firmware/core/bytes.ts";
import { canonicalize } from "../../firmware/core/canonical-json.ts";
import { type Ledger, verifyStore } from "../../firmware/ledger/index.ts";
import { leafHash } from "../../firmware/ledger/tree.ts";
import { verifyInclusion } from "../../firmware/ledger/tree-proof.ts";
import { del, put, type Store } from "../../firmware/ports/store.ts";
import { bench, event, FaultStore, fill, headKey } from "./fixture.ts";

const reopen = (store: Store): Promise<Ledger> => bench(store).open();
const key = (index: number): string => String(index).padStart(12, "0");
const verify = (store: Store, ledger: Ledger) =>
  verifyStore(store, { logKeys: ledger.logKeys, origin: ledger.origin, headKey });

async function filled(count: number, close = true): Promise<FaultStore> {
  const { store, open } = bench(new FaultStore());
  const ledger = await open();
  await fill(ledger, count);
  if (close) await ledger.close();
  return store;
}

async function flip(store: Store, sub: string, row: string, at = 10): Promise<void> {
  const value = (await store.get(sub, row)) ?? new Uint8Array();
  value[at] = (value[at] ?? 0) ^ 1;
  await store.batch([put(sub, row, value)], { sync: true });
}

describe("start", () => {
  it("restores the head and goes on with the own hash of the last entry", async () => {
    const ledger = await reopen(await filled(5));
    expect([ledger.openedAs.is, ledger.head.size]).toEqual(["ready", 5]);
    const [last] = await ledger.reader.tail(1);
    await fill(ledger, 1);
    expect((await ledger.reader.entry(5))?.entry.prev_hash).toBe(last?.hash);
  });

  it("has everything that was acknowledged after a power cut at any batch", async () => {
    for (let cut = 0; cut < 12; cut++) {
      const { store, open } = bench(new FaultStore());
      const ledger = await open();
      store.fault = (attempt) => (attempt >= cut ? "after_write" : null);
      let acknowledged = 0;
      for (let n = 0; n < 6; n++) {
        const done = ledger.commit({ events: [event(n), event(n)], ops: [] }, { urgent: true });
        acknowledged += await done.then(
          () => 2,
          () => 0,
        );
      }
      const restored = await reopen(await store.afterPowerCut());
      expect(restored.head.size).toBe(acknowledged);
      expect(restored.openedAs.is).toBe("ready");
    }
  });

  it("rebuilds a missing or forged head from the last checkpoint and records the repair", async () => {
    for (const damage of ["absent", "forged"]) {
      const store = await filled(7, false);
      if (damage === "absent") await store.batch([del("lghead", "0")], { sync: true });
      else await flip(store, "lghead", "0", 40);
      const ledger = await reopen(store);
      expect([ledger.openedAs.is, ledger.head.size]).toEqual(["repaired", 8]);
      expect((await ledger.reader.entry(7))?.entry.event.kind).toBe("ledger_repaired");
      expect((await verify(store, ledger)).ok).toBe(true);
    }
  });

  it("mends the hashes of the tree from the entries, and every proof is right again", async () => {
    const store = await filled(7);
    for (const index of [1, 3, 5]) {
      const row = (await store.get("lg", key(index))) ?? new Uint8Array();
      // The last byte is one of the hashes beside the entry.
      await flip(store, "lg", key(index), row.length - 1);
    }
    await store.batch([del("lghead", "0")], { sync: true });

    const ledger = await reopen(store);

    expect([ledger.openedAs.is, ledger.head.size]).toEqual(["repaired", 8]);
    expect(await verify(store, ledger)).toMatchObject({ ok: true, size: 8 });
    const root = (await ledger.reader.tree(8)).root();
    for (let index = 0; index < 8; index++) {
      const leaf = leafHash(utf8(canonicalize((await ledger.reader.entry(index))?.entry)));
      const proof = await ledger.reader.inclusionProof(index, 8);
      expect(verifyInclusion(index, 8, leaf, proof, root)).toBe(true);
    }
  });

  it("sets a damaged tail above the last checkpoint aside", async () => {
    const store = await filled(4);
    const second = await reopen(store);
    await fill(second, 3);
    await flip(store, "lg", key(5));
    await store.batch([del("lghead", "0")], { sync: true });
    const ledger = await reopen(store);
    expect(ledger.openedAs).toMatchObject({ is: "repaired", details: { size: 5, setAside: 2 } });
    expect(await store.get("lgbad", key(5))).toBeDefined();
    expect((await verify(store, ledger)).ok).toBe(true);
  });

  it("begins a new epoch when the log cannot match its last signed checkpoint", async () => {
    const cases = [
      { damage: (store: Store) => store.batch([del("lg", key(4))], { sync: true }), reason: "truncated" },
      { damage: (store: Store) => flip(store, "lg", key(4)), reason: "corrupt" },
    ];
    for (const { damage, reason } of cases) {
      const store = await filled(5);
      await damage(store);
      const ledger = await reopen(store);
      expect(ledger.openedAs).toMatchObject({ is: "new_epoch", details: { epoch: 1, reason } });
      expect(ledger.origin).toBe("imu.invalid/plant/imu-0011223344556677/1");
      expect((await ledger.reader.entry(0))?.entry.event.kind).toBe("ledger_epoch");
      expect(await store.get("lg", key(0))).toBeDefined();
      expect((await reopen(store)).epoch).toBe(1);
      expect((await verify(store, ledger)).ok).toBe(true);
    }
  });
});

describe("checkpoints", () => {
  it("are signed every 256 entries, after 60 s, on demand and at close", async () => {
    const { store, clock, open } = bench(new FaultStore());
    const ledger = await open();
    await ledger.commit(
      { events: Array.from({ length: 256 }, (_, n) => event(n)), ops: [] },
      { urgent: true },
    );
    await clock.advance(0);
    expect((await ledger.reader.checkpoint())?.split("\n")[1]).toBe("256");
    await fill(ledger, 1);
    await clock.advance(59_999);
    expect((await ledger.reader.checkpoint())?.split("\n")[1]).toBe("256");
    await clock.advance(1);
    expect((await ledger.reader.checkpoint())?.split("\n")[1]).toBe("257");
    await fill(ledger, 1);
    expect((await ledger.checkpoint()).split("\n")[1]).toBe("258");
    await fill(ledger, 1);
    await ledger.close();
    expect(await store.get("lgcp", key(259))).toBeDefined();
  });

  it("do not leave before what was signed is durable", async () => {
    const { store, open } = bench(new FaultStore());
    const ledger = await open();
    await fill(ledger, 1);
    store.fault = () => "before_write";
    await expect(ledger.checkpoint()).rejects.toThrow("the disk refused");
    store.fault = null;
    const note = await ledger.checkpoint();
    expect(await (await store.afterPowerCut()).get("lgsigned", "0")).toBeDefined();
    expect(await ledger.checkpoint()).toBe(note);
  });
});
