import { describe, expect, test } from "vitest";
import { type RunContext, settlementOps } from "../../firmware/capabilities/index.ts";
import type { Json } from "../../firmware/core/json.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { openDevice } from "./device.ts";
import { buildHarness } from "./harness.ts";

async function rehearsal() {
  const board = await openDevice(new ManualClock());
  const harness = buildHarness({ capabilities: board.build });
  const context: RunContext = { ...harness.context(), dry: true };
  const call = (id: string, args: Json) => harness.gate.call(context, id, args, new AbortController().signal);
  return { board, harness, context, call };
}

describe("a dry run", () => {
  test("is told that the effect took place, and nothing moved", async () => {
    const { harness, context, call } = await rehearsal();

    const result = await call("gpio.write", { output: "pump", value: 1 });

    expect(result).toMatchObject({ ok: true, result: { value: 1, readback: 1 }, chargedMilli: 0 });
    expect(harness.hardware.requested).toEqual([]);
    expect(harness.drafts).toEqual([]);
    expect(context.counters.chargedMilli).toBe(0);
  });

  test("leaves no job and no message behind", async () => {
    const { board, context, call } = await rehearsal();

    expect(await call("queue.put", { queue: "q", payload: 1 })).toMatchObject({ ok: true });
    expect(await call("queue.get", { queue: "q" })).toMatchObject({ ok: true, result: { job: null } });
    expect(board.published).toEqual([]);
    expect(settlementOps(context)).toEqual([]);
  });
});
