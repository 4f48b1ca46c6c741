import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ControlServer } from "../../firmware/adapters/control-socket.ts";
import { GREENHOUSE } from "../../firmware/composition/package-info.ts";
import { CodedError } from "../../firmware/core/errors.ts";
import { imuctl, RUN_ID, SUM_PROGRAM, stoppedDevice, tempDir } from "./support.ts";

describe("the command line", () => {
  test.each([
    ["no command", []],
    ["an unknown command", ["frobnicate"]],
    ["an unknown option", ["status", "--frobnicate"]],
    ["a missing argument", ["replay"]],
    ["an argument too many", ["ledger", "head", "extra"]],
    ["a group without a command", ["ledger"]],
    ["a count that is none", ["ledger", "tail", "-n", "many"]],
    ["a negative index", ["ledger", "show", "--", "-1"]],
    ["a payload that is no JSON", ["run", "x", "--payload", "{"]],
    ["a payload that is no object", ["run", "x", "--payload", "[1]"]],
    ["a command without a key", ["send", "status.get"]],
  ])("%s is bad usage: exit 2, and no stack trace", async (_, argv) => {
    const { code, err } = await imuctl(argv);

    expect(code).toBe(2);
    expect(err).not.toMatch(/\n\s+at /);
    expect(err.length).toBeGreaterThan(0);
  });

  test.each([
    ["--help", /Commands:[\s\S]*Exit codes: 0 ok/],
    ["--version", /^\d+\.\d+\.\d+\n$/],
  ])("%s answers on standard output and exits 0", async (flag, text) => {
    const { code, out } = await imuctl([flag]);

    expect(code).toBe(0);
    expect(out).toMatch(text);
  });

  test("every command explains itself", async () => {
    const { out } = await imuctl(["--help"]);
    const section = /Commands:\n([\s\S]*?)\n\n/.exec(out)?.[1] ?? "";
    const names = [...section.matchAll(/^ {2}([a-z]+)/gm)].map((match) => match[1] ?? "");
    expect(names.length).toBeGreaterThan(10);

    const pages = await Promise.all(
      names.map((name) => imuctl(name === "help" ? ["--help"] : [name, "--help"])),
    );

    expect(pages.map(({ code }) => code)).toEqual(names.map(() => 0));
  });

  test("a missing configuration is named with what creates it", async () => {
    const { code, err } = await imuctl(["status", "--config", "/nowhere/imud.yaml"]);

    expect(code).toBe(1);
    expect(err).toContain("config_invalid: /nowhere/imud.yaml: the configuration file does not exist.");
    expect(err).toContain("imuctl init --config /nowhere/imud.yaml");
    expect(err).not.toMatch(/\n\s+at /);
  });

  test("--debug adds the stack, --json an error for scripts", async () => {
    const { out, err } = await imuctl(["status", "--config", "/nowhere/imud.yaml", "--debug", "--json"]);

    expect(err).toMatch(/\n\s+at /);
    expect(JSON.parse(out)).toMatchObject({ ok: false, error: { code: "config_invalid", status: 422 } });
  });

  test("what the operating system refuses is an error with a remedy, not an internal one", async () => {
    await using dir = await tempDir();
    const { code, err } = await imuctl(["program", "check", dir.path]);
    const evidence = await imuctl(["evidence", "import", dir.path, "--state", join(dir.path, "s")]);

    expect([code, evidence.code]).toEqual([1, 1]);
    expect(`${err}${evidence.err}`).toMatch(/imuctl: io_error: EISDIR.*\nremedy: /);
    expect(`${err}${evidence.err}`).not.toContain("internal");
  });

  test("IMUD_CONFIG names the configuration, --config goes before it", async () => {
    const env = { IMUD_CONFIG: "/from-env.yaml" };

    const byEnv = await imuctl(["status"], { env });
    const byOption = await imuctl(["status", "--config", "/from-option.yaml"], { env });

    expect(byEnv.err).toContain("/from-env.yaml");
    expect(byOption.err).toContain("/from-option.yaml");
  });
});

