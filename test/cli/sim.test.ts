/** The commands of the simulator, over short runs of the tank. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RunOutcome } from "../../sim/harness/outcome.ts";
import { shortTank } from "../sim/harness/short-tank.ts";
import { imuctl, tempDir } from "./support.ts";

const TOO_HIGH = "{ always: all devices tank1.level < 0.45 }";

interface Report {
  readonly ok: boolean;
  readonly runs: readonly RunOutcome[];
}

describe("imuctl sim", () => {
  let dir: Awaited<ReturnType<typeof tempDir>>;
  const at = (name: string): string => join(dir.path, name);
  const write = async (name: string, text: string): Promise<string> => {
    await writeFile(at(name), text);
    return at(name);
  };

  beforeAll(async () => {
    dir = await tempDir();
  });
  afterAll(() => dir[Symbol.asyncDispose]());

  test("run: a row for each seed, and exit 0", async () => {
    const file = await write("good.yaml", shortTank({ duration: "5s" }));
    const { code, out, err } = await imuctl(["sim", "run", file, "--seeds", "1..2"]);

    expect(err).toContain("2 runs, 2 ok, 0 failed; SIMULATED");
    expect(
      out
        .trimEnd()
        .split("\n")
        .map((line) => line.split("\t").slice(0, 6)),
    ).toEqual([
      ["short-tank", "1", "-", "ok", "-", "5s"],
      ["short-tank", "2", "-", "ok", "-", "5s"],
    ]);
    expect(code).toBe(0);
  });

  test("run: a violation says what, when and how to repeat it, and the line repeats it", async () => {
    const file = await write("bad.yaml", shortTank({ expect: [TOO_HIGH] }));
    const { code, err } = await imuctl(["sim", "run", file]);
    const line = /^reproduce {3}imuctl (.*)$/m.exec(err)?.[1] ?? "";
    const again = await imuctl([...line.split(" "), "--json"]);
    const { runs } = JSON.parse(again.out) as Report;

    expect(code).toBe(1);
    expect(err).toMatch(/^violation {3}E expectation$/m);
    expect(err).toContain(`what        expect[0] ${TOO_HIGH.slice(10, -2)}: it does not hold`);
    expect(err).toMatch(/^ {2}0:00:0\d\.\d{6} {2}tank-001 +gpio.write +\{"line":17,"value":1\}$/m);
    expect(again.code).toBe(1);
    expect(runs[0]?.finding?.violation.id).toBe("E");
    expect(err).toContain(`--seed 1 --until ${String(runs[0]?.finding?.violation.atUs ?? 0).slice(0, -3)}ms`);
  });

  test("run: what is no scenario is exit 2 with its place", async () => {
    const file = await write("wrong.yaml", shortTank().replace("model: relay", "model: rely"));
    const [wrong, missing, usage] = [
      await imuctl(["sim", "run", file]),
      await imuctl(["sim", "run", at("nowhere.yaml")]),
      await imuctl(["sim", "run", file, "--seed", "1", "--seeds", "1..2"]),
    ];

    expect([wrong.code, missing.code, usage.code]).toEqual([2, 2, 2]);
    expect(wrong.err).toMatch(/model_unknown: .*wrong\.yaml:\d+: \/devices\/0\/wiring\/0\/model/);
  });

  test("run: several processes give what one gives", async () => {
    const file = await write(
      "grid.yaml",
      shortTank({ duration: "4s", expect: ["{ always: 'true' }"], more: "vary: { ppm: [0, 50] }\n" }),
    );
    const one = await imuctl(["sim", "run", file, "--seeds", "1..2", "--json"]);
    const two = await imuctl(["sim", "run", file, "--seeds", "1..2", "--json", "--jobs", "2"]);
    const chosen = await imuctl(["sim", "run", file, "--vary", "ppm=50", "--json"]);

    expect((JSON.parse(one.out) as Report).runs.map(({ seed, varied }) => [seed, varied.ppm])).toEqual([
      ["1", 0],
      ["1", 50],
      ["2", 0],
      ["2", 50],
    ]);
    expect(JSON.parse(two.out)).toEqual(JSON.parse(one.out));
    expect((JSON.parse(chosen.out) as Report).runs.map(({ varied }) => varied.ppm)).toEqual([50]);
  });

  test("run: twice is the same; the trace is replayed, and a changed one is noticed", async () => {
    const file = await write("traced.yaml", shortTank({ duration: "5s" }));
    const { code, out } = await imuctl([
      "sim",
      "run",
      file,
      "--check-determinism",
      "--trace",
      at("out.jsonl"),
      "--json",
    ]);
    const [outcome] = (JSON.parse(out) as Report).runs;
    const replay = await imuctl([
      "sim",
      "replay",
      at("out.jsonl"),
      "--at",
      "2s",
      "--kind",
      "gpio.*",
      "--actor",
      "tank-001",
    ]);
    const text = await readFile(at("out.jsonl"), "utf8");
    await write("changed.jsonl", text.replace('"line":17,"value":1', '"line":17,"value":0'));
    const changed = await imuctl(["sim", "replay", at("changed.jsonl"), "--json"]);
    await write("early.jsonl", text.split("\n").slice(0, 10).join("\n"));
    const early = await imuctl(["sim", "replay", at("early.jsonl")]);

    expect([code, replay.code, changed.code, early.code]).toEqual([0, 0, 2, 0]);
    expect(replay.err).toContain(`trace hash ${outcome?.traceHash} agrees`);
    expect(replay.out).toMatch(/0:00:02\.\d{6} {2}tank-001 +gpio\.write +\{"line":17,"value":1\}/);
    expect(replay.out).not.toMatch(/0:00:0[01]|i2c/);
    expect(changed.err).toContain("the trace was changed");
    expect(early.err).toContain("ends early");
    expect((await imuctl(["sim", "replay", file])).code).toBe(2);
  });

  test("run: kept disks are states like any other, and become a scenario", async () => {
    const file = await write("kept.yaml", shortTank({ duration: "20s" }));
    await imuctl(["sim", "run", file, "--keep", at("kept")]);
    const state = ["--state", at("kept/tank-001/state"), "--config", at("kept/tank-001/etc/imud/imud.yaml")];
    const verified = await imuctl(["ledger", "verify", ...state]);
    const recorded = await imuctl(["sim", "record", ...state, "--out", at("incident.yaml")]);
    const replayed = await imuctl(["sim", "run", at("incident.yaml")]);

    expect(verified.out).toMatch(/^ok\tverified$/m);
    expect([recorded.code, recorded.out]).toEqual([
      0,
      `${at("incident.yaml")}\n`.replace(/^.*$/m, at("incident.yaml")),
    ]);
    expect(replayed).toMatchObject({ code: 0 });
  });

  test("minimize: the entry that matters is left, for one device and no longer than it takes", async () => {
    const timeline = [
      "{ at: 1s, fault: freeze, device: tank-002, for: 100ms }",
      "{ at: 3s, fault: link_reset, device: tank-001 }",
      "{ at: 5s, do: set, target: tank1@tank-001.level, value: 0.95 }",
      "{ at: 6s, fault: clock_jump, device: tank-001, byMs: 1000 }",
      "{ at: 7s, fault: link_reset, device: tank-002 }",
    ];
    const expectations = [
      "{ eventually: any devices tank1.pump == 1 }",
      "{ always: all devices tank1.level < 0.9 }",
    ];
    const file = await write("fails.yaml", shortTank({ count: 2, timeline, expect: expectations }));
    const { code, err } = await imuctl(["sim", "minimize", file, "--out", at("smallest.yaml")]);
    const text = await readFile(at("smallest.yaml"), "utf8");
    const { code: again, err: found } = await imuctl(["sim", "run", at("smallest.yaml")]);

    expect([code, again]).toEqual([0, 1]);
    expect(text.match(/- at:/g)).toHaveLength(1);
    expect(text).toMatch(/value: 0\.95/);
    expect(text).toMatch(/count: 1\n/);
    expect(text).toMatch(/duration: [56]s\n/);
    expect(found).toContain("tank1.level < 0.9: it does not hold");
    expect(err).toContain("still fails without it");
    const good = await write("holds.yaml", shortTank({ duration: "4s" }));
    expect((await imuctl(["sim", "shrink", good])).code).toBe(1);
  });

  test("sweep: a device comes back right after each cut of a window", async () => {
    const file = await write(
      "swept.yaml",
      shortTank({ expect: ["{ always: all devices tank1.overflow == 0 }"] }),
    );
    const args = ["--from", "2050ms", "--to", "2051ms", "--points", "during", "--until", "8s", "--json"];
    const { code, out } = await imuctl(["sim", "sweep", file, ...args]);
    const report = JSON.parse(out) as {
      readonly steps: number;
      readonly cuts: readonly { readonly outcome: RunOutcome }[];
    };

    expect(code).toBe(0);
    expect(report.cuts).toHaveLength(report.steps);
    expect(report.steps).toBeGreaterThan(1);
    expect(report.cuts.every(({ outcome }) => outcome.counts["sim.cut"] === 1)).toBe(true);
    expect((await imuctl(["sim", "sweep", file, "--from", "1s"])).code).toBe(2);
  });

  test("fleet: as many devices as asked for, measured", async () => {
    const file = await write("fleet.yaml", shortTank({ duration: "8s" }));
    const { code, out } = await imuctl(["sim", "fleet", file, "--count", "3", "--json"]);

    expect(JSON.parse(out)).toMatchObject({ ok: true, devices: 3, running: 3, online: 3, simulated: "8s" });
    expect(code).toBe(0);
  });

  test("watch: lines of JSON without a terminal, and an end that is judged", async () => {
    const file = await write("watched.yaml", shortTank({ duration: "5s" }));
    const { code, out, err } = await imuctl(["sim", "watch", file, "--speed", "1000"]);
    const last = JSON.parse(out.trimEnd().split("\n").at(-1) ?? "") as { readonly atUs: number };
    const stopped = AbortSignal.abort();
    const interrupted = await imuctl(["sim", "watch", file], { signal: stopped });

    expect(last).toMatchObject({ simulated: true, atUs: 5_000_000, device: "tank-001" });
    expect([code, interrupted.code]).toEqual([0, 0]);
    expect(err).toContain("the invariants hold; SIMULATED");
  });

  test("watch: a terminal is given back as it was", async () => {
    const file = await write("drawn.yaml", shortTank({ duration: "3s" }));
    const { out } = await imuctl(["sim", "watch", file, "--speed", "1000"], { isTty: true });

    expect(out.startsWith("\u001b[?1049h\u001b[?25l")).toBe(true);
    expect(out.endsWith("\u001b[?25h\u001b[?1049l")).toBe(true);
    expect(out).toContain("SIMULATED  short-tank, seed 1");
  });
});
