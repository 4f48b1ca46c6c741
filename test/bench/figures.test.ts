/** What the bench does with what it measured; nothing here depends on time. */
import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { measureInterleaved } from "../../bench/lib/rounds.ts";
import { median, percentile, significant, summarise } from "../../bench/lib/statistics.ts";
import { short, table } from "../../bench/lib/table.ts";
import { atLeast, atMost, factorBetween, ratio } from "../../bench/lib/targets.ts";
import { loadEngine } from "../../bench/suites/vm/engines/engine.ts";
import { reportJson, reportText } from "../../bench/suites/vm/print.ts";
import type { VmReport } from "../../bench/suites/vm/report.ts";
import { vmSettings } from "../../bench/suites/vm/settings.ts";
import { vmTargets } from "../../bench/suites/vm/targets.ts";

const flat = (value: number) => summarise([value, value, value]);

const report: VmReport = {
  suite: "vm",
  machine: { cpu: "c", cores: 2, memoryMiB: 1, platform: "p", node: "v20", v8: "11", loadAverage: 0 },
  settings: vmSettings(["--quick"], [], []),
  engines: [
    { id: "imu", title: "ours", available: true, version: "1", reason: null },
    { id: "quickjs", title: "peer", available: true, version: "2", reason: null },
    { id: "v8", title: "peer", available: false, version: null, reason: "not here" },
  ],
  rates: [
    {
      id: "loop",
      title: "tight loop",
      what: "sum",
      unit: "iterations/s",
      rates: { imu: flat(240), quickjs: flat(20), wasm: flat(480), "imu-reference": flat(14_999_999) },
    },
    {
      id: "verify",
      title: "verify",
      what: "64 KiB",
      unit: "ms",
      rates: { imu: flat(50), quickjs: flat(25) },
    },
  ],
  loopDelay: [
    {
      load: "tiered",
      programs: 16,
      seconds: 1,
      runs: 3,
      timers: { p50: 1, p99: 4, max: 21 },
      turns: { p50: 1, p99: 5, max: 9 },
      monitor: { p50: 2, p99: 6, max: 22 },
    },
  ],
  memory: {
    data: [
      { id: "objects", what: "o", alive: true, chargedBytes: 100, heapBytes: { compiled: 250 } },
      { id: "appends", what: "a", alive: false, chargedBytes: 900, heapBytes: { compiled: 1 } },
    ],
    idle: { programs: 200, bytesEach: { imu: 30 * 1024, "isolated-vm": "not here" } },
  },
  seconds: 1,
};

describe("statistics", () => {
  test("median and percentile by nearest rank, in any order", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
    expect([0, 0.5, 0.99, 1].map((p) => percentile(hundred, p))).toEqual([1, 50, 99, 100]);
    expect(() => median([])).toThrow(RangeError);
    expect(() => percentile([], 0.5)).toThrow(RangeError);
  });

  test("a summary keeps its rounds", () => {
    expect(summarise([2, 9, 4])).toEqual({ median: 4, min: 2, max: 9, rounds: [2, 9, 4] });
    expect(significant(123.456, 4)).toBe(123.5);
  });
});

test("all contenders run in every round, and warm-up does not count", () => {
  const calls = { a: 0, b: 0 };
  const contenders = [
    { id: "a", units: 1, run: () => void calls.a++ },
    { id: "b", units: 10, run: () => void calls.b++ },
  ];

  const rates = measureInterleaved(contenders, { rounds: 3, roundMs: 1, warmupMs: 1 }, () => undefined);

  expect([...rates.keys()]).toEqual(["a", "b"]);
  for (const { rounds } of rates.values()) {
    expect(rounds).toHaveLength(3);
    expect(rounds.every((rate) => rate > 0)).toBe(true);
  }
  expect(Math.min(calls.a, calls.b)).toBeGreaterThan(3);
});

