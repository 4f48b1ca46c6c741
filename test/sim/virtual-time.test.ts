import { describe, expect, it } from "vitest";
import { SeededEntropy } from "../../sim/time/entropy.ts";
import { EventQueue } from "../../sim/time/event-queue.ts";
import { VirtualClock } from "../../sim/time/virtual-clock.ts";
import { aVirtualClock } from "./virtual-board.ts";

describe("virtual time", () => {
  it("jumps to the next event and takes no real time for hours", async () => {
    const { time, clock } = aVirtualClock();

    await time.settle(clock.sleep(3_600_000), 4_000_000);

    expect([clock.monoMs(), clock.wallMs()]).toEqual([3_600_000, 1_700_003_600_000]);
  });

  it("takes faults before the world, the world before everything else", () => {
    const queue = new EventQueue<string>({ mode: "fifo" });
    queue.add(5, 2, "timer");
    queue.add(5, 1, "world");
    queue.add(5, 0, "fault");
    queue.add(4, 2, "earlier");

    expect([queue.take(), queue.take(), queue.take(), queue.take()].map((event) => event?.item)).toEqual([
      "earlier",
      "fault",
      "world",
      "timer",
    ]);
  });

  it("gives the same order for the same seed and all events exactly once", () => {
    const drain = (seed: string) => {
      const queue = new EventQueue<number>({ mode: "random", entropy: new SeededEntropy(seed, "sched") });
      for (let i = 0; i < 50; i++) queue.add(0, 2, i);
      return Array.from({ length: 50 }, () => queue.take()?.item ?? -1);
    };

    expect(drain("1")).toEqual(drain("1"));
    expect(drain("1")).not.toEqual(drain("2"));
    expect([...drain("1")].sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
  });

  it("lets a fast clock run ahead and wakes its sleepers by its own time", async () => {
    const { time } = aVirtualClock();
    const clock = new VirtualClock({ time, wall0Ms: 0, ppm: 100_000, bootId: "00000000000000b2" });

    await time.settle(clock.sleep(1100));

    expect(time.nowUs).toBe(1_000_000);
    expect(clock.monoMs()).toBe(1100);
  });

  it("never calls a cancelled timer, and rejects an aborted sleep with its reason", async () => {
    const { time, clock } = aVirtualClock();
    const abort = new AbortController();
    let called = false;
    clock
      .after(5, () => {
        called = true;
      })
      .cancel();
    const sleep = clock.sleep(1000, abort.signal);
    clock.after(10, () => abort.abort(new Error("enough")));

    await expect(time.settle(sleep)).rejects.toThrow("enough");

    expect([called, clock.monoMs()]).toEqual([false, 10]);
  });

  it("refuses to wait for work that no event can finish", async () => {
    const { time } = aVirtualClock();

    await expect(time.settle(new Promise<never>(() => undefined))).rejects.toMatchObject({
      code: "sim_budget_exceeded",
    });
  });
});
