/** The tank example, short and with a timeline of its own. */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { nextTurn } from "../../../firmware/adapters/event-loop.ts";
import type { JsonObject } from "../../../firmware/core/json.ts";
import { Sim } from "../../../sim/harness/sim.ts";
import { expandRuns } from "../../../sim/scenario/expand-runs.ts";
import { readScenario } from "../../../sim/scenario/parse-scenario.ts";
import type { Run } from "../../../sim/scenario/types.ts";

const FILE = fileURLToPath(new URL("../../../examples/scenarios/tank.yaml", import.meta.url));

export const host = { turn: nextTurn, read: (path: string) => readFile(path) };

export const tankDocument = (change: JsonObject = {}): JsonObject => ({
  name: "small-tank",
  seed: 1,
  duration: "1m",
  fleet: { id: "water", root: "sim", operators: [{ id: "op-1", scopes: ["command", "deploy"] }] },
  devices: [
    {
      prefix: "tank-",
      board: "raspberry-pi-4",
      policy: "../tank/policy.json",
      programs: ["../tank/programs/fill.json"],
      ppm: 20,
      rtc: true,
      wiring: [
        { model: "relay", line: 17, drives: "tank1.pump", safe: "off" },
        { model: "float", line: 23, reads: { level: { of: "tank1.level", offset: -0.4 } } },
        {
          model: "ads1115",
          bus: "i2c-1",
          address: "0x48",
          reads: { ain0: { of: "tank1.level", gain: 2.5, offset: 0.5 } },
        },
      ],
      sensors: [
        {
          uri: "i2c://1/0x48/ch0",
          driver: "ads1115",
          scale: 0.4,
          offset: -0.2,
          unit: "m",
          min: -0.02,
          max: 1.02,
        },
      ],
    },
  ],
  world: { tank1: { kind: "tank", level: 0.3, height: 1, area: 0.5, qIn: 0.01, qOut: 0.004, valve: 0.5 } },
  expect: [{ always: "tank1.level < 0.95" }],
  ...change,
});

export function tankRun(options: { readonly seed?: string } = {}, change: JsonObject = {}): Run {
  const scenario = readScenario(tankDocument(change), FILE);
  const [run] = expandRuns(scenario, options.seed === undefined ? undefined : [options.seed]);
  if (!run) throw new Error("the scenario has no run");
  return run;
}

/** A simulation of the small tank that has been switched on at time 0 and not run yet. */
export async function smallTank(
  change: JsonObject = {},
  options: { readonly seed?: string; readonly observe?: boolean } = {},
): Promise<Sim> {
  return Sim.create(tankRun(options, change), { host, observe: options.observe ?? true });
}
