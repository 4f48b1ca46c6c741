import { describe, expect, test } from "vitest";
import { put } from "../../../firmware/ports/store.ts";
import { UNCUT } from "../../../sim/power/steps.ts";
import { bytes, dump, NO_WAIT, newDisk, row, share } from "./fixture.ts";

/** A clock whose sleepers wake when the test says so. */
class HeldClock {
  readonly slept: number[] = [];
  readonly #wake: (() => void)[] = [];

  sleep(ms: number): Promise<void> {
    this.slept.push(ms);
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  /** Wakes the longest sleeper and lets all that follows happen. */
  async wake(): Promise<void> {
    this.#wake.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const SLOW = { minUs: 2000, spreadUs: 0, tailP: 0, tailUs: 0 };

describe("bit rot", () => {
  test("fails each read of the row and no other, until it is written anew", async () => {
    const disk = newDisk();
    const store = await disk.openStore(UNCUT, NO_WAIT);
    await store.batch([row("k"), row("l")], { sync: true });

    disk.rotRow("a", "k", { silent: false });

    const corrupt = { code: "store_corrupt", status: 500 };
    await expect(store.get("a", "k")).rejects.toMatchObject(corrupt);
    await expect(store.getMany("a", ["l", "k"])).rejects.toMatchObject(corrupt);
    await expect(dump(store, ["a"])).rejects.toMatchObject(corrupt);
    expect(await store.get("a", "l")).toEqual(bytes("l"));
    expect(await disk.peek().get("a", "k")).toEqual(bytes("k"));

    await store.batch([row("k", "new")], { sync: false });
    expect(await store.get("a", "k")).toEqual(bytes("new"));
  });

  test("that is silent flips the same one bit on each read", async () => {
    const disk = newDisk();
    const store = await disk.openStore(UNCUT, NO_WAIT);
    await store.batch([put("a", "k", new Uint8Array(32)), put("a", "empty", new Uint8Array())], {
      sync: true,
    });

    disk.rotRow("a", "k", { silent: true });
    disk.rotRow("a", "empty", { silent: true });

    const read = (await store.get("a", "k")) ?? new Uint8Array();
    const ones = [...read].map((byte) => byte.toString(2).replaceAll("0", "").length);
    expect(ones.reduce((sum, each) => sum + each, 0)).toBe(1);
    expect(await store.get("a", "k")).toEqual(read);
    expect(await store.get("a", "empty")).toEqual(new Uint8Array());
    expect(() => disk.rotRow("a", "x", { silent: true })).toThrow(
      expect.objectContaining({ code: "not_found" }),
    );
  });

  test("comes back with the old bytes when the write that replaced them is lost", async () => {
    const disk = newDisk();
    const store = await disk.openStore(UNCUT, NO_WAIT);
    await store.batch([row("k")], { sync: true });
    disk.rotRow("a", "k", { silent: false });
    await store.batch([row("k", "new")], { sync: false });

    disk.powerCut(share(0));

    const next = await disk.openStore(UNCUT, NO_WAIT);
    await expect(next.get("a", "k")).rejects.toMatchObject({ code: "store_corrupt" });
  });

  test("of the layout row refuses the start, and lets go of the database", async () => {
    const disk = newDisk();
    await using first = await disk.openStore(UNCUT, NO_WAIT);
    await first[Symbol.asyncDispose]();
    disk.rotRow("meta", "layout", { silent: false });

    const opened = () => disk.openStore(UNCUT, NO_WAIT);

    await expect(opened()).rejects.toMatchObject({ code: "store_corrupt" });
    await expect(opened()).rejects.toMatchObject({ code: "store_corrupt" });
  });
});

describe("the layout row", () => {
  test.each([
    ["99", "store_layout_unknown"],
    ["1", "store_layout_unknown"],
    ["one", "store_corrupt"],
  ])("%s refuses the start with %s", async (layout, code) => {
    const disk = newDisk();
    {
      await using store = await disk.openStore(UNCUT, NO_WAIT);
      await store.batch([put("meta", "layout", bytes(layout))], { sync: true });
    }

    await expect(disk.openStore(UNCUT, NO_WAIT)).rejects.toMatchObject({ code });
  });

  test("is written and synced by the first boot only", async () => {
    const disk = newDisk();
    await using store = await disk.openStore(UNCUT, NO_WAIT);
    disk.powerCut(share(0));
    await using next = await disk.openStore(UNCUT, NO_WAIT);

    expect(await next.get("meta", "layout")).toEqual(bytes("2"));
    expect(disk.batches).toEqual({ written: 1, synced: 1 });
    expect(next.bytesWritten).toBe(0);
    expect(store.bytesWritten).toBe("layout2".length);
  });
});

describe("a full disk", () => {
  test("refuses what does not fit, whole, and takes it once rows were deleted", async () => {
    const disk = newDisk();
    const store = await disk.openStore(UNCUT, NO_WAIT);
    await store.batch([row("old", "123456789")], { sync: true });
    disk.limitFreeBytes(6);

    const full = { code: "storage_full", status: 503 };
    await expect(store.batch([row("k", "1"), row("l", "12345")], { sync: true })).rejects.toMatchObject(full);
    expect(await dump(store, ["a"])).toEqual(["a/old=313233343536373839"]);
    await store.batch([row("k", "12345")], { sync: true });
    expect(disk.freeBytes).toBe(0);
    // The log needs room even to say that something is gone.
    await expect(store.batch([{ type: "del", sub: "a", key: "k" }], { sync: true })).rejects.toMatchObject(
      full,
    );

    disk.limitFreeBytes(3);
    await store.batch([{ type: "del", sub: "a", key: "old" }], { sync: true });
    expect(disk.freeBytes).toBe(15);
    disk.limitFreeBytes(undefined);
    expect(disk.freeBytes).toBe(16_000_000_000 - disk.rowBytes);
  });
});

describe("a read-only disk", () => {
  test("is read, not written, not even opened", async () => {
    const disk = newDisk();
    const store = await disk.openStore(UNCUT, NO_WAIT);
    await store.batch([row("k")], { sync: true });
    disk.setReadOnly(true);

    const refused = { code: "store_read_only", status: 503 };
    await expect(store.batch([row("l")], { sync: false })).rejects.toMatchObject(refused);
    expect(await dump(store, ["a"])).toEqual(["a/k=6b"]);
    await store[Symbol.asyncDispose]();
    await expect(disk.openStore(UNCUT, NO_WAIT)).rejects.toMatchObject(refused);

    disk.setReadOnly(false);
    await using again = await disk.openStore(UNCUT, NO_WAIT);
    await again.batch([row("l")], { sync: true });
    expect(await dump(again, ["a"])).toEqual(["a/k=6b", "a/l=6c"]);
  });
});

describe("a slow fsync", () => {
  test("takes min + int(spread+1) µs, and with its probability int(tail+1) more", async () => {
    const asleep = async (u: number): Promise<readonly number[]> => {
      const clock = new HeldClock();
      const disk = newDisk({ entropy: share(u) });
      disk.setSlowSync({ minUs: 1000, spreadUs: 500, tailP: 0.25, tailUs: 3_000_000 });
      void disk.openStore(UNCUT, clock);
      await new Promise((resolve) => setImmediate(resolve));
      return clock.slept;
    };

    expect(await asleep(0)).toEqual([1]);
    // 1000 + floor(0.5*501) = 1250 µs; 0.5 is not below 0.25.
    expect(await asleep(0.5)).toEqual([1.25]);
    // 1000 + floor(0.24*501) + floor(0.24*3000001) = 721120 µs.
    expect(await asleep(0.24)).toEqual([721.12]);
  });

  test("holds back the batch, its readers and the writers behind it, and keeps their order", async () => {
    const clock = new HeldClock();
    const disk = newDisk();
    const store = await disk.openStore(UNCUT, clock);
    disk.setSlowSync(SLOW);
    const done: string[] = [];
    const write = (name: string, sync: boolean) =>
      store.batch([row("k", name)], { sync }).then(() => done.push(name));
    const all = [write("1", true), write("2", false), write("3", true)];
    await new Promise((resolve) => setImmediate(resolve));

    expect(await store.get("a", "k")).toBeUndefined();
    expect(done).toEqual([]);
    await clock.wake();
    expect(done).toEqual(["1", "2"]);
    expect(await store.get("a", "k")).toEqual(bytes("2"));
    expect(disk.batches).toEqual({ written: 3, synced: 2 });
    await clock.wake();
    await Promise.all(all);

    expect(await store.get("a", "k")).toEqual(bytes("3"));
    expect(clock.slept).toEqual([2, 2]);
    disk.setSlowSync(null);
    await write("4", true);
    expect(disk.batches).toEqual({ written: 5, synced: 5 });
  });

  test.each([
    [0, ["a/k=31"]],
    [0.999, ["a/k=32"]],
  ])("that power interrupts leaves the batch or not: u %d", async (u, left) => {
    const clock = new HeldClock();
    const disk = newDisk();
    const store = await disk.openStore(UNCUT, clock);
    await store.batch([row("k", "1")], { sync: true });
    disk.setSlowSync(SLOW);
    let answered = false;
    void store.batch([row("k", "2")], { sync: true }).finally(() => {
      answered = true;
    });
    void store.batch([row("k", "3")], { sync: true });
    await new Promise((resolve) => setImmediate(resolve));

    disk.powerCut(share(u));
    await clock.wake();
    await clock.wake();

    expect(answered).toBe(false);
    expect(await dump(disk.peek(), ["a"])).toEqual(left);
  });

  test("that a kill interrupts is still on its way: the batch is there and not durable", async () => {
    const clock = new HeldClock();
    const disk = newDisk();
    const store = await disk.openStore(UNCUT, clock);
    disk.setSlowSync(SLOW);
    void store.batch([row("k")], { sync: true });
    await new Promise((resolve) => setImmediate(resolve));

    disk.kill();
    await clock.wake();

    expect(await dump(disk.peek(), ["a"])).toEqual(["a/k=6b"]);
    expect(await dump(disk.peek("durable"), ["a"])).toEqual([]);
  });

  test("is waited for when the store is closed", async () => {
    const clock = new HeldClock();
    const disk = newDisk();
    const store = await disk.openStore(UNCUT, clock);
    disk.setSlowSync(SLOW);
    void store.batch([row("k")], { sync: true });
    let closed = false;
    const closing = store[Symbol.asyncDispose]().then(() => {
      closed = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(closed).toBe(false);

    await clock.wake();
    await closing;

    expect(await dump(disk.peek("durable"), ["a"])).toEqual(["a/k=6b"]);
  });

  test("slows both fsyncs of an atomic file write", async () => {
    const clock = new HeldClock();
    const disk = newDisk();
    disk.setSlowSync(SLOW);
    const written = disk.openFiles(UNCUT, clock).writeAtomic("/a", bytes("1"), 0o600);
    await clock.wake();
    expect(disk.peekFile("/a")).toBeNull();
    await clock.wake();
    expect(disk.peekFile("/a")).toEqual(bytes("1"));
    await clock.wake();
    await written;

    expect(clock.slept).toEqual([2, 2]);
  });
});

describe("the wear of the card", () => {
  const DAY_US = 86_400_000_000;

  test("counts what was handed over by day, and estimates apart from it what the card writes", async () => {
    let nowUs = 0;
    const disk = newDisk({ nowUs: () => nowUs });
    const store = await disk.openStore(UNCUT, NO_WAIT);
    await store.batch([row("k", "x".repeat(999))], { sync: true });
    nowUs = 2 * DAY_US;
    await store.batch([row("l", "x".repeat(4999))], { sync: true });

    expect(store.bytesWritten).toBe(7 + 1000 + 5000);
    expect([...disk.wear.bytesByDay]).toEqual([
      [0, 1007],
      [2, 5000],
    ]);
    const { estimate, ...counted } = disk.wear.report({ capacityBytes: 1_000_000, eraseCycles: 1000 });
    expect(counted).toEqual({ bytesWritten: 6007, syncs: 3, days: 3, bytesPerDay: 6007 / 3 });
    // Pages 1 + 1 + 2 and three journal commits of 3 pages each, and every byte again three times.
    const cardBytes = (1 + 1 + 2 + 9) * 4096 + 3 * 6007;
    expect(estimate.cardBytes).toBe(cardBytes);
    expect(estimate.amplification).toBeCloseTo(cardBytes / 6007, 9);
    expect(estimate.usedOfBudget).toBeCloseTo(cardBytes / 1e9, 12);
    expect(estimate.years).toBeCloseTo(1e9 / (cardBytes / 3) / 365, 9);
  });

  test("of a refused batch is none; files count too", async () => {
    const disk = newDisk();
    const store = await disk.openStore(UNCUT, NO_WAIT);
    disk.limitFreeBytes(0);
    await expect(store.batch([row("k")], { sync: true })).rejects.toMatchObject({ code: "storage_full" });
    disk.limitFreeBytes(undefined);
    await disk.openFiles(UNCUT, NO_WAIT).writeAtomic("/a", bytes("123"), 0o600);

    expect(disk.wear.bytesWritten).toBe(7 + 3);
  });

  test("of a new disk is nothing", () => {
    expect(newDisk().wear.report({ capacityBytes: 1, eraseCycles: 1 }).estimate).toEqual({
      cardBytes: 0,
      amplification: 0,
      usedOfBudget: 0,
      years: null,
    });
  });
});
