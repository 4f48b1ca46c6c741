/** `imuctl sim`: the simulator, from its demonstration to fleets under faults. Nothing real is touched. */
import type { Command } from "commander";
import { act, add, type Cli } from "../command.ts";
import { addSimDemo, demo } from "./sim-demo.ts";
import { addSimFleet } from "./sim-fleet.ts";
import { addSimMinimize } from "./sim-minimize.ts";
import { addSimRecord } from "./sim-record.ts";
import { addSimReplay } from "./sim-replay.ts";
import { addSimRun } from "./sim-run.ts";
import { addSimSweep } from "./sim-sweep.ts";
import { addSimWatch } from "./sim-watch.ts";

export function addSim(program: Command, cli: Cli): void {
  const group = add(program, "sim", {
    does: "simulate devices: scenarios with faults, live pictures, incidents; alone it starts the demonstration",
    examples: ["imuctl sim", "imuctl sim run examples/scenarios/tank.yaml"],
    exits: "0 ok, 1 an invariant or expectation failed, 2 the scenario cannot be run",
  }).action(act(cli, demo));
  addSimDemo(group, cli);
  addSimRun(group, cli);
  addSimWatch(group, cli);
  addSimSweep(group, cli);
  addSimMinimize(group, cli);
  addSimReplay(group, cli);
  addSimRecord(group, cli);
  addSimFleet(group, cli);
}
