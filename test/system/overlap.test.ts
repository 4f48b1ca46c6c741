import { setTimeout as wait } from "node:timers/promises";
import { expect, test } from "vitest";
import { isJsonObject, type Json } from "../../firmware/core/json.ts";
import { Daemon, TemporaryFolder, until } from "../support/daemon.ts";
import { deviceFolder, program } from "./device-folder.ts";

const activeIn = (status: Json): unknown =>
  isJsonObject(status) && isJsonObject(status.runs ?? null)
    ? (status.runs as { active?: unknown }).active
    : null;
const endOf = (run: Json): unknown => (isJsonObject(run) ? (run.state ?? run.code) : null);

test.each([
  ["skip", ["halted", "concurrency_exceeded", "concurrency_exceeded", "concurrency_exceeded"]],
  ["queue", ["halted", "halted", "concurrency_exceeded", "concurrency_exceeded"]],
  ["restart", ["cut", "cut", "cut", "halted"]],
])(
  "a program that is triggered while it runs never runs twice at once: overlap %s",
  async (overlap, ends) => {
    await using folder = await TemporaryFolder.create();
    const slow = program("climate", { overlap, code: [{ op: "SLEEP_MS", ms: 400 }, { op: "HALT" }] });
    await deviceFolder(folder.path, { programs: [slow] });
    await using daemon = await Daemon.start(folder.path);
    const trigger = (): Promise<Json> => daemon.ask("run.start", { program: "climate" });

    const first = trigger();
    await until("it runs", async () => activeIn(await daemon.ask("status")) === 1);
    const others = [trigger(), trigger(), trigger()];
    await wait(50);
    const active = activeIn(await daemon.ask("status"));
    const runs = await Promise.all([first, ...others]);
    await daemon.end("SIGTERM");

    expect(active).toBe(1);
    // The order in which three connections are accepted is not the test's business.
    expect(runs.map(endOf).sort()).toEqual([...ends].sort());
  },
);
