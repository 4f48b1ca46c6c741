import { describe, expect, test } from "vitest";
import { Asks, type Due, Scheduler } from "../../firmware/capabilities/index.ts";
import { MemoryStore } from "../../sim/disk/memory-store.ts";
import { ManualClock } from "../support/manual-clock.ts";

const question = {
  program: "fan",
  kind: "resource" as const,
  about: "bus:i2c:1",
  subject: "program:fan",
  details: {},
};

describe("an ask", () => {
  test("is asked once, counted after that, and published again after an hour", async () => {
    const clock = new ManualClock();
    const asks = await Asks.open(new MemoryStore(), clock);

    const first = asks.raise(question);
    const second = asks.raise(question);
    await clock.advance(3_600_000);
    const third = asks.raise(question);

    expect(asks.list).toHaveLength(1);
    expect([first, second, third].map(({ publish }) => publish)).toEqual([true, false, true]);
    expect(third.ask.count).toBe(3);
  });

  test("resumes its waiting command once the resource is found, also after a restart", async () => {
    const clock = new ManualClock();
    const store = new MemoryStore();
    const before = await Asks.open(store, clock);
    const trigger = { triggerId: "t1", type: "command", payload: { a: 1 }, at: clock.wallMs() };
    const edge = { ...trigger, triggerId: "t2", type: "interval" };
    before.raise(question, trigger);
    await store.batch(before.raise(question, edge).ops, { sync: true });

    const asks = await Asks.open(store, clock);
    const [change] = await asks.probe({ probe: async () => null });

    expect(change?.ask.state).toBe("available");
    expect(change?.resume).toEqual([{ key: `resume:${change?.ask.askId}:t1`, trigger }]);
    expect(asks.list[0]?.waiting).toEqual([]);
  });

  test("refuses what waits for it when nobody answers for a day", async () => {
    const clock = new ManualClock();
    const asks = await Asks.open(new MemoryStore(), clock);
    asks.raise(question, { triggerId: "t", type: "command", payload: null, at: clock.wallMs() });
    await clock.advance(86_400_000);

    expect(asks.expire()).toMatchObject([
      { ask: { state: "expired" }, resume: [], refused: [{ triggerId: "t" }] },
    ]);
  });
});

describe("the scheduler", () => {
  test("keeps a fixed rate whatever the wall clock does", async () => {
    const clock = new ManualClock();
    const scheduler = await Scheduler.open(new MemoryStore(), clock);
    const fired: number[] = [];
    scheduler.create("s", { mode: "interval", everyMs: 1000, program: "fan" }, ["fan"]);
    scheduler.start((due) => fired.push(...due.map(() => clock.monoMs())));

    await clock.advance(1500);
    clock.jumpWall(-1_000_000);
    await clock.advance(2000);

    expect(fired).toEqual([1000, 2000, 3000]);
    scheduler[Symbol.dispose]();
  });

  test("does not run a point in time before the clock is trusted, nor one long past", async () => {
    const clock = new ManualClock();
    clock.state = "floor";
    const scheduler = await Scheduler.open(new MemoryStore(), clock);
    scheduler.create("s", { mode: "at", program: "fan" }, ["fan"]);
    const due: Due[] = [];
    scheduler.start((some) => due.push(...some));

    await clock.advance(70_000);
    const untrusted = due.length;
    clock.state = "trusted";
    await clock.advance(1000);

    expect(untrusted).toBe(0);
    expect(due).toMatchObject([{ fires: false, schedule: { missed: 1, disabled: true, runs: 0 } }]);
    scheduler[Symbol.dispose]();
  });

  test("persists what it creates and starts intervals anew after a restart", async () => {
    const clock = new ManualClock();
    const store = new MemoryStore();
    const first = await Scheduler.open(store, clock);
    const created = first.create("s", { mode: "interval", everyMs: 1000, program: "fan" }, ["fan"]);
    if (created.ok) await store.batch(created.ops, { sync: true });
    await clock.advance(5500);

    const again = await Scheduler.open(store, clock);

    expect(again.list).toMatchObject([{ scheduleId: "s", nextAt: 6500, missed: 0 }]);
    expect(again.remove("nope")).toMatchObject({ code: "not_found" });
  });
});
