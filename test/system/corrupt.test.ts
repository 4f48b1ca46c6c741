import { createHash } from "node:crypto";
import { chmod, cp, mkdir, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isJsonObject, type Json, type JsonObject } from "../../firmware/core/json.ts";
import { Daemon, imuctl, TemporaryFolder } from "../support/daemon.ts";
import { atRest, deviceFolder } from "./device-folder.ts";

/** What LevelDB itself writes at every try to open, good or bad. */
const LEVELDB_NOTES = /^(?:LOG|LOG\.old|LOCK)$/;
/** A daemon that had opened its ledger says so with its last checkpoint. */
const LAST_CHECKPOINT = "last-checkpoint";

let folder: TemporaryFolder;
let sound: string;
let copies = 0;

/** A device that has lived twice, so that its database has tables and a log. */
beforeAll(async () => {
  folder = await TemporaryFolder.create();
  sound = join(folder.path, "sound");
  await mkdir(sound);
  await deviceFolder(sound);
  for (let life = 0; life < 2; life++) {
    await using daemon = await Daemon.start(sound);
    for (const program of ["climate", "irrigation", "door-alarm"]) await daemon.ask("run.start", { program });
    expect(await daemon.end("SIGTERM")).toEqual({ code: 0, signal: null });
  }
});
afterAll(() => folder[Symbol.asyncDispose]());

async function aCopy(): Promise<string> {
  const dir = join(folder.path, String(copies++));
  await cp(sound, dir, { recursive: true });
  return dir;
}

/** Digest of every file, so that nothing can be rewritten unseen. */
async function digests(dir: string): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || LEVELDB_NOTES.test(entry.name) || entry.name === LAST_CHECKPOINT) continue;
    const path = join(entry.parentPath, entry.name);
    found.set(
      path,
      createHash("sha256")
        .update(await readFile(path))
        .digest("hex"),
    );
  }
  return found;
}

const database = async (dir: string, names: RegExp): Promise<readonly string[]> => {
  const all = await readdir(join(dir, "state", "db"));
  const wanted = all.filter((name) => names.test(name)).map((name) => join(dir, "state", "db", name));
  if (wanted.length === 0) throw new Error(`no ${names} among ${all.join(" ")}`);
  return wanted;
};
const halve = async (paths: readonly string[]): Promise<void> => {
  for (const path of paths) await truncate(path, Math.floor((await stat(path)).size / 2));
};

interface Damage {
  readonly what: string;
  readonly spoil: (dir: string) => Promise<unknown>;
  readonly code: string;
  /** What the message must name: place and remedy. */
  readonly says: (dir: string) => readonly string[];
  /** True where the database itself can be opened. */
  readonly opens?: true;
}

const config = (dir: string): string => join(dir, "imud.yaml");
const key = (dir: string): string => join(dir, "state", "keys", "device.key");
const db = (dir: string): string => join(dir, "state", "db");

