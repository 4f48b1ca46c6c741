import { expect, test } from "vitest";
import { NodeFiles } from "../../firmware/adapters/node-files.ts";
import { loadConfig } from "../../firmware/composition/config.ts";
import type { Log } from "../../firmware/ports/log.ts";
import { TemporaryFolder, until } from "../support/daemon.ts";
import { openDevice } from "../support/open-device.ts";
import { deviceFolder } from "../system/device-folder.ts";

const silent: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silent,
};

test("a board whose output hardware appears later is bound then: outputs safe first, programs after", async () => {
  await using folder = await TemporaryFolder.create();
  const { configPath } = await deviceFolder(folder.path);
  await using device = await openDevice(await loadConfig(new NodeFiles(), configPath), silent);
  const { boot, board, events } = device.parts;
  const order: string[] = [];
  events.on("test", "safe", ({ reason }) => void order.push(`safe:${reason}`));
  events.on("test", "run", ({ result }) => void (result.ok && order.push("run")));
  board.greenhouse?.hardware.setPresent("gpio:gpiochip0", false);
  await device.start();
  expect(boot.state).toBe("binding");

  board.greenhouse?.hardware.setPresent("gpio:gpiochip0", true);
  await until("the board is locked", () => boot.state === "locked", 15_000);
  await until("a program ran", () => order.includes("run"), 5000);

  expect(order.indexOf("safe:bound")).toBeGreaterThan(-1);
  expect(order.indexOf("safe:bound")).toBeLessThan(order.indexOf("run"));
}, 30_000);
