import { describe, expect, it } from "vitest";
import { releaseHash } from "../../ota/index.ts";
import { CuttableStore, countdown, Device, factoryBytes, release } from "./device.ts";

const factory = releaseHash(factoryBytes);
const candidate = release(2, [countdown(400)]);

/** Stages on a device that loses power at its n-th batch after boot; null if it never came to that. */
async function cutAt(n: number, late: boolean): Promise<Device | null> {
  const before = await Device.ready();
  const store = new CuttableStore(before.disk, n, late);
  const device = before.next({ store, kernelBootId: "kernel-2" });
  const boots = device.boot().then(
    () => device.service.stage(candidate.statementBytes, candidate.bundle),
    () => null,
  );
  await boots.catch(() => null);
  await device.settle();
  return store.isDead ? device : null;
}

async function restartsSafely(device: Device): Promise<string> {
  const next = device.next({ kernelBootId: "kernel-3" });
  const loaded = await next.boot();
  expect([factory, candidate.releaseHash]).toContain(loaded);
  await next.settle();
  const { run, pointer, running } = await next.service.status();
  expect(run).toBeNull();
  expect(running).toBe(pointer.active);
  expect(next.running?.hash).toBe(pointer.active);
  const last = (await next.service.history())[0];
  const expected = last?.state === "committed" ? candidate.releaseHash : factory;
  expect(pointer.active).toBe(expected);
  return last?.state ?? "none";
}

describe("power that fails at any batch of an update", () => {
  it.each([
    ["before the batch is written", false],
    ["after it is written", true],
  ])("leaves the old or the new release, whole, and the update ends by itself: %s", async (_name, late) => {
    const ends = new Set<string>();
    let cuts = 0;
    for (let n = 1; n < 100; n++) {
      const device = await cutAt(n, late);
      if (device === null) break;
      cuts++;
      ends.add(await restartsSafely(device));
    }
    expect(cuts).toBeGreaterThan(12);
    expect(cuts).toBeLessThan(99);
    expect([...ends].every((end) => ["none", "committed"].includes(end))).toBe(true);
    expect(ends).toContain("committed");
  });
});

describe("a trial", () => {
  const inTrial = async (): Promise<Device> => {
    const device = await Device.ready();
    await device.service.stage(candidate.statementBytes, candidate.bundle);
    await device.reach("canary");
    return device;
  };

  it("is undone after a third restart, before any program of the candidate runs again", async () => {
    let device = await inTrial();
    for (const boot of ["kernel-2", "kernel-3"]) {
      device = device.next({ kernelBootId: boot });
      expect(await device.boot()).toBe(candidate.releaseHash);
      await device.reach("canary");
    }
    device = device.next({ kernelBootId: "kernel-4" });
    expect(await device.boot()).toBe(factory);
    await device.settle();
    expect(await device.lastRun()).toMatchObject({ state: "rolled_back", reason: "trial_restart_limit" });
  });

  it("is undone at once when the daemon crashes", async () => {
    const device = (await inTrial()).next();
    expect(await device.boot()).toBe(factory);
    await device.settle();
    expect(await device.lastRun()).toMatchObject({
      state: "rolled_back",
      reason: "trial_crash",
      to: factory,
    });
  });

  it("goes on after an orderly restart", async () => {
    const before = await inTrial();
    await before.service[Symbol.asyncDispose]();
    const device = before.next();
    expect(await device.boot()).toBe(candidate.releaseHash);
    await device.settle();
    expect(await device.lastRun()).toMatchObject({ state: "committed", trialRestarts: 1 });
  });

  it("whose stored bytes are damaged ends in the release before it, with an entry that says so", async () => {
    const before = await inTrial();
    const key = `release/${candidate.releaseHash}`;
    const put = { type: "put", sub: "policy", key, value: new Uint8Array([1]) } as const;
    await before.disk.batch([put], { sync: true });
    const device = before.next({ kernelBootId: "kernel-2" });
    expect(await device.boot()).toBe(factory);
    await device.settle();
    expect(await device.lastRun()).toMatchObject({ state: "rolled_back", reason: "policy_corrupt" });
    expect(device.kinds()).toContain("policy_corrupt");
  });
});
