/** Load on a whole daemon over the host's platform: its programs run as fast as they settle. */
import { NodeFiles } from "../../firmware/adapters/node-files.ts";
import { loadConfig } from "../../firmware/composition/config.ts";
import { Device } from "../../firmware/composition/device.ts";
import { hostPlatform } from "../../firmware/composition/host-platform.ts";
import type { Log } from "../../firmware/ports/log.ts";
import type { Told } from "./lines.ts";

const silent: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silent,
};

/** Runs one program again and again; each is acknowledged once the daemon says that it has settled. */
async function keepRunning(device: Device, program: string, tell: (told: Told) => void): Promise<never> {
  for (let n = 0; ; n++) {
    const trigger = { kind: "schedule", n };
    const result = await device.parts.runs.start({ program, trigger });
    if (!result.ok) {
      await device.parts.state.clock.sleep(5);
      continue;
    }
    const { entry } = result.report;
    tell({ t: "run", runId: result.runId, program, index: entry?.index ?? null, hash: entry?.hash ?? null });
  }
}

export async function loadDaemon(configPath: string, tell: (told: Told) => void): Promise<void> {
  const config = await loadConfig(new NodeFiles(), configPath);
  const device = await Device.open(config, { platform: hostPlatform(config), log: silent });
  await device.start();
  tell({ t: "up" });
  const names = [...device.parts.runs.set.programs.keys()];
  await Promise.all(names.map((name) => keepRunning(device, name, tell)));
}
