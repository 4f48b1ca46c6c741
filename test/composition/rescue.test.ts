import { cp, mkdir, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LevelStore } from "../../firmware/adapters/level-store.ts";
import { NodeFiles } from "../../firmware/adapters/node-files.ts";
import { loadConfig } from "../../firmware/composition/config.ts";
import type { Config } from "../../firmware/composition/config-schema.ts";
import type { Device } from "../../firmware/composition/device.ts";
import { databasePath } from "../../firmware/composition/state.ts";
import type { JsonObject } from "../../firmware/core/json.ts";
import { verifyStore } from "../../firmware/ledger/index.ts";
import { put } from "../../firmware/ports/store.ts";
import { silentLog } from "../fleet/support.ts";
import { TemporaryFolder } from "../support/daemon.ts";
import { openDevice } from "../support/open-device.ts";
import { deviceFolder } from "../system/device-folder.ts";

let folder: TemporaryFolder;
let config: Config;
let copies = 0;

const run = (device: Device) =>
  device.parts.runs.start({ program: "climate", trigger: { type: "command" }, payload: {} });

async function live(of: Config, work: (device: Device) => Promise<void>): Promise<void> {
  const device = await openDevice(of, silentLog);
  try {
    await device.start();
    await work(device);
  } finally {
    await device.stop("test");
  }
}

beforeAll(async () => {
  folder = await TemporaryFolder.create();
  const whole = join(folder.path, "whole");
  await mkdir(whole);
  const { configPath } = await deviceFolder(whole);
  config = await loadConfig(new NodeFiles(), configPath);
  for (let life = 0; life < 3; life++) await live(config, async (device) => void (await run(device)));
});
afterAll(() => folder[Symbol.asyncDispose]());

/** The device again, in a folder of its own that may be spoilt. */
async function aCopy(): Promise<Config> {
  const stateDir = join(folder.path, `copy-${copies++}`);
  await cp(config.stateDir, stateDir, { recursive: true });
  return { ...config, stateDir };
}

const filesOf = async ({ stateDir }: Config, names: RegExp): Promise<readonly string[]> =>
  (await readdir(databasePath(stateDir)))
    .filter((name) => names.test(name))
    .map((name) => join(databasePath(stateDir), name));

async function entriesOf(device: Device): Promise<readonly { kind: string; data: JsonObject }[]> {
  const found: { kind: string; data: JsonObject }[] = [];
  for await (const { entry } of device.parts.state.ledger.reader.entries())
    found.push({ kind: entry.event.kind, data: { ...entry.event.data } });
  return found;
}

async function expectSound(device: Device): Promise<void> {
  const { ledger, store, identity } = device.parts.state;
  const keys = { logKeys: ledger.logKeys, origin: ledger.origin, headKey: identity.headKey };
  expect(await verifyStore(store, keys, { epoch: ledger.epoch })).toMatchObject({ ok: true });
}

const rewrite = async (path: string, change: (bytes: Uint8Array) => void): Promise<void> => {
  const bytes = new Uint8Array(await readFile(path));
  change(bytes);
  await writeFile(path, bytes);
};

describe("a database that LevelDB can repair", () => {
  const cases: readonly (readonly [string, (of: Config) => Promise<unknown>])[] = [
    [
      "has lost its manifest",
      async (of) => Promise.all((await filesOf(of, /^MANIFEST/)).map((path) => rm(path))),
    ],
    [
      "has an empty manifest",
      async (of) => Promise.all((await filesOf(of, /^MANIFEST/)).map((path) => truncate(path, 0))),
    ],
    [
      "has lost its file CURRENT",
      async (of) => Promise.all((await filesOf(of, /^CURRENT/)).map((path) => rm(path))),
    ],
    [
      "has garbage in its file CURRENT",
      async (of) => writeFile(join(databasePath(of.stateDir), "CURRENT"), "garbage"),
    ],
  ];

  it.each(cases)("and %s is set aside, and the device goes on with its ledger", async (_what, spoil) => {
    const of = await aCopy();
    let before = 0;
    await live(of, async (device) => {
      before = device.parts.state.ledger.head.size;
    });
    await spoil(of);

    await live(of, async (device) => {
      const { ledger } = device.parts.state;
      expect(ledger.epoch).toBe(0);
      expect(ledger.head.size).toBeGreaterThan(before);
      const [rescue] = (await entriesOf(device)).filter(({ kind }) => kind === "store_corrupt");
      expect(rescue?.data).toMatchObject({ action: "rescued", setAside: "db.corrupt-1", held: false });
      const { saved } = rescue?.data ?? {};
      expect(Object(saved).lg).toBeGreaterThan(5);
      expect(device.parts.alerts.recent.map(({ code }) => code)).toContain("store_corrupt");
      expect(await run(device)).toMatchObject({ ok: true });
      await expectSound(device);
    });
    expect((await readdir(of.stateDir)).filter((name) => name.startsWith("db")).sort()).toEqual([
      "db",
      "db.corrupt-1",
    ]);
    // Said once, not at every start.
    await live(of, async (device) => {
      expect((await entriesOf(device)).filter(({ kind }) => kind === "store_corrupt")).toHaveLength(1);
    });
  });
});

