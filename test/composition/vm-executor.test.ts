import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { askDaemon } from "../../firmware/adapters/control-socket.ts";
import { NodeFiles } from "../../firmware/adapters/node-files.ts";
import { loadConfig, parseConfig } from "../../firmware/composition/config.ts";
import { statusSummary } from "../../firmware/composition/summaries.ts";
import { executorInUse, executorText } from "../../firmware/composition/vm-executor.ts";
import type { Json } from "../../firmware/core/json.ts";
import { warnings } from "../cli/recorded-device.ts";
import { imuctl } from "../cli/support.ts";
import { TemporaryFolder, until } from "../support/daemon.ts";
import { openDevice } from "../support/open-device.ts";
import { deviceFolder } from "../system/device-folder.ts";

const MAIN = fileURLToPath(new URL("../../firmware/main.ts", import.meta.url));
const minimal = "board: sim\nfleet: farm\nstateDir: state\npolicyFile: policy.json\nprogramsDir: programs\n";

describe("who runs programs", () => {
  test.each([
    ["tiered", "available", "tiered", null],
    ["compiled", "available", "compiled", null],
    ["tiered", "unavailable", "interpreter", "code generation is disabled"],
    ["compiled", "unavailable", "interpreter", "code generation is disabled"],
    ["interpreter", "unavailable", "interpreter", null],
  ] as const)("%s, code generation %s: %s", (configured, compiler, executor, reason) => {
    expect(executorInUse(configured, compiler)).toEqual({ configured, executor, reason });
  });

  test("is said in words", () => {
    expect(executorText({ executor: "interpreter", reason: "code generation is disabled" })).toBe(
      "interpreter (code generation is disabled)",
    );
  });

  test("is one of three in the configuration, tiered by default", () => {
    expect(parseConfig(minimal, "imud.yaml").vm).toEqual({ maxRuns: 16, executor: "tiered" });
    expect(parseConfig(`${minimal}vm: { executor: compiled }\n`, "imud.yaml").vm.executor).toBe("compiled");
    expect(() => parseConfig(`${minimal}vm: { executor: fast }\n`, "imud.yaml")).toThrow(/vm\.executor/);
  });

  test("a device that is told to interpret says so, and runs", async () => {
    await using folder = await TemporaryFolder.create();
    const { configPath } = await deviceFolder(folder.path, { config: "vm:\n  executor: interpreter\n" });
    const { log, seen } = warnings();
    await using device = await openDevice(await loadConfig(new NodeFiles(), configPath), log);
    await device.start();

    expect(statusSummary(device.parts).vm).toEqual({
      configured: "interpreter",
      executor: "interpreter",
      reason: null,
    });
    expect(seen).not.toContain("vm_executor");
    await until("a program ran", () => device.parts.state.ledger.head.size > 3);
  }, 20_000);
});

async function stopped(daemon: ChildProcess): Promise<void> {
  if (daemon.exitCode !== null || daemon.signalCode !== null) return;
  daemon.kill("SIGTERM");
  await once(daemon, "exit");
}

/** Null while the daemon does not answer yet. */
async function statusOf(socket: string): Promise<Json> {
  try {
    return await askDaemon(socket, "status", {}, 2000);
  } catch {
    return null;
  }
}

test("a daemon that may not generate code starts, interprets, and says it once in its log and in its status", async () => {
  await using folder = await TemporaryFolder.create();
  const { configPath } = await deviceFolder(folder.path);
  const { runDir } = await loadConfig(new NodeFiles(), configPath);
  const args = ["--disallow-code-generation-from-strings", "--import", "tsx", MAIN, "--config", configPath];
  const daemon = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  daemon.stderr.on("data", (chunk: Buffer) => {
    log += chunk.toString();
  });
  try {
    const socket = join(runDir, "imud.sock");
    await until("the daemon answers", async () => (await statusOf(socket)) !== null, 30_000);
    const text = await imuctl(["status", "--config", configPath]);
    const json = await imuctl(["status", "--json", "--config", configPath]);

    expect(text.out).toContain("vm\tinterpreter (code generation is disabled)\n");
    expect(JSON.parse(json.out)).toMatchObject({ vm: { configured: "tiered", executor: "interpreter" } });
    expect(log.split("\n").filter((line) => line.includes('"vm_executor"'))).toHaveLength(1);
  } finally {
    await stopped(daemon);
  }
}, 60_000);
