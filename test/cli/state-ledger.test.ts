import { expect, test } from "vitest";
import { verifyLedgerState } from "../../firmware/composition/state-ledger.ts";
import { keyPairFromSeed } from "../../firmware/core/ed25519.ts";
import { deviceIdOf } from "../../firmware/core/key-record.ts";
import { Ledger } from "../../firmware/ledger/index.ts";
import { put, type Store, type StoreRange } from "../../firmware/ports/store.ts";
import { MemoryStore } from "../../sim/disk/memory-store.ts";
import { ManualClock } from "../support/manual-clock.ts";

const signer = keyPairFromSeed(new Uint8Array(32).fill(3));
const headKey = new Uint8Array(32).fill(4);

async function aLedger(entries: number) {
  const store = new MemoryStore();
  const ledger = await Ledger.open({
    store,
    clock: new ManualClock(),
    fleet: "plant",
    device: deviceIdOf(signer.publicKeyHex),
    headKey,
    signer,
    simulated: false,
  });
  const append = async (n: number): Promise<void> => {
    const data = { name: "p", old: n, new: n + 1 };
    await ledger.commit(
      { events: [{ kind: "config_change", actor: "daemon", severity: "info", data }], ops: [] },
      { urgent: true },
    );
  };
  for (let n = 0; n < entries; n++) await append(n);
  return { store, ledger, append };
}

/** A store in which something happens just before the entries are read, as in a daemon that goes on working. */
function interleaved(store: Store, before: () => Promise<void>): Store {
  return {
    get: (sub, key) => store.get(sub, key),
    getMany: (sub, keys) => store.getMany(sub, keys),
    batch: (ops, options) => store.batch(ops, options),
    async *range(sub: string, range?: StoreRange) {
      if (sub === "lg") await before();
      yield* store.range(sub, range);
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

const facts = (store: Store) => ({ store, fleet: "plant", deviceKey: signer.publicKeyHex, headKey });
const never = new AbortController().signal;

test("entries that a running daemon appends meanwhile are no damage", async () => {
  const { store, append } = await aLedger(5);
  let appended = 0;
  const busy = interleaved(store, async () => {
    if (appended < 3) await append(100 + appended++);
  });

  const report = await verifyLedgerState(facts(busy), never);

  expect(report).toMatchObject({ ok: true, size: 8 });
});

test("a tail that the sealed head does not know is damage, however often it is looked at", async () => {
  const { store } = await aLedger(5);
  const row = (await store.get("lg", "000000000004")) ?? new Uint8Array();
  const other = await aLedger(6);
  const sixth = (await other.store.get("lg", "000000000005")) ?? row;
  await store.batch([put("lg", "000000000005", sixth)], { sync: true });

  const report = await verifyLedgerState(facts(store), never);

  expect(report).toMatchObject({ ok: false, reason: "unanchored_tail", firstBad: 5 });
});

test("a verification stops when it is aborted", async () => {
  const { store } = await aLedger(1);
  const stop = new AbortController();
  stop.abort(new Error("enough"));

  await expect(verifyLedgerState(facts(store), stop.signal)).rejects.toThrow("enough");
});

test("a damaged head leaves the entries provable and says that the head is not", async () => {
  const { store } = await aLedger(4);
  await store.batch([put("lghead", "0", Uint8Array.of(0xff))], { sync: true });

  const report = await verifyLedgerState(facts(store), never);

  expect(report).toMatchObject({ ok: true, size: 4, lastHash: null, headChecked: false });
  expect(report.warnings).toContainEqual({ code: "head_unverified", why: "bad_mac" });
});
