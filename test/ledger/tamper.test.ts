import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LevelStore } from "../../firmware/adapters/level-store.ts";
import { utf8 } from "../../firmware/core/bytes.ts";
import { canonicalize } from "../../firmware/core/canonical-json.ts";
import { decodeCbor } from "../../firmware/core/cbor.ts";
import { sha256 } from "../../firmware/core/hash.ts";
import { encodeStored, unframe } from "../../firmware/ledger/entry.ts";
import { LedgerReader, type VerifyKeys, verifyStore } from "../../firmware/ledger/index.ts";
import { del, put } from "../../firmware/ports/store.ts";
import { bench, fill, headKey } from "./fixture.ts";

const SIZE = 12;
const key = (index: number): string => String(index).padStart(12, "0");

describe("tampering with a stored ledger", () => {
  let directory: string;
  let store: LevelStore;
  let keys: VerifyKeys;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "imu-ledger-"));
    store = await LevelStore.open(directory, { create: true });
    const ledger = await bench(store).open();
    keys = { logKeys: ledger.logKeys, origin: ledger.origin, headKey };
    await fill(ledger, 6);
    await ledger.checkpoint();
    await fill(ledger, SIZE - 6);
  });

  afterEach(async () => {
    await store[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });

  const row = async (index: number): Promise<Uint8Array> => {
    const found = await store.get("lg", key(index));
    if (!found) throw new Error(`no row ${index}`);
    return found;
  };
  const write = (index: number, value: Uint8Array) =>
    store.batch([put("lg", key(index), value)], { sync: true });

  it("is not seen where nothing was changed", async () => {
    expect(await verifyStore(store, keys)).toMatchObject({
      ok: true,
      size: SIZE,
      lastGoodCheckpoint: 6,
      warnings: [],
    });
  });

  it("starts from rows that any CBOR reader can open", async () => {
    const { entry, hash } = decodeCbor(await row(2)) as { entry: Uint8Array; hash: Uint8Array };
    expect(new Uint8Array(hash)).toEqual(sha256(entry));
    expect(JSON.parse(new TextDecoder().decode(entry)).event.data.old).toBe(2);
  });

  it.each([
    [4, ["bad_entry", "hash_mismatch"]],
    // It completes a subtree: one of the tree's hashes lies beside it.
    [5, ["bad_entry", "hash_mismatch", "node_mismatch"]],
  ])("is found at its index for every byte of stored entry %i", async (index, expected) => {
    const original = await row(index);
    const reasons = new Set<string | null>();
    for (let at = 0; at < original.length; at++) {
      const bent = original.slice();
      bent[at] = (bent[at] ?? 0) ^ (1 << (at % 8));
      await write(index, bent);
      const report = await verifyStore(store, keys);
      expect([report.ok, report.firstBad], `byte ${at}`).toEqual([false, index]);
      reasons.add(report.reason);
    }
    expect([...reasons].sort()).toEqual(expected);
  });

  it("is found at the end of the last checkpoint, though only what follows it is verified", async () => {
    const parts = unframe(await row(5));
    if (parts === null) throw new Error("The row is no entry.");
    await write(5, encodeStored(parts.bytes, new Uint8Array(32)));

    const report = await verifyStore(store, keys, { fromLastCheckpoint: true });

    expect(report).toMatchObject({ ok: false, reason: "hash_mismatch", firstBad: 5 });
  });

  it("is found when an entry is no CBOR at all", async () => {
    await write(3, Uint8Array.of(0xff, 0x00, 0x13));
    expect(await verifyStore(store, keys)).toMatchObject({ reason: "bad_entry", firstBad: 3, exact: true });
  });

  it("is found when an edited entry carries its recomputed hash", async () => {
    const reader = await LedgerReader.open(store, { headKey });
    const found = await reader.entry(8);
    const edited = { ...found?.entry, ts: 1 };
    const bytes = utf8(canonicalize(edited));
    await write(8, encodeStored(bytes, sha256(bytes)));
    expect(await verifyStore(store, keys)).toMatchObject({ reason: "chain_break", firstBad: 9 });
  });

  it("is found when the hash is over text that is not canonical", async () => {
    const reader = await LedgerReader.open(store, { headKey });
    const bytes = utf8(JSON.stringify((await reader.entry(5))?.entry, null, 1));
    await write(5, encodeStored(bytes, sha256(bytes)));
    expect(await verifyStore(store, keys)).toMatchObject({ reason: "bad_entry", firstBad: 5 });
  });

  it("is found after a deletion, a swap and a truncation", async () => {
    const [four, seven] = [await row(4), await row(7)];
    await store.batch([del("lg", key(7))], { sync: true });
    expect(await verifyStore(store, keys)).toMatchObject({
      reason: "missing_entry",
      firstBad: 7,
      exact: true,
    });
    await write(7, four);
    await write(4, seven);
    expect(await verifyStore(store, keys)).toMatchObject({ reason: "chain_break", firstBad: 4 });
    await write(7, seven);
    await write(4, four);
    await store.batch([del("lg", key(SIZE - 1))], { sync: true });
    expect(await verifyStore(store, keys)).toMatchObject({ reason: "truncated", firstBad: SIZE - 1 });
  });

  it("is found without the head key by chain and checkpoints, with a warning that says so", async () => {
    const blind = { ...keys, headKey: null };
    expect(await verifyStore(store, blind)).toMatchObject({
      ok: true,
      warnings: [{ code: "head_unverified", why: "no_key" }],
    });
    await store.batch(
      [5, 6, 7, 8, 9, 10, 11].map((index) => del("lg", key(index))),
      { sync: true },
    );
    await store.batch([del("lghead", "0")], { sync: true });
    expect(await verifyStore(store, blind)).toMatchObject({ reason: "truncated", firstBad: 5 });
  });

  it("is warned of where a forged or deleted head could hide a truncated tail", async () => {
    await store.batch([put("lghead", "0", utf8("forged"))], { sync: true });
    const report = await verifyStore(store, keys);
    expect(report.warnings).toEqual([{ code: "head_unverified", why: "bad_mac" }]);
    await store.batch([del("lghead", "0")], { sync: true });
    const headless = await verifyStore(store, keys);
    expect(headless.warnings).toEqual([{ code: "head_unverified", why: "absent" }]);
  });

  it("is found above the last checkpoint by the short verification, below it by the whole one", async () => {
    const short = () => verifyStore(store, keys, { fromLastCheckpoint: true });
    expect(await short()).toMatchObject({ ok: true, size: SIZE, count: SIZE - 6, lastGoodCheckpoint: 6 });
    await store.batch([del("lg", key(2))], { sync: true });
    expect((await short()).ok).toBe(true);
    expect(await verifyStore(store, keys)).toMatchObject({ reason: "missing_entry", firstBad: 2 });
    await store.batch([del("lg", key(9))], { sync: true });
    expect(await short()).toMatchObject({ reason: "missing_entry", firstBad: 9 });
  });

  it("does not use a checkpoint whose signature is bad, and says so", async () => {
    const note = (await store.get("lgcp", key(6))) ?? new Uint8Array();
    await store.batch([put("lgcp", key(6), utf8(new TextDecoder().decode(note).replace("\n6\n", "\n7\n")))], {
      sync: true,
    });
    expect(await verifyStore(store, keys)).toMatchObject({
      ok: true,
      lastGoodCheckpoint: null,
      warnings: [{ code: "checkpoint_bad_signature", size: 6 }],
    });
  });

  it("stops with the signal's reason, and reports progress", async () => {
    const seen: number[] = [];
    await verifyStore(store, keys, { onProgress: (entries) => seen.push(entries) });
    expect(seen.at(-1)).toBe(SIZE);
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(verifyStore(store, keys, { signal })).rejects.toThrow("enough");
  });
});
