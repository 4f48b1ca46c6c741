/** Every document of the bench verifies, and nobody computes something else. */
import { describe, expect, test } from "vitest";
import type { Engine } from "../../bench/suites/vm/engines/engine.ts";
import {
  bodyOf,
  imuEngine,
  machineOf,
  runSliced,
  runWhole,
  verified,
} from "../../bench/suites/vm/engines/imu.ts";
import { intCodeEngine } from "../../bench/suites/vm/engines/int-code.ts";
import { jsonSwitchEngine } from "../../bench/suites/vm/engines/json-switch.ts";
import { v8Engine } from "../../bench/suites/vm/engines/v8.ts";
import { DATA_KINDS } from "../../bench/suites/vm/programs/data.ts";
import { ENDLESS } from "../../bench/suites/vm/programs/endless.ts";
import { LARGE_BYTES, largeProgram, largeSource, SENSOR_VIEW } from "../../bench/suites/vm/programs/large.ts";
import { recordContenders, runRecord } from "../../bench/suites/vm/sections/records.ts";
import { WORKLOADS } from "../../bench/suites/vm/workloads/index.ts";
import { sum } from "../../bench/suites/vm/workloads/sum.ts";
import { type Executor, replay, TIER_LIMITS } from "../../firmware/vm/index.ts";

const ENGINES: Readonly<Record<string, Engine>> = {
  compiled: imuEngine("compiled", runWhole),
  "tiered in slices": imuEngine("tiered", runSliced),
  interpreter: imuEngine("interpreter", runWhole),
  native: v8Engine(),
  integers: intCodeEngine(),
  "switch over JSON": jsonSwitchEngine(),
};
const EXECUTORS: readonly Executor[] = ["compiled", "tiered", "interpreter"];

describe.each(WORKLOADS.map((workload) => [workload.id, workload] as const))("%s", (_, workload) => {
  test.each(Object.entries(ENGINES))("%s gives the expected body, again and again", (_name, engine) => {
    const runner = engine.prepare(workload);

    expect(runner.run({ ...workload.payload })).toEqual(workload.expected);
    expect(runner.run({ ...workload.payload })).toEqual(workload.expected);
    runner.dispose();
  });

  test("takes the same steps and memory on every executor", () => {
    const program = verified(workload.document);
    const [first, ...others] = EXECUTORS.map((executor) => {
      const result = runSliced(machineOf(program, workload.payload, executor));
      return { metrics: result.metrics, outputHash: result.outputHash };
    });

    for (const other of others) expect(other).toEqual(first);
  });
});

test("the program that is loaded again and again has twelve instructions", () => {
  expect(sum.document.code).toHaveLength(12);
  for (const name of ["compiled", "interpreter", "integers", "switch over JSON"]) {
    expect(ENGINES[name]?.loadOnce?.(sum)()).toEqual(sum.expected);
  }
});

test("the record of a run can be replayed", () => {
  for (const contender of recordContenders(sum)) expect(contender.run).not.toThrow();
  const machine = machineOf(verified(sum.document), sum.payload, "compiled");
  const record = runRecord(machine, runWhole(machine));

  expect(replay(sum.document, record, { view: SENSOR_VIEW })).toMatchObject({ ok: true });
});

describe.each(DATA_KINDS.map((kind) => [kind.id, kind] as const))("data: %s", (_, kind) => {
  test.each(EXECUTORS)("is built, kept and charged by the %s", (executor) => {
    const machine = machineOf(verified(kind.document), {}, executor);
    let state = machine.runSlice(1e9);
    while (state === "ready") state = machine.runSlice(1e9);
    expect(state).toBe("waiting");

    for (const { id } of machine.takeRequests()) machine.complete({ kind: "wake", request: id });
    const result = runWhole(machine);

    const built = kind.native();
    expect(bodyOf(result)).toEqual({ length: Array.isArray(built) ? built.length : null });
    expect(result.metrics.memBytes).toBeGreaterThan(1000);
  });
});

test.each(ENDLESS.map((document) => [String(document.name), document] as const))(
  "%s ends by quota alone",
  (_, document) => {
    const limits = { ...TIER_LIMITS.low, memKb: 65_536, valueBytes: 65_536 };
    for (const executor of EXECUTORS) {
      const result = runSliced(machineOf(verified(document), {}, executor, limits));
      expect(result.error).toMatchObject({ code: "quota_exceeded", reason: "cpu_steps_exceeded" });
    }
  },
);

test("the long program and its JavaScript fill 64 KiB, and the program verifies", () => {
  const document = largeProgram();
  const sizes = [JSON.stringify(document), largeSource()].map((text) => Buffer.byteLength(text));

  for (const size of sizes) {
    expect(size).toBeLessThanOrEqual(LARGE_BYTES);
    expect(size).toBeGreaterThan(LARGE_BYTES - 1200);
  }
  expect(verified(document, SENSOR_VIEW).capabilities).toEqual(["sensor.read"]);
});
