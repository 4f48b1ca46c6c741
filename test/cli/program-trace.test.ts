/** imuctl program trace and profile: a program with given answers, a recorded run from its journal. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readAnswers } from "../../firmware/cli/answers-file.ts";
import { CodedError } from "../../firmware/core/errors.ts";
import type { Json } from "../../firmware/core/json.ts";
import { imuctl, RUN_ID, stoppedDevice, tempDir } from "./support.ts";

const TEXT = `.program t
.version 1.0.0
.capabilities clock.now
.limits wallMs=5000

FUNC double(%x)
  LOAD %x
  DUP
  ADD
  RET
ENDFUNC
  CAP clock.now {}
  POP
  CALLF double(%x = $.payload.a)
  STORE %sum
work:
  SPAWN %t begin
    SLEEP_MS 50
    PUSH "done"
  end
  JOIN %t
  POP
  EVIDENCE "sum"
  RESPOND 200 { sum: %sum }
`;

let dir: Awaited<ReturnType<typeof tempDir>>;
let state = "";
beforeAll(async () => {
  dir = await tempDir();
  const write = (name: string, text: string) => writeFile(join(dir.path, name), text);
  await write("t.imu", TEXT);
  await write("answers.json", '[{"result":{"wallMs":5},"latencyMs":40,"capability":"clock.now"}]');
  await write("other.json", '[{"result":1,"capability":"kv.get"}]');
  await write("late.json", '[{"result":1,"latencyMs":9000}]');
  await write("error.json", '[{"error":{"code":"io_error","status":503}}]');
  await run("build", "t.imu");
  ({ state } = await stoppedDevice(join(dir.path, "device")));
});
afterAll(() => dir[Symbol.asyncDispose]());

const run = (...argv: string[]) => imuctl(["program", ...argv], { cwd: dir.path });
const given = ["--payload", '{"a":21}', "--answers", "answers.json"];

describe("imuctl program trace", () => {
  test("shows every step with what it finds, and the line of its source", async () => {
    const { code, out, err } = await run("trace", "t.json", ...given);

    expect(code).toBe(0);
    const rows = out
      .trimEnd()
      .split("\n")
      .map((row) => row.split("\t"));
    expect(rows.map((row) => row[0])).toEqual(rows.map((_, i) => String(i)));
    expect(rows[4]?.slice(1)).toEqual([
      "0",
      "code:2",
      "double",
      "DUP",
      "[21]",
      '{"x":21}',
      "296",
      "t.imu:8:3",
    ]);
    expect(rows.filter((row) => row[1] === "1").map((row) => row[4])).toEqual(["SLEEP_MS 50", 'PUSH "done"']);
    expect(err).toMatch(/responded 200: 15 steps, \d+ bytes, 1 calls/);
  });

  test("--from, --steps and --task choose", async () => {
    const part = await run("trace", "t.imu", ...given, "--from", "3", "--steps", "2");
    const task = await run("trace", "t.imu", ...given, "--task", "1", "--json");

    expect(
      part.out
        .trimEnd()
        .split("\n")
        .map((row) => row.split("\t")[0]),
    ).toEqual(["3", "4"]);
    expect(part.err).toContain("there are more steps: --from 5");
    const { steps, isCut, result } = JSON.parse(task.out);
    expect(steps.map((step: { unit: string }) => step.unit)).toEqual(["code/11/body", "code/11/body"]);
    expect([isCut, result.body]).toEqual([false, { sum: 42 }]);
  });

  test("in a terminal columns are aligned and long values cut", async () => {
    const payload = JSON.stringify({ a: 1, long: "x".repeat(500) });
    const text = TEXT.replace("$.payload.a", "$.payload.long");
    await writeFile(join(dir.path, "long.imu"), text);
    const argv = ["program", "trace", "long.imu", "--payload", payload, "--answers", "answers.json"];
    const { code, out } = await imuctl(argv, { cwd: dir.path, isTty: true });

    expect(code).toBe(1);
    expect(out).toMatch(/^STEP +TASK +AT +FN +INSTRUCTION/);
    expect(Math.max(...out.split("\n").map((line) => line.length))).toBeLessThan(260);
  });

  test("an error names the line it happened at", async () => {
    const { code, err } = await run(
      "trace",
      "t.json",
      "--payload",
      '{"a":"text"}',
      "--answers",
      "answers.json",
    );
    const json = await run("trace", "t.json", "--answers", "error.json", "--json");

    expect(code).toBe(1);
    expect(err).toContain("failed 500: vm_error: type_mismatch at t.imu:9:3 in double;");
    expect(JSON.parse(json.out).result.error).toMatchObject({
      code: "io_error",
      at: { unit: "code", index: 6 },
      source: { file: "t.imu", line: 12, column: 3 },
    });
  });

  test("time is virtual and its limit holds", async () => {
    const { code, err } = await run("trace", "t.imu", "--answers", "late.json");

    expect(code).toBe(1);
    expect(err).toContain("quota_exceeded: wall_exceeded");
  });

  test("a recorded run is replayed, from the device or from a file", async () => {
    const file = join(dir.path, "run.json");
    await imuctl(["evidence", "export", RUN_ID, "--out", file, "--state", state]);

    const byId = await run("trace", RUN_ID, "--state", state);
    const byFile = await run("trace", "run.json");

    expect([byId.code, byFile.code]).toEqual([0, 0]);
    expect(byFile.out).toBe(byId.out);
    expect(byId.out.split("\n")[4]).toContain("\tADD\t[2,3]\t");
    expect(byId.err).toContain("responded 200: 8 steps");
  });

  test.each([
    ["no answers", ["t.imu"], 1, "answer_missing: Call 0 has no answer: clock.now {}."],
    ["answers for another call", ["t.imu", "--answers", "other.json"], 1, "answer_mismatch"],
    ["a file of answers that is none", ["t.imu", "--answers", "t.json"], 1, "answers_invalid"],
    ["a missing file of answers", ["t.imu", "--answers", "none.json"], 1, "not_found"],
    ["a payload that is no object", ["t.imu", "--payload", "[]"], 2, "--payload must be a JSON object"],
    ["an unknown tier", ["t.imu", "--tier", "constructor"], 2, "--tier is low, medium, high, system"],
    ["a count that is none", ["t.imu", "--steps", "many"], 2, "--steps must be a whole number"],
    ["a map that is none", ["t.json", "--map", "t.imu"], 1, "source_map_invalid"],
    ["a payload for a recorded run", [RUN_ID, "--payload", "{}"], 2, "--payload is for program files"],
    ["a program that does not verify", ["answers.json"], 1, "program_invalid"],
  ])("%s", async (_, argv, exit, message) => {
    const { code, err } = await run("trace", ...argv, "--state", state);

    expect(err).toContain(message);
    expect(code).toBe(exit);
    expect(err).not.toMatch(/\n\s+at /);
  });
});

describe("imuctl program profile", () => {
  test.each([
    ["function", ["(main)", "double", "code/11/body"]],
    ["label", ["(main)", "(main) work:", "double", "code/11/body"]],
  ])("by %s: every step is counted once, the dearest first", async (by, names) => {
    const { code, out } = await run("profile", "t.imu", ...given, "--by", by, "--json");

    const { rows, totals, calls, result } = JSON.parse(out);
    expect(code).toBe(0);
    expect(rows.map((row: { name: string }) => row.name).sort()).toEqual([...names].sort());
    expect(totals.steps).toBe(result.cpuSteps);
    expect(rows[0].steps).toBe(Math.max(...rows.map((row: { steps: number }) => row.steps)));
    expect(calls).toEqual([{ capability: "clock.now", calls: 1, failed: 0, ms: 40 }]);
  });

  test("by line and by instruction", async () => {
    const line = await run("profile", "t.json", ...given, "--by", "line");
    const instruction = await run("profile", "t.json", ...given, "--by", "instruction");

    expect(line.out).toMatch(/^t\.imu:\d+\t1\t1\t/);
    expect(line.out).toContain("\nclock.now\t1\t0\t40\n");
    expect(instruction.out).toContain("code:2 DUP\t1\t1\t");
    expect(instruction.out).toContain("total\t15\t15\t100\t");
  });

  test("of a recorded run; the time of its calls is not recorded", async () => {
    const { out } = await run("profile", RUN_ID, "--state", state, "--json");

    expect(JSON.parse(out)).toMatchObject({
      totals: { steps: 8, runs: 8 },
      calls: [{ capability: "clock.now", calls: 1, failed: 0, ms: null }],
    });
  });

  test("an unknown grouping is bad usage", async () => {
    const { code, err } = await run("profile", "t.imu", "--by", "mood");

    expect(code).toBe(2);
    expect(err).toContain("--by is function, label, line, instruction");
  });
});

describe("answers", () => {
  test("entries of a journal stand for themselves; other entries are left out", () => {
    const call = {
      t: "call",
      turn: 1,
      task: 0,
      capability: "f",
      args: {},
      ok: true,
      result: 4,
      evidence: ["e"],
    };
    const entries = [{ t: "wake", turn: 1, task: 0 }, call, { t: "cut", reason: "shutdown", steps: 4 }];

    expect(readAnswers(entries)).toEqual([
      { capability: "f", latencyMs: null, answer: { ok: true, result: 4, evidence: ["e"] } },
    ]);
  });

  test.each<readonly [string, Json]>([
    ["no list", {}],
    ["an item that is no object", [1]],
    ["neither result nor error", [{}]],
    ["both", [{ result: 1, error: { code: "x" } }]],
    ["an unknown member", [{ result: 1, __proto: 1 }]],
    ["a member that would be inherited", [JSON.parse('{"result":1,"__proto__":{}}') as Json]],
    ["a negative time", [{ result: 1, latencyMs: -1 }]],
    ["evidence that is no list", [{ result: 1, evidence: "e" }]],
    ["an error without a code", [{ error: {} }]],
    ["a status that is none", [{ error: { code: "x", status: "503" } }]],
    ["more answers than any run takes", Array.from({ length: 10_001 }, () => ({ result: 1 }))],
  ])("%s is refused with its place", (_, value) => {
    expect(() => readAnswers(value)).toThrow(CodedError);
  });
});
