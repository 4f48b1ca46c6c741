import { describe, expect, test } from "vitest";
import { type RunContext, settlementOps } from "../../firmware/capabilities/index.ts";
import type { Json } from "../../firmware/core/json.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { openDevice } from "./device.ts";
import { buildHarness, policyOf, pump } from "./harness.ts";

async function device() {
  const board = await openDevice(new ManualClock());
  const harness = buildHarness({ capabilities: board.build });
  const call = (ctx: RunContext, id: string, args: Json) =>
    harness.gate.call(ctx, id, args, new AbortController().signal);
  return { board, harness, call };
}
const programNamed = (context: RunContext, name: string) => ({
  program: { name, outputs: ["pump"], capabilities: context.program?.capabilities ?? [] },
});

describe("gpio", () => {
  test("writes an output, reads it back and proves the command, not the world, when it is read", async () => {
    const { harness, call } = await device();
    const context = harness.context();

    const written = await call(context, "gpio_write", { output: "pump", value: 1 });
    const read = await call(context, "gpio.read", { line: 17 });

    expect(written).toMatchObject({ ok: true, result: { value: 1, readback: 1 } });
    expect(read).toMatchObject({ ok: true, result: { value: 1, driven: true } });
    expect(harness.drafts.map(({ kind }) => kind)).toEqual(["gpio_write", "gpio_write"]);
  });

  test("refuses a raw line that nobody has permitted, before the line is opened", async () => {
    const { harness, call } = await device();

    const result = await call(harness.context(), "gpio.read", { line: 9 });

    expect(result).toMatchObject({ code: "permission_denied", status: 403 });
    expect(harness.hardware.requested).toEqual([]);
  });

  test("names the binding that policy lacks", async () => {
    const { harness, call } = await device();

    const result = await call(harness.context(), "gpio.read", { input: "nowhere" });

    expect(result).toMatchObject({ code: "resource_required", resource: { resource: "binding:nowhere" } });
  });

  test("refuses an output that the program does not list", async () => {
    const { harness, call } = await device();
    const context = harness.context({
      policy: policyOf([pump(), pump({ name: "valve", uri: "gpio://gpiochip0/5" })]),
    });

    expect(await call(context, "gpio.write", { output: "valve", value: 1 })).toMatchObject({
      code: "output_undeclared",
    });
  });
});

describe("kv", () => {
  test("shows a run its own writes at once and others nothing before it settles", async () => {
    const { board, harness, call } = await device();
    const writer = harness.context();
    const other = harness.context();

    await call(writer, "kv.put", { key: "a", value: { n: 1 } });
    const own = await call(writer, "kv.get", { key: "a" });
    const before = await call(other, "kv.get", { key: "a" });
    await board.store.batch(settlementOps(writer), { sync: true });
    const after = await call(other, "kv.get", { key: "a" });

    expect(own).toMatchObject({ result: { found: true, value: { n: 1 } } });
    expect(before).toMatchObject({ result: { found: false } });
    expect(after).toMatchObject({ result: { found: true, value: { n: 1 } } });
  });

  test("keeps the spaces of two programs apart", async () => {
    const { board, harness, call } = await device();
    const a = harness.context();
    const b = harness.context(programNamed(a, "pump"));
    await call(a, "kv.put", { key: "a", value: 1 });
    await board.store.batch(settlementOps(a), { sync: true });

    expect(await call(b, "kv.get", { key: "a" })).toMatchObject({ result: { found: false } });
    expect(await call(b, "kv.list", { prefix: "", limit: 10 })).toMatchObject({ result: { items: [] } });
  });

  test("lists in key order, page by page, and forgets what is deleted or expired", async () => {
    const { harness, call } = await device();
    const context = harness.context();
    for (const key of ["b", "a", "c"]) await call(context, "kv.put", { key, value: key });
    await call(context, "kv.put", { key: "brief", value: 1, ttlMs: 10 });
    await call(context, "kv.delete", { key: "c" });
    await harness.clock.advance(11);

    const first = await call(context, "kv.list", { prefix: "", limit: 1 });
    const second = await call(context, "kv.list", { prefix: "", limit: 5, after: "a" });

    expect(first).toMatchObject({ result: { items: [{ key: "a" }], next: "a" } });
    expect(second).toMatchObject({ result: { items: [{ key: "b" }], next: null } });
  });

  test("refuses a value beyond what the run may still write", async () => {
    const { harness, call } = await device();
    const context = harness.context();

    const result = await call(context, "kv.put", { key: "a", value: "x".repeat(65_536) });

    expect(result.ok).toBe(false);
    expect(context.kv.size).toBe(0);
  });

  test.each([["__proto__"], ["constructor"]])("stores the key %s like any other", async (key) => {
    const { harness, call } = await device();
    const context = harness.context();

    await call(context, "kv.put", { key, value: 1 });

    expect(await call(context, "kv.get", { key })).toMatchObject({ result: { found: true, value: 1 } });
  });
});

describe("queues", () => {
  test("survive a restart with jobs, leases and keys as the log has them", async () => {
    const { board, harness, call } = await device();
    const context = harness.context();
    await call(context, "queue.put", { queue: "work", payload: { n: 1 } });
    const got = await call(context, "queue.get", { queue: "work" });
    const reopened = await openDevice(harness.clock, board.store);

    expect(got).toMatchObject({ result: { job: { payload: { n: 1 }, attempt: 1, leaseToken: 1 } } });
    expect(reopened.jobs.queues.map(({ jobs }) => jobs)).toEqual(board.jobs.queues.map(({ jobs }) => jobs));
  });

  test("acknowledge with the settlement of the run, not before", async () => {
    const { board, harness, call } = await device();
    const context = harness.context();
    await call(context, "queue.put", { queue: "work", payload: 1 });
    const got = await call(context, "queue.get", { queue: "work" });
    const job = got.ok ? (got.result as { job: { jobId: string; leaseToken: number } }).job : null;
    await call(context, "queue.ack", { jobId: job?.jobId ?? "", leaseToken: job?.leaseToken ?? 0 });

    const lost = await openDevice(harness.clock, board.store);
    await board.store.batch(settlementOps(context), { sync: true });
    const kept = await openDevice(harness.clock, board.store);

    expect(lost.jobs.queues[0]?.jobs[0]?.state).toBe("reserved");
    expect(kept.jobs.queues[0]?.jobs[0]?.state).toBe("done");
  });
});

describe("shared settings and messages", () => {
  test("count what another device wrote as that peer's claim", async () => {
    const { board, harness, call } = await device();
    board.shared.set("setpoint", { value: 21, writer: "d2" });

    const result = await call(harness.context(), "shared.get", { key: "setpoint" });

    expect(result).toMatchObject({ ok: true, result: { found: true, value: 21, writer: "d2" } });
    expect(harness.drafts.at(-1)).toMatchObject({ kind: "peer_claim", source: "peer://d2" });
  });

  test("go to the outbox under the output's topic", async () => {
    const { board, harness, call } = await device();
    const output = pump({ name: "pump", uri: "mqtt://main/imu/v1/farm/d1/telemetry", safe: "hold" });
    const context = harness.context({ policy: policyOf([output]) });

    const sent = await call(context, "mqtt.publish", { output: "pump", payload: { t: 1 }, subtopic: "temp" });
    const reserved = await call(context, "mqtt.publish", { output: "pump", payload: 1, subtopic: "+" });

    expect(sent.ok).toBe(true);
    expect(board.published).toEqual([{ topic: "imu/v1/farm/d1/telemetry/temp", payload: { t: 1 } }]);
    expect(reserved).toMatchObject({ code: "topic_invalid" });
  });
});
