/** The demonstration: a simulated greenhouse with its own fleet, keys and broker, made at the first start and kept. */
import { join } from "node:path";
import { NodeFiles } from "../adapters/node-files.ts";
import { SystemEntropy } from "../adapters/system-entropy.ts";
import { loadConfig } from "./config.ts";
import type { Config } from "./config-schema.ts";
import type { Device } from "./device.ts";
import { initialise } from "./init.ts";

const PROBE_FAULT_AFTER_MS = 22_000;
const PROBE_FAULT_MS = 9000;

export interface Demo {
  readonly config: Config;
  readonly introduction: string;
  /** Tells what runs, and lets the soil probe fail for a while, so that a refusal can be seen. */
  started(device: Device, say: (line: string) => void): Disposable;
}

/** @param dir absolute folder; created with everything in it unless it holds a configuration. @param nowMs wall ms. */
export async function prepareDemo(dir: string, nowMs: number): Promise<Demo> {
  const files = new NodeFiles();
  const configPath = join(dir, "imud.yaml");
  if (!(await files.info(configPath))) {
    const broker = { embedded: { host: "127.0.0.1", port: 0 } };
    await initialise({
      files,
      entropy: new SystemEntropy(),
      nowMs,
      dir,
      board: "sim",
      fleet: "greenhouse",
      broker,
    });
  }
  const config = await loadConfig(files, configPath);
  const introduction = [
    "A greenhouse: BME280 on I2C, soil probe on an MCP3008 on SPI, GPS on serial, door switch, fan and pump relays.",
    `Its keys, configuration and state are in ${dir}; delete the folder to begin anew. Ctrl-C stops it safely.`,
    `In another terminal: node dist/firmware/cli/main.js --config ${configPath} status (or: ledger tail, ledger verify, runs)`,
    "",
  ].join("\n");
  return {
    config,
    introduction: `${introduction}\n`,
    started: (device, say) => {
      const { state, runs, link, board } = device.parts;
      const programs = [...runs.set.programs.keys()].join(", ");
      say(
        `${state.identity.deviceId} is running ${programs}; broker ${link.address ?? "none"}; ledger size ${state.ledger.head.size}`,
      );
      const faults = board.greenhouse?.hardware.faults;
      let timer = state.clock.after(PROBE_FAULT_AFTER_MS, () => {
        faults?.inject("spi:0.0", { kind: "stuck_high" });
        say("(the simulator unplugs the soil probe: watch the pump being refused)");
        timer = state.clock.after(PROBE_FAULT_MS, () => {
          faults?.clear("spi:0.0");
          say("(the soil probe is back)");
        });
      });
      return { [Symbol.dispose]: () => timer.cancel() };
    },
  };
}