describe("targets", () => {
  test("a bound is met at the bound, and a figure that is missing meets none", () => {
    expect(atLeast(2, { name: "n", unit: "×", value: 2 }).pass).toBe(true);
    expect(atLeast(2, { name: "n", unit: "×", value: 1.99 }).pass).toBe(false);
    expect(atMost(2, { name: "n", unit: "×", value: 2 }).pass).toBe(true);
    expect(atMost(2, { name: "n", unit: "×", value: null, reason: "why" })).toMatchObject({
      value: null,
      pass: false,
      reason: "why",
    });
  });

  test("a factor counts in both directions", () => {
    expect([factorBetween(4, 2), factorBetween(2, 4), factorBetween(3, 3)]).toEqual([2, 2, 1]);
    expect(factorBetween(1, 0)).toBe(Number.POSITIVE_INFINITY);
    expect([ratio(6, 3), ratio(undefined, 3), ratio(6, 0)]).toEqual([2, null, null]);
  });

  test("the promises of the machine are judged by the medians of the run", () => {
    const verdicts = Object.fromEntries(vmTargets(report).map(({ name, pass }) => [name, pass]));

    expect(verdicts).toEqual({
      "loop: imu over quickjs": true,
      "loop: imu over v8": false,
      "loop: imu-reference": false,
      "verify: a program of 64 KiB": true,
      "loop-delay: 16 × tiered, p99": true,
      "loop-delay: 16 × tiered, longest": false,
      "memory: objects, charged against real heap, either way": false,
      "memory: one loaded idle program": true,
    });
    expect(vmTargets(report).find(({ name }) => name === "loop: imu over v8")?.reason).toBe("v8: not here");
  });
});

describe("the report", () => {
  test("as JSON holds every figure, ratios above 1 where we are faster, and the distance to WebAssembly", () => {
    const json = JSON.parse(JSON.stringify(reportJson(report)));

    expect(json).toMatchObject({ suite: "vm", machine: { cpu: "c" }, wasmOverImu: { loop: 2 } });
    expect(json.rates[0].speedup).toMatchObject({ quickjs: 12, wasm: 0.5 });
    expect(json.rates[1].speedup).toEqual({ quickjs: 0.5 });
    expect(json.targets[0]).toEqual({
      name: "loop: imu over quickjs",
      value: 12,
      compare: ">=",
      target: 12,
      unit: "×",
      pass: true,
    });
  });

  test("as text names the peer that is missing and every target", () => {
    const text = reportText(report);

    expect(text).toContain("v8: peer; missing: not here");
    for (const { name } of vmTargets(report)) expect(text).toContain(name);
  });

  test("tables line up", () => {
    expect(table(["a", "n"], [["long name", 1_500_000]])).toBe(
      "a              n\n─────────  ─────\nlong name  1.5 M\n",
    );
    expect([0.1234, 999, 9999, 12_345, null, "x"].map(short)).toEqual([
      "0.123",
      "999",
      "10000",
      "12.3 k",
      "–",
      "x",
    ]);
  });
});

test("a peer that cannot be loaded is reported with its reason", async () => {
  const load = () => Promise.reject(new Error("cannot be built imported from /here\nat length"));

  expect(await loadEngine({ id: "p", title: "peer", load })).toEqual({
    id: "p",
    title: "peer",
    available: false,
    version: null,
    reason: "cannot be built",
    engine: null,
  });
});

test("options that do not exist are refused, families of engines are not", () => {
  const settings = (...args: string[]) => vmSettings(args, ["loop", "memory"], ["imu", "imu-sliced", "v8"]);

  expect(settings("--only", "loop", "--engines", "imu,v8", "--json")).toMatchObject({
    only: ["loop"],
    engines: ["imu", "v8"],
    json: true,
    rounds: 5,
  });
  expect(() => settings("--only", "loops")).toThrow(/loops/);
  expect(() => settings("--engines", "v9")).toThrow(/v9/);
  expect(() => settings("--fast")).toThrow();
});

test("the lockfile of the bench names no registry", async () => {
  const lock = await readFile(new URL("../../bench/package-lock.json", import.meta.url), "utf8");

  expect(lock).not.toContain('"resolved"');
});
