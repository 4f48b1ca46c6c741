/** A simulated device that really ran a program once and was stopped: its record has evidence, guard and policy. */

import { NodeFiles } from "../../firmware/adapters/node-files.ts";
import { loadConfig } from "../../firmware/composition/config.ts";
import type { JsonObject } from "../../firmware/core/json.ts";
import type { Log } from "../../firmware/ports/log.ts";
import { until } from "../support/daemon.ts";
import { openDevice } from "../support/open-device.ts";
import { deviceFolder } from "../system/device-folder.ts";

/** Keeps the names of warnings. */
export function warnings(): { readonly log: Log; readonly seen: string[] } {
  const seen: string[] = [];
  const log: Log = {
    debug: () => undefined,
    info: () => undefined,
    warn: (event) => void seen.push(event),
    error: (event) => void seen.push(event),
    child: () => log,
  };
  return { log, seen };
}

/** Waters once: one reading, one effect, one claim with its reply. `level` is what the pump is set to. */
export const waterOnce = (change: JsonObject = {}, level: 0 | 1 = 1, moisture = 101): JsonObject => ({
  format: "imu.program/1",
  name: "irrigation",
  version: "1.0.0",
  isa: 1,
  capabilities: ["sensor.read", "gpio.write"],
  outputs: ["pump"],
  code: [
    { op: "CAP", name: "sensor.read", args: { input: "soil_moisture" } },
    { op: "STORE", reg: "reading" },
    { op: "GETK", oid: "reg:reading", key: "value" },
    { op: "PUSH", value: moisture },
    { op: "LT" },
    { op: "JZ", label: "DRY_ENOUGH" },
    { op: "CAP", name: "gpio.write", args: { output: "pump", value: level } },
    { op: "POP" },
    { op: "LABEL", name: "DRY_ENOUGH" },
    { op: "EVIDENCE", claim: "watered", sources: ["spi://0.0/ch0"] },
    { op: "RESPOND", status: 200, body: { watered: true } },
  ],
  ...change,
});

export interface Recorded {
  readonly config: string;
  readonly runId: string;
}

/** @param policy changes the greenhouse's policy. */
export async function recordedDevice(
  dir: string,
  program: JsonObject,
  policy?: (policy: JsonObject) => JsonObject,
): Promise<Recorded> {
  const made = await deviceFolder(dir, { programs: [program], ...(policy ? { policy } : {}) });
  const config = await loadConfig(new NodeFiles(), made.configPath);
  await using device = await openDevice(config, warnings().log);
  await device.start();
  await until("the board is locked", () => device.parts.boot.state === "locked");
  const name = String(program.name);
  const trigger = { kind: "command", name: "run.start" };
  const result = await device.parts.runs.start({ program: name, trigger });
  if (!result.ok) throw new Error(JSON.stringify(result));
  return { config: made.configPath, runId: result.runId };
}
