import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { SystemClock } from "../../firmware/adapters/system-clock.ts";
import { SystemEntropy } from "../../firmware/adapters/system-entropy.ts";
import {
  type CallHost,
  createMachine,
  type Limits,
  type MachineFactory,
  RunScheduler,
  TIER_LIMITS,
} from "../../firmware/vm/index.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { aProgram } from "./support.ts";

const host: CallHost = { call: async () => ({ ok: true, result: 1, evidence: [], readBytes: 10 }) };
const silentHost: CallHost = { call: () => new Promise(() => undefined) };
const endless = [{ op: "JUMP", to: 0 }];
const quick = [{ op: "CALL", fn: "f" }, { op: "POP" }, { op: "HALT" }];

const factory =
  (code: readonly unknown[], limits: Partial<Limits> = {}): MachineFactory =>
  (inputs) =>
    createMachine(aProgram(code), {
      payload: {},
      trigger: { kind: "command" },
      limits: { ...TIER_LIMITS.medium, ...limits },
      inputs,
    });

const noFault = (error: unknown): never => {
  throw error;
};

describe("the run scheduler", () => {
  it("serves calls and sleeps and reports wall time", async () => {
    const clock = new ManualClock();
    const scheduler = new RunScheduler({ clock, onFault: noFault });
    const code = [{ op: "SLEEP_MS", ms: 30 }, ...quick];

    const running = scheduler.run(factory(code), host, new AbortController().signal);
    await clock.advance(30);

    expect(await running).toMatchObject({
      ok: true,
      result: { ended: "halted", metrics: { wallMs: 30, ioCalls: 1, ioReadBytes: 10 } },
    });
    expect(scheduler.activeRuns).toBe(0);
  });

  it("leaves nobody listening to a signal that outlives the run, and aborts only calls that are on their way", async () => {
    const clock = new ManualClock();
    const scheduler = new RunScheduler({ clock, onFault: noFault });
    const { signal } = new AbortController();
    const seen: AbortSignal[] = [];
    const slow = [{ op: "CALL", fn: "f" }, { op: "POP" }, { op: "HALT" }];
    const keeping =
      (answer: CallHost["call"]): CallHost["call"] =>
      (request, of) => {
        seen.push(of);
        return answer(request, of);
      };

    const done = scheduler.run(factory(slow), { call: keeping(host.call) }, signal);
    await clock.advance(1);
    expect(await done).toMatchObject({ result: { ended: "halted" } });
    const late = scheduler.run(factory(slow, { wallMs: 100 }), { call: keeping(silentHost.call) }, signal);
    await clock.advance(101);
    await clock.advance(250);
    expect(await late).toMatchObject({ result: { ended: "failed" } });

    expect(seen.map(({ aborted }) => aborted)).toEqual([false, true]);
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  it("ends a call over the byte budget with its own reason", async () => {
    const scheduler = new RunScheduler({ clock: new ManualClock(), onFault: noFault });

    const answer = await scheduler.run(
      factory(quick, { ioReadBytes: 9 }),
      host,
      new AbortController().signal,
    );

    expect(answer).toMatchObject({ result: { error: { reason: "io_read_bytes_exceeded", status: 429 } } });
  });

  it("cuts a waiting run at its wall limit and leaves a call that ignores its signal after 250 ms", async () => {
    const clock = new ManualClock();
    const scheduler = new RunScheduler({ clock, onFault: noFault });

    const running = scheduler.run(factory(quick, { wallMs: 100 }), silentHost, new AbortController().signal);
    await clock.advance(101);
    await clock.advance(250);

    expect(await running).toMatchObject({
      result: { ended: "failed", error: { code: "quota_exceeded", reason: "wall_exceeded" } },
    });
    expect(clock.monoMs()).toBe(351);
  });

  it("cuts a run with the reason of its signal", async () => {
    const scheduler = new RunScheduler({ clock: new ManualClock(), onFault: noFault });
    const stop = new AbortController();

    const running = scheduler.run(factory(endless, { cpuSteps: 1e12 }), host, stop.signal);
    stop.abort("shutdown");

    expect(await running).toMatchObject({
      result: { ended: "cut", status: 503, error: { reason: "shutdown" } },
    });
  });

  it("runs no more than its maximum, keeps a line, and refuses beyond it", async () => {
    const scheduler = new RunScheduler({
      clock: new ManualClock(),
      maxRuns: 1,
      maxWaiting: 1,
      onFault: noFault,
    });
    const stop = new AbortController();
    const first = scheduler.run(factory(endless, { cpuSteps: 1e12 }), host, stop.signal);

    const second = scheduler.run(factory(quick), host, new AbortController().signal);
    const third = await scheduler.run(factory(quick), host, new AbortController().signal);
    stop.abort("overlap_restart");

    expect(third).toMatchObject({ ok: false, code: "concurrency_exceeded", status: 429 });
    expect(await first).toMatchObject({ result: { status: 409 } });
    expect(await second).toMatchObject({ result: { ended: "halted" } });
  });

  it("turns a host that throws into vm_internal and reports the fault", async () => {
    const faults: unknown[] = [];
    const scheduler = new RunScheduler({ clock: new ManualClock(), onFault: (error) => faults.push(error) });
    const broken: CallHost = { call: () => Promise.reject(new Error("driver")) };

    const answer = await scheduler.run(factory(quick), broken, new AbortController().signal);

    expect(answer).toMatchObject({ result: { error: { code: "vm_internal" } } });
    expect(faults).toHaveLength(1);
  });

  it("refuses a call result that has no canonical form", async () => {
    const scheduler = new RunScheduler({ clock: new ManualClock(), onFault: noFault });
    const odd: CallHost = { call: async () => ({ ok: true, result: Number.NaN, evidence: [] }) };

    const answer = await scheduler.run(factory(quick), odd, new AbortController().signal);

    expect(answer).toMatchObject({ result: { error: { code: "result_invalid", status: 500 } } });
  });

  it("lets timers fire on time beside an endless loop", async () => {
    const clock = new SystemClock({ entropy: new SystemEntropy(), floorMs: 0, synchronised: () => false });
    const scheduler = new RunScheduler({ clock, onFault: noFault });
    const stop = new AbortController();
    const loops = Array.from({ length: 4 }, () =>
      scheduler.run(factory(endless, { cpuSteps: 1e12 }), host, stop.signal),
    );
    const late: number[] = [];

    for (let i = 0; i < 20; i++) {
      const asked = clock.monoMs();
      await clock.sleep(2);
      late.push(clock.monoMs() - asked - 2);
    }
    stop.abort("shutdown");
    await Promise.all(loops);

    const median = late.sort((a, b) => a - b)[10] ?? 0;
    expect(median).toBeLessThan(10);
  });
});