const REFUSED: readonly Damage[] = [
  {
    what: "no configuration",
    spoil: (dir) => rm(config(dir)),
    code: "config_invalid",
    says: (dir) => [config(dir), `imuctl init --config ${config(dir)}`],
  },
  {
    what: "broken YAML",
    spoil: (dir) => writeFile(config(dir), "board: sim\nfleet: [x\n"),
    code: "config_invalid",
    says: (dir) => [`${config(dir)}:3`, "correct the YAML syntax"],
  },
  {
    what: "an unknown member",
    spoil: async (dir) => writeFile(config(dir), `turbo: true\n${await readFile(config(dir), "utf8")}`),
    code: "config_invalid",
    says: (dir) => [`${config(dir)}:1`, 'remove "turbo"'],
  },
  {
    what: "an unknown board",
    opens: true,
    spoil: async (dir) =>
      writeFile(config(dir), (await readFile(config(dir), "utf8")).replace('board: "sim"', "board: toaster")),
    code: "unknown_board",
    says: () => ["toaster", "imuctl board list"],
  },
  {
    what: "a key that others may read",
    spoil: (dir) => chmod(key(dir), 0o644),
    code: "resource_required",
    says: (dir) => [key(dir), `chmod 600 ${key(dir)}`],
  },
  {
    what: "a key folder that others may write to",
    spoil: (dir) => chmod(join(dir, "state", "keys"), 0o777),
    code: "resource_required",
    says: (dir) => [`chmod 700 ${join(dir, "state", "keys")}`],
  },
  {
    what: "no keys",
    spoil: (dir) => rm(join(dir, "state", "keys"), { recursive: true }),
    code: "resource_required",
    says: (dir) => [join(dir, "state", "keys"), "imuctl init"],
  },
  {
    what: "garbage in place of the key",
    spoil: (dir) => writeFile(key(dir), "garbage"),
    code: "resource_required",
    says: (dir) => [key(dir), "backup"],
  },
  {
    what: "garbage in place of the policy",
    opens: true,
    spoil: (dir) => writeFile(join(dir, "policy.json"), "\u0000garbage"),
    code: "policy_invalid",
    says: (dir) => [join(dir, "policy.json"), "malformed", "Correct the factory policy"],
  },
  {
    what: "a policy that lacks a member",
    opens: true,
    spoil: (dir) => writeFile(join(dir, "policy.json"), '{"schema":"imu.policy/1"}'),
    code: "policy_invalid",
    says: (dir) => [join(dir, "policy.json"), "missing_field", "Correct the factory policy"],
  },
  {
    what: "no policy",
    opens: true,
    spoil: (dir) => rm(join(dir, "policy.json")),
    code: "not_found",
    says: (dir) => [join(dir, "policy.json"), "restore it"],
  },
  {
    what: "garbage in place of the operators' keys",
    opens: true,
    spoil: (dir) => writeFile(join(dir, "authority.json"), "garbage"),
    code: "malformed",
    says: (dir) => [join(dir, "authority.json"), "Correct the list"],
  },
  {
    what: "a roster that is none",
    opens: true,
    spoil: (dir) => writeFile(join(dir, "roster.json"), "{}"),
    code: "malformed",
    says: (dir) => [join(dir, "roster.json"), "Correct the list"],
  },
  {
    what: "a file in place of the run directory",
    opens: true,
    spoil: async (dir) => {
      await rm(join(dir, "run"), { recursive: true, force: true });
      await writeFile(join(dir, "run"), "");
    },
    code: "file_unusable",
    says: (dir) => [join(dir, "run"), "folder"],
  },
];

describe("a start is refused with the place and the remedy, and nothing is rewritten, for", () => {
  test.each(REFUSED)("$what", async ({ spoil, code, says, opens = false }) => {
    const dir = await aCopy();
    await spoil(dir);
    const before = await digests(dir);

    await using daemon = Daemon.spawn(dir);
    const ended = await daemon.ended;

    expect(ended).toEqual({ code: 1, signal: null });
    expect(daemon.err).toMatch(new RegExp(`^imud: ${code}: `));
    for (const words of says(dir)) expect(daemon.err).toContain(words);
    expect(daemon.err).not.toMatch(/^\s+at /m);
    // Once the database is open, LevelDB keeps its own books; the tables it had and all else stay as they were.
    const kept = (files: ReadonlyMap<string, string>): readonly (readonly [string, string])[] =>
      [...files].filter(
        ([path]) => !opens || !path.startsWith(db(dir)) || (path.endsWith(".ldb") && before.has(path)),
      );
    expect(kept(await digests(dir))).toEqual(kept(before));
  });
});

const listOf = (value: Json, name: string): readonly JsonObject[] => {
  const list = isJsonObject(value) ? value[name] : null;
  return Array.isArray(list) ? list.filter(isJsonObject) : [];
};

const RESCUED: readonly Pick<Damage, "what" | "spoil">[] = [
  {
    what: "a truncated manifest of the database",
    spoil: async (dir) => halve(await database(dir, /^MANIFEST-/)),
  },
  {
    what: "an empty manifest of the database",
    spoil: async (dir) => Promise.all((await database(dir, /^MANIFEST-/)).map((path) => truncate(path, 0))),
  },
  { what: "a database without its file CURRENT", spoil: (dir) => rm(join(db(dir), "CURRENT")) },
  {
    what: "garbage in the database's file CURRENT",
    spoil: (dir) => writeFile(join(db(dir), "CURRENT"), "garbage"),
  },
  { what: "truncated tables of the database", spoil: async (dir) => halve(await database(dir, /\.ldb$/)) },
  {
    what: "missing tables of the database",
    spoil: async (dir) => Promise.all((await database(dir, /\.ldb$/)).map((path) => rm(path))),
  },
];

describe("the database is set aside and said to be, and the daemon runs on what was saved, with", () => {
  test.each(RESCUED)("$what", async ({ spoil }) => {
    const dir = await aCopy();
    await spoil(dir);

    await using daemon = await Daemon.start(dir);
    const status = await daemon.ask("status");
    await daemon.end("SIGTERM");

    expect(listOf(status, "alerts").map(({ code }) => code)).toContain("store_corrupt");
    expect(await readdir(join(dir, "state"))).toContain("db.corrupt-1");
    const { report, entries } = await atRest(dir);
    expect(report.ok).toBe(true);
    expect(entries.map(({ entry }) => entry.event)).toContainEqual(
      expect.objectContaining({
        kind: "store_corrupt",
        data: expect.objectContaining({ setAside: "db.corrupt-1" }),
      }),
    );
    expect(daemon.err).not.toMatch(/^\s+at /m);
  });
});

