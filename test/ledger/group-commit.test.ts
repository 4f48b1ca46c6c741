import { describe, expect, it } from "vitest";
import { utf8 } from "../../firmware/core/bytes.ts";
import { Ledger, verifyStore } from "../../firmware/ledger/index.ts";
import { put } from "../../firmware/ports/store.ts";
import { bench, event, FaultStore, fill, headKey } from "./fixture.ts";

const settle = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "resolved",
    (error: { code?: string }) => error.code ?? "unknown",
  );

const keysFor = (ledger: Ledger) => ({ logKeys: ledger.logKeys, origin: ledger.origin, headKey });

describe("group commit", () => {
  it("writes the units of one window in one synced batch, in order of arrival", async () => {
    const { store, clock, open } = bench(new FaultStore());
    const ledger = await open();
    const units = [0, 1, 2].map((n) =>
      ledger.commit({ events: [event(2 * n), event(2 * n + 1)], ops: [put("runs", `r${n}`, utf8("x"))] }),
    );
    await clock.advance(19);
    expect(store.syncs).toBe(0);
    expect(ledger.head.size).toBe(0);
    await clock.advance(1);
    const receipts = await Promise.all(units);
    expect(store.syncs).toBe(1);
    expect(receipts.flat().map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5]);
    expect((await ledger.reader.tail(6)).map(({ entry }) => entry.event.data.old)).toEqual([
      0, 1, 2, 3, 4, 5,
    ]);
    expect(await store.get("runs", "r2")).toEqual(utf8("x"));
  });

  it("lets an urgent unit take along what waits, without the window", async () => {
    const { store, open } = bench(new FaultStore());
    const ledger = await open();
    const waiting = ledger.commit({ events: [event(0)], ops: [] });
    const urgent = ledger.commit({ events: [event(1)], ops: [] }, { urgent: true });
    expect((await Promise.all([waiting, urgent])).flat().map(({ index }) => index)).toEqual([0, 1]);
    expect(store.syncs).toBe(1);
  });

  it("makes a unit without events durable in the same way", async () => {
    const { store, open } = bench(new FaultStore());
    const ledger = await open();
    expect(await ledger.commit({ events: [], ops: [put("kv", "k", utf8("v"))] }, { urgent: true })).toEqual(
      [],
    );
    expect(store.syncs).toBe(1);
    expect(await (await store.afterPowerCut()).get("kv", "k")).toEqual(utf8("v"));
    expect(ledger.head.size).toBe(0);
  });

  it("rejects every unit of a failed batch, keeps its state, and commits again afterwards", async () => {
    const { store, clock, open } = bench(new FaultStore());
    const ledger = await open();
    await fill(ledger, 2);
    const before = ledger.head;
    const attempt = store.attempts;
    store.fault = (n) => (n === attempt ? "before_write" : null);
    const failed = [event(2), event(3)].map((e) => settle(ledger.commit({ events: [e], ops: [] })));
    await clock.advance(20);
    expect(await Promise.all(failed)).toEqual(["ledger_unavailable", "ledger_unavailable"]);
    expect(ledger.head).toEqual(before);
    expect(ledger.isHealthy).toBe(true);
    await fill(ledger, 1);
    expect((await ledger.reader.tail(1))[0]?.index).toBe(2);
    expect((await verifyStore(store, keysFor(ledger))).ok).toBe(true);
  });

  it("is unhealthy after a second failed batch until one succeeds", async () => {
    const { store, open } = bench(new FaultStore());
    const ledger = await open();
    store.fault = () => "before_write";
    const unit = { events: [event(0)], ops: [] };
    for (const healthy of [true, false, false]) {
      const failure = await ledger.commit(unit, { urgent: true }).catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: "ledger_unavailable", status: 503, cause: expect.any(Error) });
      expect(ledger.isHealthy).toBe(healthy);
    }
    store.fault = null;
    await ledger.commit(unit, { urgent: true });
    expect(ledger.isHealthy).toBe(true);
  });

  it("leaves no trace of a batch that was written although its sync failed", async () => {
    const { store, open } = bench(new FaultStore());
    const ledger = await open();
    const attempt = store.attempts;
    store.fault = (n) => (n === attempt ? "after_write" : null);
    const events = [0, 1, 2, 3, 4].map((n) => event(n));
    expect(await settle(ledger.commit({ events, ops: [] }, { urgent: true }))).toBe("ledger_unavailable");
    await fill(ledger, 2);
    expect(await verifyStore(store, keysFor(ledger))).toMatchObject({ ok: true, size: 2 });
    const again = await Ledger.open({ ...bench(store).options });
    expect([again.openedAs.is, again.head.size]).toEqual(["ready", 2]);
  });

  it("writes nothing of a unit with a bad event, and the other units of the window stand", async () => {
    const { clock, open } = bench(new FaultStore());
    const ledger = await open();
    const good = ledger.commit({ events: [event(0)], ops: [] });
    const bad = settle(ledger.commit({ events: [event(1), event(2, "no_such_kind")], ops: [] }));
    await clock.advance(20);
    expect(await bad).toBe("ledger_bad_event");
    expect((await good)[0]?.index).toBe(0);
    expect(ledger.head.size).toBe(1);
  });

  it("refuses rows of its own from outside, and commits after close", async () => {
    const { open } = bench(new FaultStore());
    const ledger = await open();
    const forged = { events: [], ops: [put("lghead", "0", utf8("forged"))] };
    expect(await settle(ledger.commit(forged))).toBe("ledger_bad_event");
    await ledger.close();
    expect(await settle(ledger.commit({ events: [event(0)], ops: [] }))).toBe("ledger_unavailable");
  });

  it("marks every entry of a simulated device, and no other", async () => {
    for (const simulated of [true, false]) {
      const ledger = await bench(new FaultStore(), { simulated }).open();
      await fill(ledger, 1);
      expect((await ledger.reader.entry(0))?.entry.event.sim).toBe(simulated ? true : undefined);
    }
  });
});
