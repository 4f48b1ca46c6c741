import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { NodeFiles } from "../../../firmware/adapters/node-files.ts";
import type { CutPoint } from "../../../sim/power/steps.ts";
import { UNCUT } from "../../../sim/power/steps.ts";
import { SeededEntropy } from "../../../sim/time/entropy.ts";
import { filesContract } from "../../contract/files.contract.ts";
import { bytes, CutSteps, NO_WAIT, newDisk, share, text } from "./fixture.ts";

const folders: string[] = [];
afterEach(async () => {
  for (const path of folders.splice(0)) await rm(path, { recursive: true, force: true });
});

filesContract("NodeFiles", async () => {
  const folder = await mkdtemp(join(tmpdir(), "imu-files-"));
  folders.push(folder);
  return { files: new NodeFiles(), folder };
});

filesContract("SimFiles", async () => {
  const files = newDisk().openFiles(UNCUT, NO_WAIT);
  await files.makeDirectory("/tmp/own", 0o700);
  return { files, folder: "/tmp/own" };
});

const POINTS: readonly CutPoint[] = ["before", "during", "after"];
const STEPS = ["file.write", "file.fsync", "file.rename", "file.fsyncdir"];

describe("an atomic write", () => {
  test("passes through write, fsync, rename and the fsync of the folder", async () => {
    const steps = new CutSteps(null);

    await newDisk().openFiles(steps, NO_WAIT).writeAtomic("/key", bytes("1"), 0o600);

    expect(steps.labels).toEqual(STEPS);
  });

  const cuts = STEPS.flatMap((label, index) => POINTS.map((point) => ({ label, step: index + 1, point })));
  test.each(cuts)("leaves old or new when power is lost $point $label", async ({ step, point }) => {
    const seen = new Set<string | null>();
    for (let seed = 0; seed < 40; seed++) {
      const entropy = new SeededEntropy(String(seed), "disk");
      const disk = newDisk({ entropy });
      disk.install("/keys/device.key", bytes("old"), { mode: 0o600, ownedByMe: true });
      const steps = new CutSteps({ step, point }, () => disk.powerCut(entropy));
      void disk.openFiles(steps, NO_WAIT).writeAtomic("/keys/device.key", bytes("new!"), 0o640);
      await new Promise((resolve) => setImmediate(resolve));

      const after = disk.openFiles(UNCUT, NO_WAIT);
      const content = text(await after.read("/keys/device.key", 100));
      const mode = (await after.info("/keys/device.key"))?.mode;
      seen.add(content);
      expect([`old 600`, `new! 640`]).toContain(`${content} ${mode?.toString(8)}`);
    }
    const renamed = step > 3 || (step === 3 && point !== "before");
    const durable = step === 4 && point === "after";
    expect([...seen].sort()).toEqual(durable ? ["new!"] : renamed ? ["new!", "old"] : ["old"]);
  });
});

describe("what was not synced", () => {
  /** Cut after the write, so the file beside lies there unsynced. */
  async function unsynced(u: number): Promise<string | null> {
    const disk = newDisk();
    const steps = new CutSteps({ step: 1, point: "after" }, () => disk.powerCut(share(u)));
    void disk.openFiles(steps, NO_WAIT).writeAtomic("/a", bytes("abcdefgh"), 0o600);
    await new Promise((resolve) => setImmediate(resolve));
    return text(disk.peekFile("/a.new"));
  }

  test("may be gone, be whole, or end in zeros", async () => {
    expect(await unsynced(0)).toBeNull();
    expect(await unsynced(0.999)).toBe("abcdefgh");
    // The folder's entry survived, then floor(0.5*9) = 4 bytes of length, of which floor(0.5*5) = 2 are the file's.
    expect(await unsynced(0.5)).toBe("ab\0\0");
  });

  test("is a prefix of the changes of folders: nothing survives without what came before it", async () => {
    const names = Array.from({ length: 12 }, (_, index) => `d${String(index).padStart(2, "0")}`);
    const changes = fc.integer({ min: 0, max: names.length });
    await fc.assert(
      fc.asyncProperty(changes, fc.double({ min: 0, max: 0.999, noNaN: true }), async (count, u) => {
        const disk = newDisk();
        const files = disk.openFiles(UNCUT, NO_WAIT);
        for (const name of names.slice(0, count)) await files.makeDirectory(`/${name}`, 0o700);

        disk.powerCut(share(u));

        const kept = Math.floor(u * (count + 1));
        expect(await disk.openFiles(UNCUT, NO_WAIT).list("/")).toEqual(names.slice(0, kept));
      }),
    );
  });

  test("survives a kill of the process", async () => {
    const disk = newDisk();
    const steps = new CutSteps({ step: 3, point: "after" }, () => disk.kill());
    void disk.openFiles(steps, NO_WAIT).writeAtomic("/a", bytes("abc"), 0o600);
    await new Promise((resolve) => setImmediate(resolve));

    expect(text(disk.peekFile("/a"))).toBe("abc");
  });

  test("comes back when its removal was not synced", async () => {
    const disk = newDisk();
    disk.install("/slots/a/x", bytes("1"), { mode: 0o644, ownedByMe: true });
    await disk.openFiles(UNCUT, NO_WAIT).remove("/slots");
    expect(disk.peekFile("/slots/a/x")).toBeNull();

    disk.powerCut(share(0));

    expect(text(disk.peekFile("/slots/a/x"))).toBe("1");
  });
});