describe("imuctl program check", () => {
  test("verifies the programs of the greenhouse with the capabilities of this version", async () => {
    const names = ["climate", "door-alarm", "irrigation"];

    const { code, out } = await imuctl([
      "program",
      "check",
      ...names.map((n) => join(GREENHOUSE, `programs/${n}.json`)),
    ]);

    expect(code).toBe(0);
    expect(
      out
        .trimEnd()
        .split("\n")
        .map((row) => row.split("\t")[1]),
    ).toEqual(["verified", "verified", "verified"]);
  });

  test.each([
    ["an unknown capability", { capabilities: ["warp.drive"] }, "unknown_capability\tdocument\twarp.drive"],
    ["a jump to nowhere", { code: [{ op: "JUMP", label: "NOWHERE" }] }, "unknown_label\tcode\t0"],
    ["a pop of nothing", { code: [{ op: "POP" }, { op: "HALT" }] }, "stack_underflow\tcode\t0"],
    [
      "an argument beyond its bounds",
      {
        capabilities: ["gpio.write"],
        outputs: ["pump"],
        code: [{ op: "CAP", name: "gpio.write", args: { output: "pump", value: 7 } }, { op: "HALT" }],
      },
      "contract_violation\tcode\t0",
    ],
  ])("names %s with unit and index, exit 1", async (_, change, issue) => {
    await using dir = await tempDir();
    const file = join(dir.path, "bad.json");
    await writeFile(file, JSON.stringify({ ...(SUM_PROGRAM as object), ...change }));

    const { code, out } = await imuctl(["program", "check", file]);

    expect(code).toBe(1);
    expect(out).toContain("\terror\t");
    expect(out).toContain(issue);
  });

  test("a file that is no JSON is named with its line; the other files are still checked", async () => {
    await using dir = await tempDir();
    await writeFile(join(dir.path, "broken.json"), '{\n"format": 1,,\n}');
    await writeFile(join(dir.path, "sum.json"), JSON.stringify(SUM_PROGRAM));

    const { code, out } = await imuctl(["program", "check", "broken.json", "missing.json", "sum.json"], {
      cwd: dir.path,
    });

    expect(code).toBe(1);
    const rows = out
      .trimEnd()
      .split("\n")
      .map((row) => row.split("\t"));
    expect(rows.map((row) => row.slice(0, 2))).toEqual([
      ["broken.json", "error"],
      ["missing.json", "error"],
      ["sum.json", "verified"],
    ]);
    expect(rows[0]?.[4]).toMatch(/^line \d$/);
    expect(rows[1]?.[2]).toBe("not_found");
  });
});

describe("imuctl board and capabilities", () => {
  test("lists the boards and shows pins of the simulated one", async () => {
    const list = await imuctl(["board", "list"]);
    const show = await imuctl(["board", "show", "sim"]);

    expect(list.out.split("\n").map((row) => row.split("\t")[0])).toContain("raspberry-pi-4");
    expect(show.code).toBe(0);
    expect(show.out).toContain("11\tgpio://gpiochip0/17\tGPIO17\t");
    expect(show.out).toContain("there is nothing to inspect");
  });

  test("inspects this machine for a real board, gives every remedy, and changes nothing", async () => {
    const { code, out } = await imuctl(["board", "show", "raspberry-pi-4", "--json"]);

    const { inspection } = JSON.parse(out);
    expect(code).toBe(inspection.missing.length === 0 ? 0 : 1);
    for (const need of inspection.missing) expect(need.howTo.length).toBeGreaterThan(10);
  });

  test("an unknown board and an unknown capability are refused by name", async () => {
    const board = await imuctl(["board", "show", "toaster"]);
    const capability = await imuctl(["capabilities", "toast"]);

    expect(board.err).toContain('unknown_board: There is no board "toaster".');
    expect(capability.err).toContain('unknown_capability: There is no capability "toast".');
    expect([board.code, capability.code]).toEqual([1, 1]);
  });

  test("shows a contract by its alias", async () => {
    const { out } = await imuctl(["capabilities", "gpio_write", "--json"]);

    expect(JSON.parse(out)).toMatchObject({ id: "gpio.write", class: "effect", costMilli: 500 });
  });
});

