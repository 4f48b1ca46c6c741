import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ProgramTools } from "../../firmware/cli/program-tools.ts";
import { Session } from "../../firmware/cli/session.ts";
import { readRunExport } from "../../firmware/composition/state-export.ts";
import { differencesOf, replayRun } from "../../firmware/composition/state-replay.ts";
import type { Json } from "../../firmware/core/json.ts";
import { imuctl, ioOf, RUN_ID, stoppedDevice, tempDir } from "./support.ts";

describe("a recorded run, replayed by a chosen executor", () => {
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let config: string;

  beforeAll(async () => {
    dir = await tempDir();
    ({ config } = await stoppedDevice(join(dir.path, "device")));
  });
  afterAll(() => dir[Symbol.asyncDispose]());

  const replay = (...more: readonly string[]) => imuctl(["replay", RUN_ID, "--config", config, ...more]);

  test("both executors are asked by default and named with their verdicts", async () => {
    const { code, out } = await replay();

    expect(code).toBe(0);
    expect(out).toMatch(/^result\tequal\n/);
    expect(out).toMatch(
      /\ninterpreter\tequal, \d+ steps, \d+ bytes\ncompiled\tequal, \d+ steps, \d+ bytes\n$/,
    );
  });

  test.each(["interpreter", "compiled"])("the %s alone comes to the same", async (executor) => {
    const { code, out } = await replay("--executor", executor, "--json");

    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      verdict: "equal",
      executors: [{ executor, verdict: "equal", code: null }],
      differences: [],
    });
  });

  test.each([
    [["--executor", "tiered"], /--executor is interpreter, compiled, both/],
    [["--executor", "both", "--diff", "x.json"], /--diff always asks the interpreter/],
    [["--map", "x.json.map"], /--map is for --diff/],
  ])("%j is bad usage", async (more, why) => {
    const { code, err } = await replay(...more);

    expect(code).toBe(2);
    expect(err).toMatch(why);
  });

  async function exported() {
    const { out } = await imuctl(["evidence", "export", RUN_ID, "--config", config]);
    const run = readRunExport(JSON.parse(out) as Json);
    if (!run.ok) throw new Error(run.code);
    return { run, view: (await ProgramTools.open(new Session(ioOf(), {}))).view };
  }

  test("where code may not be generated, the interpreter still proves the run, and the compiler is said to be missing", async () => {
    const { run, view } = await exported();

    const both = replayRun(run, view, "both", "unavailable");
    const compiled = replayRun(run, view, "compiled", "unavailable");

    expect(both.verdict).toBe("equal");
    expect(both.executors.map(({ executor, verdict }) => `${executor} ${verdict}`)).toEqual([
      "interpreter equal",
      "compiled unavailable",
    ]);
    expect(compiled).toMatchObject({ verdict: "cannot_replay", code: "code_generation_disabled" });
  });

  test("an executor that fails inside is a divergence of its own, not the end of the command", async () => {
    const { run } = await exported();
    const broken = {
      resolve: (): never => {
        throw new Error("a fault");
      },
    };

    expect(replayRun(run, broken)).toMatchObject({
      verdict: "divergence",
      code: "vm_internal",
      got: { fault: "a fault" },
    });
  });
});

test("what two executors do not agree on is named", () => {
  const one = { ended: "halted", outcome: { body: 1 }, metrics: { cpuSteps: 3 } };

  expect(differencesOf(one, one)).toEqual([]);
  expect(differencesOf(one, { ...one, metrics: { cpuSteps: 4 }, entry: 2 })).toEqual(["entry", "metrics"]);
});
