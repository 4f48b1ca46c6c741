import { describe, expect, it } from "vitest";
import { utf8 } from "../../firmware/core/bytes.ts";
import { canonicalize } from "../../firmware/core/canonical-json.ts";
import { keyPairFromSeed } from "../../firmware/core/ed25519.ts";
import { cosign, leafHash, verifierKey, verifyInclusion, verifyStore } from "../../firmware/ledger/index.ts";
import { bench, event, FaultStore, fill, headKey } from "./fixture.ts";

async function long(store = new FaultStore()) {
  const made = bench(store);
  const ledger = await made.open();
  const kinds = Array.from({ length: 600 }, (_, n) =>
    event(n, n === 100 ? "policy_active" : "config_change"),
  );
  await ledger.commit({ events: kinds, ops: [] }, { urgent: true });
  await ledger.checkpoint();
  const keys = { logKeys: ledger.logKeys, origin: ledger.origin, headKey };
  return { ...made, ledger, keys };
}

describe("pruning", () => {
  it("keeps chain, roots and the kinds that are kept for ever provable", async () => {
    const { store, ledger, keys } = await long();
    expect(await ledger.prune({ largestWitnessed: 600, firstIndexToKeep: 550 })).toBe(512);
    expect(await verifyStore(store, keys)).toMatchObject({
      ok: true,
      size: 601,
      count: 89,
      lastGoodCheckpoint: 601,
    });
    expect(await ledger.reader.entry(99)).toBeUndefined();
    const kept = await ledger.reader.entry(100);
    const note = (await ledger.checkpoint()).split("\n");
    const leaf = leafHash(utf8(canonicalize(kept?.entry)));
    const root = new Uint8Array(Buffer.from(note[2] ?? "", "base64"));
    expect(verifyInclusion(100, 601, leaf, await ledger.reader.inclusionProof(100), root)).toBe(true);
    expect(await ledger.prune({ largestWitnessed: 600, firstIndexToKeep: 550 })).toBeNull();
  });

  it("is finished at the next start after a stop in the middle", async () => {
    const { store, ledger, keys } = await long();
    const first = store.attempts;
    // The record, its checkpoint and the anchor are written; the deletions are not.
    store.fault = (attempt) => (attempt >= first + 3 ? "before_write" : null);
    await expect(ledger.prune({ largestWitnessed: 600, firstIndexToKeep: 600 })).rejects.toThrow();
    const restored = await store.afterPowerCut();
    const again = await bench(restored).open();
    expect(again.openedAs.is).toBe("ready");
    expect(await restored.get("lg", "000000000511")).toBeUndefined();
    expect(await verifyStore(restored, keys)).toMatchObject({ ok: true, size: 601, count: 89 });
    await fill(again, 1);
    expect((await verifyStore(restored, keys)).ok).toBe(true);
  });

  it("repairs a lost head of a pruned log from its anchor", async () => {
    const { store, ledger, keys } = await long();
    await ledger.prune({ largestWitnessed: 600, firstIndexToKeep: 600 });
    await store.batch([{ type: "del", sub: "lghead", key: "0" }], { sync: true });
    const again = await bench(store).open();
    expect([again.openedAs.is, again.head.size]).toEqual(["repaired", 602]);
    expect((await verifyStore(store, keys)).ok).toBe(true);
  });
});

describe("cosignatures of an own checkpoint", () => {
  it("are stored once per witness, survive a restart, and forged ones are refused", async () => {
    const { ledger, store } = await long();
    const pair = keyPairFromSeed(new Uint8Array(32).fill(5));
    const key = verifierKey("imu.invalid/plant/pump-b/witness", 4, pair.publicKeyHex);
    const line = cosign(await ledger.checkpoint(), key.name, 1_700_000_000, pair);
    const note = await ledger.addCosignatures(600, [line, line], [key]);
    expect(note.split("\n").filter((text) => text.includes("pump-b"))).toHaveLength(1);
    expect(await (await bench(store).open()).checkpoint()).toBe(note);
    const other = cosign(note.replace("\n600\n", "\n601\n"), key.name, 1_700_000_000, pair);
    await expect(ledger.addCosignatures(600, [other], [key])).rejects.toMatchObject({
      code: "bad_signature",
    });
  });
});
