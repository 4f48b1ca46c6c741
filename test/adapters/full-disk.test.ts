import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LevelStore } from "../../firmware/adapters/level-store.ts";
import { put } from "../../firmware/ports/store.ts";

/** A disk of its own needs the right to mount one; without it there is nothing to test. */
const mounted = (dir: string): boolean => {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=24m", "tmpfs", dir], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
};

const canMount = await (async () => {
  const dir = await mkdtemp(join(tmpdir(), "imu-disk-"));
  const can = mounted(dir);
  if (can) execFileSync("umount", [dir]);
  await rm(dir, { recursive: true });
  return can;
})();

let disk: string;
beforeEach(async () => {
  disk = await mkdtemp(join(tmpdir(), "imu-disk-"));
  if (canMount) mounted(disk);
});
afterEach(async () => {
  if (canMount) execFileSync("umount", ["-l", disk]);
  await rm(disk, { recursive: true, force: true });
});

const ballast = (): string => join(disk, "ballast");
async function fill(): Promise<void> {
  const { bavail, bsize } = await statfs(disk);
  const write = writeFile(ballast(), new Uint8Array(bavail * bsize + 4096)).catch(
    (error: { code?: string }) => error.code,
  );
  expect(await write).toBe("ENOSPC");
}
const row = (key: string, bytes = 4000) => [put("x", key, new Uint8Array(bytes).fill(7))];
const sync = { sync: true };

describe.skipIf(!canMount)("a database on a disk that is full", () => {
  test("refuses writes, still answers, and loses nothing that it confirmed before or after", async () => {
    const path = join(disk, "db");
    const confirmed: string[] = [];
    {
      await using store = await LevelStore.open(path, { create: true });
      const write = async (key: string): Promise<void> => {
        await store.batch(row(key), sync);
        confirmed.push(key);
      };
      for (let i = 0; i < 20; i++) await write(`before-${i}`);
      await fill();
      for (let i = 0; i < 5; i++)
        await expect(store.batch(row(`full-${i}`), sync)).rejects.toMatchObject({
          code: "storage_full",
          status: 503,
        });
      expect(await store.get("x", "before-3")).toHaveLength(4000);
      await rm(ballast());
      for (let i = 0; i < 20; i++) await write(`after-${i}`);
      for (const key of confirmed) expect(await store.get("x", key)).toHaveLength(4000);
    }
    await using again = await LevelStore.open(path, { create: false });
    const lost: string[] = [];
    for (const key of confirmed) if ((await again.get("x", key)) === undefined) lost.push(key);
    expect(lost).toEqual([]);
  });

  test("does not close the database while there is no room to open it again", async () => {
    await using store = await LevelStore.open(join(disk, "db"), { create: true });
    await store.batch(row("a"), sync);
    await fill();
    await Promise.all(
      ["b", "c", "d"].map((key) =>
        expect(store.batch(row(key), sync)).rejects.toMatchObject({ code: "storage_full" }),
      ),
    );
    const seen: string[] = [];
    for await (const [key] of store.range("x")) seen.push(key);
    expect(seen).toEqual(["a"]);
    await rm(ballast());
    await Promise.all(["e", "f"].map((key) => store.batch(row(key), sync)));
    expect(await store.getMany("x", ["a", "e", "f"])).toHaveLength(3);
  });

  test("gives the room of deleted rows back when it is compacted", async () => {
    await using store = await LevelStore.open(join(disk, "db"), { create: true });
    for (let i = 0; i < 100; i++) {
      const random = crypto.getRandomValues(new Uint8Array(60_000));
      await store.batch([put("x", String(i), random)], sync);
    }
    await store.batch(
      Array.from({ length: 100 }, (_, i) => ({ type: "del" as const, sub: "x", key: String(i) })),
      sync,
    );
    await store.compact();
    const { bavail, bsize } = await statfs(disk);
    expect(bavail * bsize).toBeGreaterThan(15 * 1024 * 1024);
  });
});

describe.skipIf(!canMount)("a database on a disk that is mounted read-only", () => {
  test("is refused with a code that says so", async () => {
    const path = join(disk, "db");
    await (await LevelStore.open(path, { create: true }))[Symbol.asyncDispose]();
    await mkdir(join(disk, "other"));
    execFileSync("mount", ["-o", "remount,ro", disk]);
    await expect(LevelStore.open(path, { create: true })).rejects.toMatchObject({
      code: "store_read_only",
      status: 503,
    });
  });
});
