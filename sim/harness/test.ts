/**
 * The simulator for people's own tests (`imu-edge/sim`): real daemons with their policy and programs in a simulated
 * world. No global state, no real ports; files are only read. Works in every test runner; each simulation is its own.
 */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { nextTurn } from "../../firmware/adapters/event-loop.ts";
import { CodedError } from "../../firmware/core/errors.ts";
import type { JsonObject } from "../../firmware/core/json.ts";
import type { DurationText } from "../scenario/duration.ts";
import { expandRuns } from "../scenario/expand-runs.ts";
import { parseScenario, readScenario } from "../scenario/parse-scenario.ts";
import type { Run, Scenario } from "../scenario/types.ts";
import { doDeed } from "./deed-acts.ts";
import { outcomeOf, type RunOutcome } from "./outcome.ts";
import { failureText } from "./report-text.ts";
import { Sim } from "./sim.ts";
import { SimulatedDevice } from "./simulated-device.ts";

export type { DurationText } from "../scenario/duration.ts";
export type { RunOutcome } from "./outcome.ts";
export type { LedgerRow, OutputState, RunRow, SimulatedDevice } from "./simulated-device.ts";

export interface SimulateOptions {
  /** Instead of the scenario's first seed. */
  readonly seed?: number | string;
  /** Values of the scenario's `vary` that choose one run of its grid. */
  readonly vary?: JsonObject;
}

/** A run has broken an invariant or an expectation; the message is the whole report. */
export class SimulationFailed extends CodedError<"simulation_failed"> {
  readonly outcome: RunOutcome;

  constructor(outcome: RunOutcome) {
    super("simulation_failed", `The simulation has failed.\n${failureText(outcome)}`, {
      status: 500,
      details: { violations: outcome.violations.map(({ id, what }) => ({ id, what })) },
    });
    this.outcome = outcome;
  }
}

async function scenarioOf(source: string | URL | JsonObject): Promise<Scenario> {
  if (typeof source === "string" && source.includes("\n"))
    return parseScenario(source, resolve("scenario.yaml"));
  if (typeof source === "string" || source instanceof URL) {
    const path = typeof source === "string" ? resolve(source) : source.pathname;
    return parseScenario(await readFile(path, "utf8"), path);
  }
  return readScenario(source, resolve("scenario.yaml"));
}

/** A simulated fleet at work. */
export class Simulation {
  /** Everything there is, for what this class does not offer. */
  readonly sim: Sim;
  readonly #run: Run;

  constructor(sim: Sim, run: Run) {
    this.sim = sim;
    this.#run = run;
  }

  /** Virtual seconds since the beginning. */
  get now(): number {
    return this.sim.time.nowUs / 1e6;
  }

  /** Names of the devices. */
  get devices(): readonly string[] {
    return [...this.sim.members.keys()];
  }

  /** @throws CodedError `not_found` (404). */
  device(name: string): SimulatedDevice {
    return new SimulatedDevice(this.sim, this.sim.member(name));
  }

  /** Runs on by a duration such as `10m`, or to the scenario's end. @throws SimulationFailed as soon as a rule is broken. */
  async run(duration?: DurationText): Promise<void> {
    await this.sim.run(duration);
    await this.#failEarly();
  }

  /**
   * Runs until a condition holds, at most so long.
   * @throws CodedError `sim_budget_exceeded` (500) if it does not come true; SimulationFailed.
   */
  async until(condition: () => boolean, within: DurationText = "1h"): Promise<void> {
    try {
      await this.sim.until(condition, within);
    } catch (error) {
      await this.#failEarly();
      throw error;
    }
    await this.#failEarly();
  }

  /** A quantity of the world now, such as `tank1.level`, or `air@house-001.t` of one device. @throws CodedError `bad_args`. */
  world(name: string): number {
    this.sim.world.advanceTo(this.sim.time.nowUs);
    return this.sim.world.get(name);
  }

  /** Sets a quantity of the world; a state goes on from there, anything else keeps it. @throws CodedError `bad_args`. */
  setWorld(name: string, value: number): void {
    this.sim.world.advanceTo(this.sim.time.nowUs);
    this.sim.world.set(name, value);
  }

  /** Lets a fault strike now, written as in a scenario's timeline: `{ fault: 'cut', device: 'tank-001' }`. @throws ScenarioError. */
  fault(fault: JsonObject): void {
    const act = this.#act(fault);
    if ("fault" in act) this.sim.fault(act);
  }

  /** Does now what people and operators do, written as in a timeline: `{ do: 'press', device: …, line: 5 }`. @throws ScenarioError. */
  async do(deed: JsonObject): Promise<void> {
    const act = this.#act(deed);
    if ("do" in act) await this.sim.time.settle(doDeed(this.sim, act));
  }

  /** What has happened how often: an event of the ledgers, or a record of the trace as `sim.<kind>`. */
  count(event: string): number {
    const own = this.sim.counts.get(event) ?? 0;
    return [...this.sim.members.values()].reduce(
      (sum, { observer }) => sum + (observer.counts.get(event) ?? 0),
      own,
    );
  }

  /** Checks the invariants and the expectations. @throws SimulationFailed with what led to it and how to repeat it. */
  async end(): Promise<RunOutcome> {
    const outcome = await this.outcome();
    if (!outcome.ok) throw new SimulationFailed(outcome);
    return outcome;
  }

  /** As `end`, without throwing. */
  outcome(): Promise<RunOutcome> {
    return outcomeOf(this.sim, this.#run, null);
  }

  async #failEarly(): Promise<void> {
    if (this.sim.violations.all.length > 0) await this.end();
  }

  #act(entry: JsonObject): Scenario["timeline"][number]["act"] {
    const { document, file } = this.sim.scenario;
    const [read] = readScenario({ ...document, timeline: [{ at: 0, ...entry }] }, file).timeline;
    if (read) return read.act;
    throw new CodedError("scenario_invalid", "This is no entry of a timeline.", { status: 422 });
  }
}

/**
 * Makes the fleet of a scenario and switches it on; nothing has happened yet.
 * @param source path of a scenario file, its YAML text, or the document.
 * @throws ScenarioError; what a policy or program is refused with.
 */
export async function simulate(
  source: string | URL | JsonObject,
  options: SimulateOptions = {},
): Promise<Simulation> {
  const scenario = await scenarioOf(source);
  const seed = options.seed === undefined ? scenario.seeds.slice(0, 1) : [String(options.seed)];
  const run = expandRuns(scenario, seed).find(({ varied }) =>
    Object.entries(options.vary ?? {}).every(([name, value]) => varied[name] === value),
  );
  if (!run)
    throw new CodedError("not_found", `${scenario.name} has no run with these values.`, { status: 404 });
  const host = { turn: nextTurn, read: (path: string) => readFile(path) };
  return new Simulation(await Sim.create(run, { host }), run);
}