describe("a daemon, running and stopped", () => {
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let device: Awaited<ReturnType<typeof stoppedDevice>>;

  beforeAll(async () => {
    dir = await tempDir();
    device = await stoppedDevice(join(dir.path, "device"));
    await mkdir(join(dir.path, "device/run"));
  });
  afterAll(() => dir[Symbol.asyncDispose]());

  const listen = (handler: Parameters<typeof ControlServer.listen>[1]) =>
    ControlServer.listen(join(dir.path, "device/run/imud.sock"), handler);

  test("status of a stopped daemon says so, and how its last life ended", async () => {
    const { code, out } = await imuctl(["status", "--config", device.config, "--json"]);

    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      running: false,
      lastShutdown: "clean",
      factoryPolicy: { id: "greenhouse", version: 1 },
      factoryPrograms: ["climate", "door-alarm", "irrigation"],
      ledger: { size: 8 },
    });
  });

  test("lists and shows the recorded runs", async () => {
    const list = await imuctl(["runs", "--config", device.config]);
    const none = await imuctl(["runs", "--program", "other", "--config", device.config]);
    const show = await imuctl(["runs", "show", RUN_ID, "--config", device.config, "--json"]);

    expect(list.out).toMatch(new RegExp(`^${RUN_ID}\t2025-06-15T15:06:40.000Z\tsum\tresponded\t200\t`));
    expect(none.out).toBe("");
    expect(JSON.parse(show.out).run.outcome.body).toEqual({ sum: 5 });
  });

  test("asks a running daemon, and does not touch its files", async () => {
    const asked: unknown[] = [];
    await using _server = await listen(async (method, params) => {
      asked.push([method, params]);
      return { size: 3, entries: [] };
    });

    const { code, err } = await imuctl(["ledger", "tail", "-n", "3", "--config", device.config]);

    expect(code).toBe(0);
    expect(asked).toEqual([["ledger.tail", { n: 3 }]]);
    expect(err).toBe("");
  });

  test("a refusal of the daemon arrives with its code, exit 1, and is not read around", async () => {
    await using _server = await listen(async () => {
      throw new CodedError("ledger_unavailable", "The ledger cannot be written.", { status: 503 });
    });

    const tail = await imuctl(["ledger", "tail", "--config", device.config]);
    const run = await imuctl(["run", "climate", "--config", device.config]);

    expect([tail.code, run.code]).toEqual([1, 1]);
    expect(tail.err).toContain("ledger_unavailable: The ledger cannot be written.");
  });

  test("a run that the guard refused exits 1 and prints why", async () => {
    await using _server = await listen(async (_method, params) => {
      expect(params).toEqual({ program: "climate", payload: { a: 1 } });
      return { ok: false, runId: "r1", status: 412, reason: "no_evidence" };
    });

    const { code, out } = await imuctl(["run", "climate", "--payload", '{"a":1}', "--config", device.config]);

    expect(code).toBe(1);
    expect(out).toContain("reason\tno_evidence\n");
  });

  test.each([
    [true, "p", 0, "would be done"],
    [false, "p", 1, "would be refused"],
    [false, null, 2, "would be refused"],
  ])("a plan (ok %s, hash %s) exits %i and says what would happen", async (ok, planHash, exit, text) => {
    await using _server = await listen(async () => ({ ok, planHash, findings: [] }));

    const { code, out } = await imuctl([
      "plan",
      "gpio.write",
      "--program",
      "climate",
      "--config",
      device.config,
    ]);

    expect(code).toBe(exit);
    expect(out).toContain(`plan\t${text}\n`);
  });

  test("a plan of an effect says that the run needs the evidence of the guard", async () => {
    const guard = { minTrust: 0.6, requiredKinds: ["sensor_read"] };
    await using _server = await listen(async () => ({ ok: true, planHash: "p", guard, findings: [] }));

    const { out } = await imuctl(["plan", "gpio.write", "--program", "climate", "--config", device.config]);

    expect(out).toContain("plan\twould be done, if the run has the evidence that the guard asks for\n");
    expect(out).toContain("sensor_read");
  });

  test("what only a daemon can do is refused with how to start it", async () => {
    const { code, err } = await imuctl(["run", "climate", "--config", device.config]);

    expect(code).toBe(1);
    expect(err).toMatch(/daemon_not_running: .*\nremedy: start it: sudo systemctl start imud/);
  });

  test("text of others cannot steer the terminal", async () => {
    await using _server = await listen(async () => ({
      entries: [{ index: 1, ts: 1e300, event: { kind: "run", actor: "\u001b[2J\u009b31m", data: {} } }],
    }));

    const { out } = await imuctl(["ledger", "tail", "--config", device.config]);

    expect(out).toContain("\\u001b[2J\\u009b31m");
    expect(out).not.toContain("\u001b");
  });
});
