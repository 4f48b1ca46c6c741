import { mkdir, mkdtemp, readdir, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Level } from "level";
import { afterEach, describe, expect, test, vi } from "vitest";
import { LevelStore } from "../../firmware/adapters/level-store.ts";
import { del, put } from "../../firmware/ports/store.ts";
import { MemoryStore } from "../../sim/disk/memory-store.ts";
import { SimDisk } from "../../sim/disk/sim-disk.ts";
import { UNCUT } from "../../sim/power/steps.ts";
import { SeededEntropy } from "../../sim/time/entropy.ts";
import { storeContract } from "../contract/store.contract.ts";

const folders: string[] = [];
async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "imu-store-"));
  folders.push(path);
  return path;
}
afterEach(async () => {
  for (const path of folders.splice(0)) await rm(path, { recursive: true, force: true });
});

storeContract("memory", async () => new MemoryStore());
storeContract("simulated", () => {
  const disk = new SimDisk({ entropy: new SeededEntropy("1", "disk"), nowUs: () => 0 });
  return disk.openStore(UNCUT, { sleep: () => Promise.reject(new Error("nothing here waits")) });
});
storeContract("LevelDB", async () => LevelStore.open(join(await folder(), "db"), { create: true }));

describe("LevelDB files", () => {
  test("keep what was synced over a close and an open", async () => {
    const path = join(await folder(), "db");
    {
      await using store = await LevelStore.open(path, { create: true });
      await store.batch([put("a", "k", new Uint8Array([7]))], { sync: true });
    }

    await using again = await LevelStore.open(path, { create: false });

    expect(await again.get("a", "k")).toEqual(new Uint8Array([7]));
  });

  test.each([true, false])("are written with the wish to sync handed to LevelDB: %s", async (sync) => {
    await using store = await LevelStore.open(join(await folder(), "db"), { create: true });
    // A killed process loses nothing either way, so only the request itself shows whether power may fail.
    const { batch } = Level.prototype;
    const written: [number, unknown][] = [];
    const spy = vi.spyOn(Level.prototype, "batch").mockImplementation(function (this: Level) {
      const chained = batch.call(this);
      const { write } = chained;
      chained.write = ((options: { readonly sync: boolean }) => {
        written.push([chained.length, options]);
        return write.call(chained, options);
      }) as typeof write;
      return chained;
    } as never);
    try {
      await store.batch([put("a", "k", new Uint8Array([7])), del("a", "j")], { sync });

      expect(written).toEqual([[2, { sync }]]);
    } finally {
      spy.mockRestore();
    }
    expect(await store.get("a", "k")).toEqual(new Uint8Array([7]));
  });

  test("take nothing of a batch of which one row cannot be", async () => {
    await using store = await LevelStore.open(join(await folder(), "db"), { create: true });

    const broken = store.batch([put("a", "k", new Uint8Array([7])), put("a", "j", null as never)], {
      sync: true,
    });

    await expect(broken).rejects.toThrow();
    expect(await store.get("a", "k")).toBeUndefined();
  });

  test("are not created by a reader", async () => {
    await expect(LevelStore.open(join(await folder(), "db"), { create: false })).rejects.toMatchObject({
      code: "store_missing",
    });
  });

  test("have one owner", async () => {
    const path = join(await folder(), "db");
    await using first = await LevelStore.open(path, { create: true });

    await expect(LevelStore.open(path, { create: true })).rejects.toMatchObject({ code: "store_busy" });
    expect(await first.get("a", "k")).toBeUndefined();
  });

  test("whose lock cannot be opened are unusable, not in use by somebody else", async () => {
    const path = join(await folder(), "db");
    await mkdir(join(path, "LOCK"), { recursive: true });

    await expect(LevelStore.open(path, { create: true })).rejects.toMatchObject({
      code: "store_unavailable",
    });
  });

  test("that are truncated give a typed error instead of an empty store", async () => {
    const path = join(await folder(), "db");
    {
      await using store = await LevelStore.open(path, { create: true });
      await store.batch([put("a", "k", new Uint8Array(5000))], { sync: true });
    }
    for (const name of await readdir(path))
      if (name.startsWith("MANIFEST")) await truncate(join(path, name), 0);

    await expect(LevelStore.open(path, { create: true })).rejects.toMatchObject({ code: "store_corrupt" });
  });

  test("with a damaged CURRENT give a typed error", async () => {
    const path = join(await folder(), "db");
    {
      await using store = await LevelStore.open(path, { create: true });
      await store.batch([put("a", "k", new Uint8Array(10))], { sync: true });
    }
    await writeFile(join(path, "CURRENT"), "garbage");

    await expect(LevelStore.open(path, { create: true })).rejects.toMatchObject({ code: "store_corrupt" });
  });

  test.each(["1", "99"])("of another layout are refused: %s", async (layout) => {
    const path = join(await folder(), "db");
    {
      await using store = await LevelStore.open(path, { create: true });
      await store.batch([put("meta", "layout", new TextEncoder().encode(layout))], { sync: true });
    }

    await expect(LevelStore.open(path, { create: true })).rejects.toMatchObject({
      code: "store_layout_unknown",
    });
  });
});
