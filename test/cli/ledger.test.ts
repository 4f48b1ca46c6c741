import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LevelStore } from "../../firmware/adapters/level-store.ts";
import { encodeStored, unframe } from "../../firmware/ledger/entry.ts";
import { del, put, type StoreOp } from "../../firmware/ports/store.ts";
import { imuctl, stoppedDevice, tempDir } from "./support.ts";

describe("imuctl ledger over a stopped state", () => {
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let device: Awaited<ReturnType<typeof stoppedDevice>>;

  beforeAll(async () => {
    dir = await tempDir();
    device = await stoppedDevice(join(dir.path, "device"));
  });
  afterAll(() => dir[Symbol.asyncDispose]());

  let copies = 0;

  /** A copy of the state in which some rows were changed behind the daemon's back. */
  async function tampered(change: (store: LevelStore) => Promise<readonly StoreOp[]>): Promise<string> {
    const copy = join(dir.path, `copy-${copies++}`);
    await cp(device.state, copy, { recursive: true });
    await using store = await LevelStore.open(join(copy, "db"), { create: false });
    await store.batch(await change(store), { sync: true });
    return copy;
  }

  const withoutNodes = (row: Uint8Array | undefined): Uint8Array => {
    const parts = unframe(row ?? new Uint8Array());
    if (parts === null) throw new Error("The row is no entry.");
    return encodeStored(parts.bytes, parts.hash);
  };

  const verify = (...argv: string[]) => imuctl(["ledger", "verify", ...argv]);

  test("verifies an intact ledger with head and checkpoint, says where it read, and exits 0", async () => {
    const { code, out, err } = await verify("--config", device.config);

    expect(code, err).toBe(0);
    expect(out).toMatch(/^ok\tverified\nentries\t8\nsize\t8\nhead\t[0-9a-f]{64}\ncheckpoint\t7\n/);
    expect(err).toBe(`imuctl: no daemon is running; reading its state in ${device.state}\n`);
  });

  test("finds the origin by itself in a copy without configuration", async () => {
    const copy = await tampered(async () => []);

    const { code, out } = await verify("--state", copy, "--json");

    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      ok: true,
      headChecked: true,
      checkpointsChecked: true,
      warnings: [],
    });
  });

  test("needs no secret: without keys it verifies what it can and says what it could not", async () => {
    const copy = await tampered(async () => []);
    await rm(join(copy, "keys"), { recursive: true });

    const { code, err } = await verify("--state", copy);

    expect(code).toBe(0);
    expect(err).toContain("the seal of the head was not checked");
    expect(err).toContain("signatures of checkpoints were not checked");
  });

  test("with the public key alone checkpoints are proven", async () => {
    const copy = await tampered(async () => []);
    await rm(join(copy, "keys"), { recursive: true });

    const { code, out } = await verify(
      "--state",
      copy,
      "--device-key",
      join(device.state, "keys/device.pub"),
      "--json",
    );

    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      checkpointsChecked: true,
      headChecked: false,
      lastGoodCheckpoint: 7,
    });
  });

  test.each([
    [
      "a changed byte",
      async (store: LevelStore) => {
        const row = (await store.get("lg", "000000000003"))?.slice() ?? new Uint8Array();
        const at = Buffer.from(row).indexOf("p2");
        row[at + 1] = "9".charCodeAt(0);
        return [put("lg", "000000000003", row)];
      },
      "bad\tat index 3\thash_mismatch\n",
    ],
    ["a deleted entry", async () => [del("lg", "000000000004")], "bad\tat index 4\tmissing_entry\n"],
    [
      "a row that is no entry",
      async () => [put("lg", "000000000002", Uint8Array.of(1, 2, 3))],
      "bad\tat index 2\tbad_entry\n",
    ],
    [
      "a cut tail",
      async () => [del("lg", "000000000007"), del("lg", "000000000006")],
      "bad\tat index 6\ttruncated\n",
    ],
    [
      "a hash of the tree that is gone",
      async (store: LevelStore) => [
        put("lg", "000000000001", withoutNodes(await store.get("lg", "000000000001"))),
      ],
      "bad\tat index 1\tnode_mismatch\n",
    ],
  ])("%s is named with its index and reason on one line, exit 2", async (_, change, line) => {
    const copy = await tampered(change);

    const { code, out } = await verify("--state", copy);

    expect(code).toBe(2);
    expect(out).toBe(line);
  });

  test("without any key a rewritten entry still breaks the chain", async () => {
    const copy = await tampered(async (store) => [
      put("lg", "000000000003", (await store.get("lg", "000000000002")) ?? new Uint8Array()),
    ]);
    await rm(join(copy, "keys"), { recursive: true });

    const { code, out } = await verify("--state", copy);

    expect(code).toBe(2);
    expect(out).toBe("bad\tat index 3\tchain_break\n");
  });

  test.each([
    ["a directory without a database", "nothing"],
    ["a database that another process holds", "held"],
  ])("%s is unreadable, not damaged: exit 3", async (_, kind) => {
    const copy = await tampered(async () => []);
    if (kind === "nothing") await rm(join(copy, "db"), { recursive: true });
    const held = kind === "held" ? await LevelStore.open(join(copy, "db"), { create: false }) : null;

    const { code, err } = await verify("--state", copy);

    await held?.[Symbol.asyncDispose]();
    expect(code).toBe(3);
    expect(err).toMatch(/store_(missing|busy): .*\nremedy: /);
  });

  test("reading leaves every row as it was", async () => {
    const copy = await tampered(async () => [put("cas", "0".repeat(64), Uint8Array.of(1))]);

    await imuctl(["ledger", "tail", "--state", copy]);
    await imuctl(["evidence", "show", "0".repeat(64), "--state", copy]);

    await using store = await LevelStore.open(join(copy, "db"), { create: false });
    expect(await store.get("cas", "0".repeat(64))).toEqual(Uint8Array.of(1));
  });

  test("tail prints one tab-separated line for each entry, oldest first", async () => {
    const { out } = await imuctl(["ledger", "tail", "-n", "3", "--config", device.config]);

    const rows = out.trimEnd().split("\n");
    expect(rows.map((row) => row.split("\t")[0])).toEqual(["5", "6", "7"]);
    expect(rows[2]?.split("\t")[3]).toBe("shutdown");
  });

  test("show gives an entry with a proof that its checkpoint covers, and none for a later one", async () => {
    const covered = await imuctl(["ledger", "show", "2", "--config", device.config, "--json"]);
    const later = await imuctl(["ledger", "show", "7", "--config", device.config, "--json"]);

    expect(JSON.parse(covered.out).proof).toMatch(/^c2sp\.org\/tlog-proof@v1\nindex 2\n/);
    expect(JSON.parse(later.out).proof).toBeNull();
  });

  test("an entry that does not exist is refused with the size", async () => {
    const { code, err } = await imuctl(["ledger", "show", "8", "--config", device.config]);

    expect(code).toBe(1);
    expect(err).toContain("not_found: The ledger has no entry 8; its size is 8.");
  });
});
