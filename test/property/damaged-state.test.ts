/** A device whose stored rows have been altered starts all the same, says what it lost, and goes on working. */

import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LevelStore } from "../../firmware/adapters/level-store.ts";
import { NodeFiles } from "../../firmware/adapters/node-files.ts";
import { loadConfig } from "../../firmware/composition/config.ts";
import type { Config } from "../../firmware/composition/config-schema.ts";
import { DAMAGED_SUB, setAsideDamaged } from "../../firmware/composition/damaged-rows.ts";
import { databasePath } from "../../firmware/composition/state.ts";
import { utf8 } from "../../firmware/core/bytes.ts";
import { encodeCbor } from "../../firmware/core/cbor.ts";
import type { LedgerEvent } from "../../firmware/ledger/types.ts";
import { put, type StoreOp } from "../../firmware/ports/store.ts";
import { MemoryStore } from "../../sim/disk/memory-store.ts";
import { RecordingCommitter } from "../fleet/device.ts";
import { silentLog } from "../fleet/support.ts";
import { TemporaryFolder } from "../support/daemon.ts";
import { openDevice } from "../support/open-device.ts";
import { deviceFolder } from "../system/device-folder.ts";
import { mutatedBytes } from "./mutations.ts";

const wrongShapes = [null, {}, [], 5, "x", { v: 1 }, { v: 1, id: "x" }, { v: 1, id: "x", keyIds: 1 }].map(
  encodeCbor,
);
const hostileBytes = [
  new Uint8Array(),
  new Uint8Array(20).fill(0xff),
  Uint8Array.of(0x9a, 0x06, 0, 0, 0),
  Uint8Array.of(0xd9, 0xdf, 0xff, 0x80),
  ...wrongShapes,
];

const padded = (n: number, digits: number): string => String(n).padStart(digits, "0");
const id = (n: number): string => `01890000-0000-7000-8000-${padded(n, 12)}`;
const hash = "0".repeat(64);

interface Place {
  readonly sub: string;
  readonly key: (n: number) => string;
  readonly row: (n: number) => unknown;
}

const PLACES: readonly Place[] = [
  {
    sub: "sched",
    key: (n) => `s${n}`,
    row: (n) => ({
      scheduleId: `s${n}`,
      program: "climate",
      mode: "interval",
      everyMs: 60_000,
      nextAt: 5,
      missed: 0,
      runs: 0,
      disabled: false,
    }),
  },
  {
    sub: "commands",
    key: id,
    row: (n) => ({
      v: 1,
      id: id(n),
      hash,
      nonce: "ab",
      keyIds: ["k"],
      name: "run.start",
      scope: "command",
      state: "done",
      expiresAt: 5,
      replyTo: [],
      correlation: null,
      receipt: utf8("{}"),
    }),
  },
  {
    sub: "outbox",
    key: (n) => padded(1000 + n, 16),
    row: (n) => ({
      v: 1,
      id: id(n),
      idem: null,
      topic: "t",
      class: "telemetry",
      qos: 1,
      expiresMs: null,
      attempts: 0,
      correlation: null,
      body: utf8(`body ${n}`),
    }),
  },
  { sub: "outbox_dead", key: (n) => (n % 2 ? `dead${n}` : padded(500 + n, 16)), row: () => ({ v: 1 }) },
  {
    sub: "outbox_gaps",
    key: (n) => ["logic", "telemetry", "logs"][n % 3] ?? "logic",
    row: (n) => ({ class: ["logic", "telemetry", "logs"][n % 3], from: 1, to: 2, count: 3 }),
  },
  {
    sub: "phi",
    key: (n) => `budget/program:p${n}`,
    row: () => ({ balanceMilli: 100, carry: 0, wallMs: 1_700_000_000_000, trusted: true }),
  },
  {
    sub: "runopen",
    key: (n) => `run-${n}`,
    row: (n) => ({
      runId: `run-${n}`,
      program: "climate",
      programHash: hash,
      subject: "program:climate",
      policyHash: hash,
      startedAt: 5,
      outputs: ["fan"],
    }),
  },
  {
    sub: "ask",
    key: (n) => `ask-${n}`,
    row: (n) => ({
      askId: `ask-${n}`,
      program: "climate",
      kind: "resource",
      about: "bus:i2c:1",
      subject: "program:climate",
      details: {},
      state: "pending",
      count: 1,
      since: 5,
      publishedAt: 5,
      waiting: [{ triggerId: "t", type: "at", payload: {}, at: 5 }],
    }),
  },
  { sub: "job", key: (n) => `wal!${padded(n, 12)}`, row: () => ({ kind: "enqueue", job: {} }) },
  {
    sub: "sync/hlc",
    key: (n) => (n % 2 ? "mark" : "incarnation"),
    row: (n) => (n % 2 ? 1_700_000_000_000 : "abc"),
  },
];

/** Every hostile form and many mutations of a good row, each under a key of its own. */
function damagedRows({ sub, key, row }: Place): readonly StoreOp[] {
  const mutations = fc.sample(mutatedBytes(encodeCbor(row(0))), { seed: 7, numRuns: 60 });
  return [...hostileBytes, ...mutations].map((bytes, n) => put(sub, key(n), bytes));
}

