/**
 * What lies beside ledger, evidence and runs: journals in the content store, the outbox, releases and the pointer to the
 * one in force, and the files of the keys. A change is found and named; what nobody can find is tested as well, so that
 * docs/storage.md stays true.
 */
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { NodeFiles } from "../../firmware/adapters/node-files.ts";
import { SystemEntropy } from "../../firmware/adapters/system-entropy.ts";
import { setAsideDamaged } from "../../firmware/composition/damaged-rows.ts";
import { createIdentity, loadIdentity } from "../../firmware/composition/identity.ts";
import { utf8 } from "../../firmware/core/bytes.ts";
import { decodeCbor, encodeCbor } from "../../firmware/core/cbor.ts";
import { codeOf } from "../../firmware/core/errors.ts";
import type { JsonObject } from "../../firmware/core/json.ts";
import { ContentStore } from "../../firmware/evidence/index.ts";
import { encodeRecord, outboxKey } from "../../firmware/fleet/outbox-records.ts";
import type { LedgerEvent } from "../../firmware/ledger/types.ts";
import { del, put } from "../../firmware/ports/store.ts";
import { readJournal, stageJournal } from "../../firmware/runs/journal-blob.ts";
import type { JournalEntry } from "../../firmware/vm/types.ts";
import { releaseHash } from "../../ota/index.ts";
import { MemoryStore } from "../../sim/disk/memory-store.ts";
import { countdown, Device, factoryBytes, release } from "../ota/device.ts";

const flipped = (row: Uint8Array, at: number): Uint8Array =>
  row.map((byte, i) => (i === at ? byte ^ 1 : byte));

const codeOfFailure = (work: Promise<unknown>): Promise<string | null> =>
  work.then(
    () => null,
    (error: unknown) => codeOf(error),
  );

describe("a journal in the content store", () => {
  const calls = Array.from(
    { length: 10_000 },
    (_, turn): JournalEntry => ({
      t: "call",
      turn,
      task: 0,
      capability: "kv.get",
      args: { key: "nothing" },
      ok: true,
      result: { found: false, note: "x".repeat(60) },
      evidence: [],
    }),
  );

  async function stored() {
    const store = new MemoryStore();
    const { stored: journal, ops } = stageJournal(calls);
    if (!("sha256" in journal)) throw new Error("the journal is inline");
    await store.batch(ops, { sync: true });
    const { parts = [] } = journal;
    const read = (change = {}) =>
      codeOfFailure(readJournal(new ContentStore({ store, wallMs: () => 0 }), { ...journal, ...change }));
    return { store, parts, read };
  }

  it("is read as it was written", async () => {
    const { parts, read } = await stored();

    expect(parts.length).toBeGreaterThan(1);
    expect(await read()).toBeNull();
  });

  it("any byte of any part edited: integrity_error", async () => {
    const { store, parts, read } = await stored();
    for (const part of parts) {
      const row = (await store.get("cas", part)) ?? new Uint8Array();
      for (const at of [0, row.length >> 1, row.length - 1]) {
        await store.batch([put("cas", part, flipped(row, at))], { sync: true });
        expect(await read()).toBe("integrity_error");
      }
      await store.batch([put("cas", part, row)], { sync: true });
    }
  });

  it("a part deleted: not_found; a part left out: integrity_error", async () => {
    const { store, parts, read } = await stored();

    expect(await read({ parts: parts.slice(1) })).toBe("integrity_error");
    await store.batch([del("cas", parts[0] ?? "")], { sync: true });
    expect(await read()).toBe("not_found");
  });
});

describe("rows of the outbox", () => {
  const record = {
    id: "018bcfe5-6828-7844-ac3d-9afdb7563ccd",
    idem: null,
    topic: "imu/v1/farm/imu-1/telemetry/air",
    class: "telemetry",
    qos: 1,
    expiresMs: null,
    attempts: 0,
    correlation: null,
    body: utf8("{}"),
  } as const;

  async function found(key: string, row: Uint8Array): Promise<readonly unknown[]> {
    const store = new MemoryStore();
    await store.batch([put("outbox", key, row)], { sync: true });
    const events: LedgerEvent[] = [];
    const commit = async (unit: { readonly events: readonly LedgerEvent[] }) => {
      events.push(...unit.events);
      return [];
    };
    await setAsideDamaged(store, { commit });
    return events.map(({ kind, data }) => [kind, data.sublevel]);
  }

  it.each<readonly [string, string, Uint8Array]>([
    ["cut off", outboxKey(1), encodeRecord(record).subarray(0, 20)],
    ["of another form", outboxKey(1), encodeCbor({ v: 1, ...record, body: "text" })],
    ["of another version", outboxKey(1), encodeCbor({ ...record, v: 2 })],
    ["under a key that is no number", "1", encodeRecord(record)],
  ])("%s: store_corrupt", async (_name, key, row) => {
    expect(await found(key, row)).toEqual([["store_corrupt", "outbox"]]);
  });

  it("with another body is not found: what is not signed has no digest of its own", async () => {
    expect(await found(outboxKey(1), encodeRecord({ ...record, body: utf8('{"t":99}') }))).toEqual([]);
  });
});