describe("a program that cannot be used is left out with its reason, and the others run, for", () => {
  const path = (dir: string): string => join(dir, "programs", "irrigation.json");
  const cases: readonly { what: string; spoil: (dir: string) => Promise<unknown>; reason: RegExp }[] = [
    {
      what: "garbage",
      spoil: (dir) => writeFile(path(dir), "garbage{"),
      reason: /^malformed: .*irrigation\.json/,
    },
    {
      what: "half a file",
      spoil: (dir) => halve([path(dir)]),
      reason: /^malformed: .*irrigation\.json/,
    },
    {
      what: "an unknown instruction",
      spoil: async (dir) =>
        writeFile(path(dir), (await readFile(path(dir), "utf8")).replace('"HALT"', '"EXPLODE"')),
      reason: /^unknown_opcode/,
    },
    {
      what: "a file that is too large",
      spoil: (dir) => writeFile(path(dir), "[".repeat(300_000)),
      reason: /^too_large: .*irrigation\.json/,
    },
    {
      what: "a folder in place of the file",
      spoil: async (dir) => {
        await rm(path(dir));
        await mkdir(path(dir));
      },
      reason: /^file_unusable: .*irrigation\.json/,
    },
  ];

  test.each(cases)("$what", async ({ spoil, reason }) => {
    const dir = await aCopy();
    await spoil(dir);

    await using daemon = await Daemon.start(dir);
    const status = await daemon.ask("status");
    const climate = await daemon.ask("run.start", { program: "climate" });
    const irrigation = await daemon.ask("run.start", { program: "irrigation" });
    await daemon.end("SIGTERM");

    expect(listOf(status, "refusedPrograms")).toEqual([
      { name: "irrigation", reason: expect.stringMatching(reason) },
    ]);
    expect(climate).toMatchObject({ ok: true, state: "halted" });
    expect(irrigation).toMatchObject({ ok: false, code: "unknown_program", status: 404 });
    expect(daemon.err).not.toMatch(/^\s+at /m);
    const { report, entries } = await atRest(dir);
    expect(report.ok).toBe(true);
    expect(entries.map(({ entry }) => entry.event)).toContainEqual(
      expect.objectContaining({ kind: "alert", data: expect.objectContaining({ name: "program_invalid" }) }),
    );
  });
});

test("a database log that ends too early, as after a power cut, costs at most its end", async () => {
  const dir = await aCopy();
  const { entries: before } = await atRest(dir);
  await halve(await database(dir, /\.log$/));

  await using daemon = await Daemon.start(dir);
  const run = await daemon.ask("run.start", { program: "climate" });
  await daemon.end("SIGTERM");

  expect(run).toMatchObject({ ok: true });
  const { report, entries } = await atRest(dir);
  expect(report).toMatchObject({ ok: true, epoch: 0 });
  const boot = entries.findLastIndex(({ entry }) => entry.event.kind === "boot");
  expect(entries.slice(0, boot).map(({ hash }) => hash)).toEqual(
    before.slice(0, boot).map(({ hash }) => hash),
  );
});

test("a second daemon on the same state is refused while the first one runs on", async () => {
  const dir = await aCopy();
  await using first = await Daemon.start(dir);
  await writeFile(join(dir, "other.yaml"), (await readFile(config(dir), "utf8")).replace('"run"', '"run2"'));

  await using second = Daemon.spawn(dir, { config: "other.yaml" });
  const ended = await second.ended;

  expect(ended.code).toBe(1);
  expect(second.err).toMatch(/^imud: store_busy: .*\n {2}how: Stop the other process first/);
  expect(await first.ask("run.start", { program: "climate" })).toMatchObject({ ok: true });
  expect((await first.end("SIGTERM")).code).toBe(0);
});

test("altered bytes in a table are found by the verification of the ledger", async () => {
  const dir = await aCopy();
  for (const path of await database(dir, /\.ldb$/)) {
    const bytes = await readFile(path);
    for (let at = 512; at < bytes.length; at += 1024) bytes[at] = (bytes[at] ?? 0) ^ 0x5a;
    await writeFile(path, bytes);
  }

  const verified = await imuctl(["--config", config(dir), "--json", "ledger", "verify"]);

  expect([2, 3]).toContain(verified.code);
  expect(JSON.parse(verified.out)).toMatchObject({ ok: false });
  expect(verified.err).not.toMatch(/^\s+at /m);
});