describe("faults of files", () => {
  test("a full disk keeps what fitted beside and the old file in place; space freed is used again", async () => {
    const disk = newDisk();
    const files = disk.openFiles(UNCUT, NO_WAIT);
    await files.writeAtomic("/a", bytes("old"), 0o600);
    disk.limitFreeBytes(2);

    await expect(files.writeAtomic("/a", bytes("newer"), 0o600)).rejects.toMatchObject({ code: "ENOSPC" });

    expect(text(await files.read("/a", 10))).toBe("old");
    expect(text(await files.read("/a.new", 10))).toBe("ne");
    expect(disk.freeBytes).toBe(0);
    await files.remove("/a");
    await files.writeAtomic("/a", bytes("newer"), 0o600);
    expect(text(await files.read("/a", 10))).toBe("newer");
  });

  test("a read-only disk is read and not written", async () => {
    const disk = newDisk();
    const files = disk.openFiles(UNCUT, NO_WAIT);
    await files.makeDirectory("/d", 0o700);
    await files.writeAtomic("/d/a", bytes("1"), 0o600);
    disk.setReadOnly(true);

    await expect(files.writeAtomic("/d/a", bytes("2"), 0o600)).rejects.toMatchObject({ code: "EROFS" });
    await expect(files.remove("/d/a")).rejects.toMatchObject({ code: "EROFS" });
    await expect(files.makeDirectory("/e", 0o700)).rejects.toMatchObject({ code: "EROFS" });
    await files.makeDirectory("/d", 0o700);
    await files.remove("/absent");
    expect(text(await files.read("/d/a", 10))).toBe("1");

    disk.setReadOnly(false);
    await files.writeAtomic("/d/a", bytes("2"), 0o600);
    expect(text(await files.read("/d/a", 10))).toBe("2");
  });

  test("rot flips one bit silently or fails the read, until the file is written anew", async () => {
    const disk = newDisk();
    const files = disk.openFiles(UNCUT, NO_WAIT);
    await files.writeAtomic("/a", new Uint8Array(8), 0o600);

    disk.rotFile("/a", { silent: true });
    const read = await files.read("/a", 8);
    expect([...read].filter((byte) => byte !== 0).map((byte) => Math.log2(byte) % 1)).toEqual([0]);
    expect(await files.read("/a", 8)).toEqual(read);
    expect(disk.peekFile("/a")).toEqual(new Uint8Array(8));

    disk.rotFile("/a", { silent: false });
    await expect(files.read("/a", 8)).rejects.toMatchObject({ code: "EIO" });
    await files.writeAtomic("/a", new Uint8Array(8), 0o600);
    expect(await files.read("/a", 8)).toEqual(new Uint8Array(8));
    expect(() => disk.rotFile("/absent", { silent: true })).toThrow(
      expect.objectContaining({ code: "not_found" }),
    );
  });

  test("an installed file keeps its mode and owner over losses of power", async () => {
    const disk = newDisk();
    disk.install("/etc/imud.yaml", bytes("board: sim"), { mode: 0o666, ownedByMe: false });

    disk.powerCut(share(0));

    const files = disk.openFiles(UNCUT, NO_WAIT);
    expect(await files.info("/etc/imud.yaml")).toEqual({
      kind: "file",
      size: 10,
      mode: 0o666,
      ownedByMe: false,
    });
    expect(text(await files.read("/etc/imud.yaml", 10))).toBe("board: sim");
  });
});