let folder: TemporaryFolder;
let config: Config;

async function altered(ops: readonly StoreOp[]): Promise<void> {
  await using store = await LevelStore.open(databasePath(config.stateDir), { create: true });
  await store.batch(ops, { sync: false });
}

/** One life of the daemon: starts, runs a program, stops. Gives what this life recorded. */
async function live(): Promise<{
  readonly events: readonly LedgerEvent[];
  readonly damaged: readonly string[];
}> {
  const device = await openDevice(config, silentLog);
  try {
    await device.start();
    const { runs, state } = device.parts;
    const answer = await runs.start({ program: "climate", trigger: { type: "command" }, payload: {} });
    // The program may be running already because its interval is due; that it is known and judged is what counts.
    expect(answer.ok || answer.code).not.toBe("unknown_program");
    const events: LedgerEvent[] = [];
    for await (const { entry } of state.ledger.reader.entries(0)) events.push(entry.event);
    const damaged: string[] = [];
    for await (const [key] of state.store.range(DAMAGED_SUB)) damaged.push(key);
    return { events, damaged };
  } finally {
    await device.stop("test");
  }
}

beforeAll(async () => {
  folder = await TemporaryFolder.create();
  const { configPath } = await deviceFolder(folder.path);
  config = await loadConfig(new NodeFiles(), configPath);
});

afterAll(async () => {
  await folder[Symbol.asyncDispose]();
});

const corruptions = (events: readonly LedgerEvent[], sub: string): number =>
  events.filter(({ kind, data }) => kind === "store_corrupt" && data.sublevel === sub).length;

describe("altered rows that a start reads", () => {
  it.each(PLACES.map((place) => [place.sub, place] as const))(
    "of %s do not keep the device from starting, now or the next time",
    async (sub, place) => {
      await altered(damagedRows(place));

      const first = await live();
      const second = await live();

      if (sub !== "job") {
        expect(first.damaged.some((key) => key.startsWith(`${sub}!`))).toBe(true);
        expect(corruptions(first.events, sub)).toBe(1);
      }
      expect(corruptions(second.events, sub)).toBe(corruptions(first.events, sub));
    },
  );

  it("leave the sound rows beside them where they are", async () => {
    const store = new MemoryStore();
    const committer = new RecordingCommitter(store);
    const sound = PLACES.map(({ sub, key, row }) => put(sub, key(0), encodeCbor(row(0))));
    await store.batch([...sound, put("sched", "s1", Uint8Array.of(0xff))], { sync: false });

    expect(await setAsideDamaged(store, committer)).toBe(1);
    expect(await setAsideDamaged(store, committer)).toBe(0);

    for (const op of sound) expect(await store.get(op.sub, op.key)).toBeDefined();
    expect(await store.get("sched", "s1")).toBeUndefined();
    expect(await store.get(DAMAGED_SUB, "sched!s1")).toEqual(Uint8Array.of(0xff));
    expect(committer.events).toMatchObject([
      { kind: "store_corrupt", data: { sublevel: "sched", action: "set_aside", rows: 1 } },
    ]);
  });

  it("that were a balance leave nothing to spend, not a full budget", async () => {
    await altered([put("phi", "budget/program:thief", Uint8Array.of(0xff))]);

    const device = await openDevice(config, silentLog);
    const available = device.parts.budget.available("program:thief");
    const fresh = device.parts.budget.available("program:newcomer");
    await device.stop("test");

    expect(fresh).toBeGreaterThan(0);
    expect(available).toBeLessThan(fresh);
  });

  it("that were an executed command still bar the same command from running again", async () => {
    const used = id(77_777);
    await altered([put("commands", used, Uint8Array.of(0xff))]);

    await live();

    await using store = await LevelStore.open(databasePath(config.stateDir), { create: false });
    expect(await store.get("commands_once", used)).toEqual(utf8("damaged"));
  });
});

describe("altered rows of the ledger", () => {
  it.each(["lghead", "lgsigned", "lgcp", "lg"])("of %s are repaired, or a new epoch begins", async (sub) => {
    for (const seed of [1, 2, 3]) {
      {
        await using store = await LevelStore.open(databasePath(config.stateDir), { create: false });
        const rows: (readonly [string, Uint8Array])[] = [];
        for await (const row of store.range(sub)) rows.push(row);
        const last = rows.at(-1);
        const [bytes] = last ? fc.sample(mutatedBytes(last[1]), { seed, numRuns: 1 }) : [];
        if (last && bytes) await store.batch([put(sub, last[0], bytes)], { sync: false });
      }
      const { events } = await live();
      expect(events.some(({ kind }) => kind === "boot")).toBe(true);
    }
  });
});

describe("what cannot be set aside", () => {
  it.each([[""], ["\u0005"], ["NaN"], ["-1"], ["1e3"]])(
    "a layout version that reads %j is called damage, not a newer version",
    async (text) => {
      await using other = await TemporaryFolder.create();
      const path = join(other.path, "db");
      {
        await using store = await LevelStore.open(path, { create: true });
        await store.batch([put("meta", "layout", utf8(text))], { sync: true });
      }
      await expect(LevelStore.open(path, { create: false })).rejects.toMatchObject({ code: "store_corrupt" });
    },
  );
});
