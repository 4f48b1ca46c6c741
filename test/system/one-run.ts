/** One run of one program in a whole simulated daemon, under a policy that a test may change. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { NodeFiles } from "../../firmware/adapters/node-files.ts";
import { loadConfig } from "../../firmware/composition/config.ts";
import type { Device } from "../../firmware/composition/device.ts";
import type { JsonObject } from "../../firmware/core/json.ts";
import { warnings } from "../cli/recorded-device.ts";
import { TemporaryFolder, until } from "../support/daemon.ts";
import { openDevice } from "../support/open-device.ts";
import { deviceFolder, program } from "./device-folder.ts";

export const SOIL = "spi://0.0/ch0";
export const AIR = "i2c://1/0x76/humidity";

/** Reads an input: `<name>_value` holds the value, `<name>_ids` the evidence. */
export const read = (input: string, name: string): readonly JsonObject[] => [
  { op: "CAP", name: "sensor.read", args: { input }, evidence: `${name}_ids` },
  { op: "STORE", reg: name },
  { op: "GETK", oid: `reg:${name}`, key: "value" },
  { op: "STORE", reg: `${name}_value` },
];

/** Switches the pump on and ends. */
export const PUMP_ON: readonly JsonObject[] = [
  { op: "CAP", name: "gpio.write", args: { output: "pump", value: 1 } },
  { op: "POP" },
  { op: "HALT" },
];

export const irrigation = (code: readonly JsonObject[]): JsonObject =>
  program("irrigation", {
    capabilities: ["gpio.read", "gpio.write", "sensor.read"],
    outputs: ["pump"],
    code,
  });

/** A change of the policy: members replaced, and what the pump demands. */
export const policyWith =
  (requires: JsonObject, more: JsonObject = {}) =>
  (policy: JsonObject): JsonObject => ({
    ...policy,
    ...more,
    outputs: (policy.outputs as readonly JsonObject[]).map((output) =>
      output.name === "pump" ? { ...output, requires } : output,
    ),
  });

/** Starts a device with this program alone and hands it over when it may act. */
export async function withDevice<T>(
  document: JsonObject,
  policy: (policy: JsonObject) => JsonObject,
  use: (device: Device) => Promise<T>,
  sources?: JsonObject | ((folder: string) => Promise<JsonObject>),
  yaml: (text: string) => string = (text) => text,
): Promise<T> {
  await using folder = await TemporaryFolder.create();
  const config = sources === undefined ? "" : "sourcesFile: sources.json\n";
  const made = await deviceFolder(folder.path, { programs: [document], policy, config });
  const list = typeof sources === "function" ? await sources(folder.path) : sources;
  if (list) await writeFile(join(folder.path, "sources.json"), JSON.stringify(list));
  await writeFile(made.configPath, yaml(await readFile(made.configPath, "utf8")));
  await using device = await openDevice(await loadConfig(new NodeFiles(), made.configPath), warnings().log);
  await device.start();
  await until("the board is locked", () => device.parts.boot.state === "locked");
  return await use(device);
}

/** Runs the program once, as its schedule would: a command would be evidence by itself. */
export async function runOnce(device: Device, dry = false) {
  const request = { program: "irrigation", trigger: { kind: "interval" }, dry };
  const result = await device.parts.runs.start(request);
  if (!result.ok) throw new Error(JSON.stringify(result));
  return result.report;
}

/** How the run ended: its state, or the code of its error. */
export const endOf = (
  document: JsonObject,
  policy: (policy: JsonObject) => JsonObject,
  sources?: JsonObject,
): Promise<string> => withDevice(document, policy, endOfRun, sources);

async function endOfRun(device: Device): Promise<string> {
  const { state, outcome } = (await runOnce(device)).record;
  return outcome.error === null ? state : outcome.error.code;
}