describe("releases and the pointer to the one in force", () => {
  const factory = releaseHash(factoryBytes);
  const candidate = release(2, [countdown(400)]);

  /** A device that has committed the release, starting anew after a change of its rows. */
  async function after(change: (pointer: JsonObject) => readonly [key: string, value: Uint8Array | null]) {
    const before = await Device.ready();
    await before.service.stage(candidate.statementBytes, candidate.bundle);
    await before.settle();
    const pointer = decodeCbor(
      (await before.disk.get("policy", "pointer")) ?? new Uint8Array(),
    ) as JsonObject;
    const [key, value] = change(pointer);
    const op = value === null ? del("policy", key) : put("policy", key, value);
    await before.disk.batch([op], { sync: true });
    const device = before.next({ kernelBootId: "kernel-2" });
    const loaded = await device.boot();
    return { loaded, kinds: device.kinds() };
  }

  const stored = `release/${candidate.releaseHash}`;
  const edited = new TextEncoder().encode(new TextDecoder().decode(candidate.bundle).replace("400", "401"));

  it("is in force where nothing was changed", async () => {
    const { loaded, kinds } = await after((pointer) => ["pointer", encodeCbor(pointer)]);

    expect([loaded, kinds.includes("policy_corrupt")]).toEqual([candidate.releaseHash, false]);
  });

  it.each<readonly [string, Parameters<typeof after>[0]]>([
    ["a release edited", () => [stored, edited]],
    ["a release cut off", () => [stored, candidate.bundle.subarray(0, 100)]],
    ["a release deleted", () => [stored, null]],
    [
      "the pointer at a release that is not stored",
      (pointer) => ["pointer", encodeCbor({ ...pointer, active: "ab".repeat(32) })],
    ],
    ["the pointer of another form", () => ["pointer", encodeCbor({ active: 1 })]],
    ["the pointer unreadable", () => ["pointer", Uint8Array.of(0xff)]],
  ])("%s: policy_corrupt, and what is sound runs", async (_name, change) => {
    const { loaded, kinds } = await after(change);

    expect(kinds).toContain("policy_corrupt");
    expect(loaded).toBe(factory);
  });

  it("the pointer put back to a release that was in force before is not found by the device itself", async () => {
    const { loaded, kinds } = await after((pointer) => [
      "pointer",
      encodeCbor({ ...pointer, active: factory }),
    ]);

    expect([loaded, kinds.includes("policy_corrupt")]).toEqual([factory, false]);
  });
});

describe("the files of the keys", () => {
  const files = new NodeFiles();
  let state = "";
  beforeEach(async () => {
    state = await mkdtemp(join(tmpdir(), "imu-keys-"));
    await createIdentity(files, new SystemEntropy(), state);
  });
  afterEach(() => rm(state, { recursive: true }));

  const path = (name: string): string => join(state, "keys", name);
  const refusal = async (): Promise<string | null> => {
    try {
      await loadIdentity(files, state);
      return null;
    } catch (error) {
      return codeOf((error as Error).cause);
    }
  };

  it.each([0o640, 0o604, 0o620, 0o602, 0o610, 0o601])("a mode of %o: key_permissions", async (mode) => {
    for (const name of ["device.key", "master.key"]) {
      await chmod(path(name), mode);
      expect(await refusal()).toBe("key_permissions");
      await chmod(path(name), 0o600);
    }
    expect(await refusal()).toBeNull();
  });

  it("a key cut off: key_malformed", async () => {
    for (const name of ["device.key", "master.key"]) {
      const bytes = await readFile(path(name));
      await writeFile(path(name), bytes.subarray(0, bytes.length >> 1));
      expect(await refusal()).toBe("key_malformed");
      await writeFile(path(name), bytes);
    }
  });
});
