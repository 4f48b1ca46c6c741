/** Makes a fleet of this suite and runs it; for the processes that measure it. */
import { nextTurn } from "../../../../firmware/adapters/event-loop.ts";
import { Sim } from "../../../../sim/harness/sim.ts";
import { expandRuns } from "../../../../sim/scenario/expand-runs.ts";
import { parseScenario } from "../../../../sim/scenario/parse-scenario.ts";
import { type ProgramName, scenarioText } from "../scenarios.ts";

/** Nothing is read: the scenario holds its documents. */
const host = {
  turn: nextTurn,
  read: (path: string) => Promise.reject(new Error(`${path} is not read here.`)),
};

/** @throws Error if the scenario gives no run. */
export async function newFleet(name: string, devices: number): Promise<Sim> {
  const file = `bench-${name}.json`;
  const [run] = expandRuns(parseScenario(scenarioText(name as ProgramName, devices), file));
  if (run === undefined) throw new Error("The scenario has no run.");
  // Without invariants: they are checked by the product's own tests, and cost what they keep.
  return Sim.create(run, { host, observe: false });
}

export const runningOf = (sim: Sim): number =>
  [...sim.members.values()].filter(({ device }) => device.isRunning).length;