describe("a database of which nothing can be read", () => {
  async function spoilt(): Promise<Config> {
    const of = await aCopy();
    for (const path of await filesOf(of, /\.(ldb|log)$|^MANIFEST/))
      await rewrite(path, (bytes) => bytes.fill(0xff));
    return of;
  }

  it("begins the next epoch after the last checkpoint that was known, and runs nothing by itself", async () => {
    const of = await spoilt();
    const note = await readFile(join(of.stateDir, "last-checkpoint"), "utf8");
    const [origin, size] = note.split("\n");

    await live(of, async (device) => {
      const { ledger } = device.parts.state;
      expect(ledger.epoch).toBe(1);
      const [first, second] = await entriesOf(device);
      expect(first).toMatchObject({
        kind: "ledger_epoch",
        data: { epoch: 1, prev: { origin, size: Number(size), lastHash: null } },
      });
      expect(second).toMatchObject({ kind: "store_corrupt", data: { held: true } });
      expect(device.parts.boot.state).toBe("safe_mode");
      expect(await run(device)).toMatchObject({ ok: false, code: "unknown_program" });
      await expectSound(device);
    });
    // A restart is no operator.
    await live(of, async (device) => {
      expect([device.parts.boot.state, device.parts.state.ledger.epoch]).toEqual(["safe_mode", 1]);
    });
  });

  it("never signs in an epoch it may have signed in, even where the file of the last checkpoint is gone too", async () => {
    const of = await spoilt();
    await rm(join(of.stateDir, "last-checkpoint"));
    await live(of, async (device) => {
      expect(device.parts.state.ledger.epoch).toBe(1);
      expect((await entriesOf(device))[0]).toMatchObject({ kind: "ledger_epoch", data: { prev: null } });
    });
  });
});

describe("a database with tables that cannot be read to their end", () => {
  it("keeps the rows before and behind, and says what became of the ledger", async () => {
    const of = await aCopy();
    for (const path of await filesOf(of, /\.ldb$/)) {
      const { length } = await readFile(path);
      await truncate(path, length >> 1);
    }
    await live(of, async (device) => {
      const found = await entriesOf(device);
      expect(found.map(({ kind }) => kind)).toContain("store_corrupt");
      // Entries under its last checkpoint are gone: that log is never added to.
      expect(device.parts.state.ledger.epoch).toBe(1);
      await expectSound(device);
    });
  });
});

describe("a database that was replaced by an older copy", () => {
  it("is known for it: the next epoch begins, with the reason", async () => {
    const of = await aCopy();
    const older = join(folder.path, "older");
    await rm(older, { recursive: true, force: true });
    await cp(databasePath(of.stateDir), older, { recursive: true });
    await live(of, async (device) => void (await run(device)));
    await rm(databasePath(of.stateDir), { recursive: true });
    await cp(older, databasePath(of.stateDir), { recursive: true });

    await live(of, async (device) => {
      expect(device.parts.state.ledger.epoch).toBe(1);
      expect((await entriesOf(device))[0]).toMatchObject({
        kind: "ledger_epoch",
        data: { reason: "truncated" },
      });
      expect(device.parts.alerts.recent.map(({ code }) => code)).toContain("ledger_bad");
    });
  });
});

describe("a damaged row that names the epoch", () => {
  it("is replaced by what the epochs' rows say", async () => {
    const of = await aCopy();
    {
      await using store = await LevelStore.open(databasePath(of.stateDir), { create: false });
      await store.batch([put("lgepoch", "0", new Uint8Array([0xff, 0x00]))], { sync: true });
    }
    await live(of, async (device) => {
      expect(device.parts.state.ledger.epoch).toBe(0);
      await expectSound(device);
    });
  });
});

it("leaves a device alone that was only installed: without a database it begins its first log", async () => {
  const of = await aCopy();
  await rm(databasePath(of.stateDir), { recursive: true });
  await rm(join(of.stateDir, "last-checkpoint"));
  await live(of, async (device) => {
    expect(device.parts.state.ledger.epoch).toBe(0);
  });
});
