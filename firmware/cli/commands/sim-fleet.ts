/** `imuctl sim fleet`: a scenario with many devices, and what it costs to simulate them. */
import type { Command } from "commander";
import { FleetMeasure, scenarioOfCount } from "../../../sim/harness/fleet-measure.ts";
import { execute, type RunOutcome } from "../../../sim/harness/outcome.ts";
import { failureText } from "../../../sim/harness/report-text.ts";
import { durationText } from "../../../sim/scenario/duration.ts";
import { SCENARIO_LIMITS } from "../../core/limits.ts";
import { add, type Cli, countOption, type Handler, textOption } from "../command.ts";
import type { Session } from "../session.ts";
import { commandHost, readScenarioFile, runOf } from "../sim/job.ts";
import { durationOption } from "../sim/options.ts";
import { actOnScenario, Progress, percent } from "../sim/scenario-command.ts";
import { pairs, safe } from "../text.ts";

const MIB = 1024 * 1024;
const rounded = (value: number): number => Math.round(value * 10) / 10;

/** Heap and what lies outside of it, in bytes; exact only where the collector can be asked. */
function memoryBytes(): number {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function rows(outcome: RunOutcome, measure: FleetMeasure, cost: { ms: number; bytes: number }) {
  const { simulatedUs, devices, events, records } = outcome;
  const seconds = Math.max(0.001, cost.ms / 1000);
  const { messages, messageBytes, online, running, convergedSinceUs } = measure.measures;
  return {
    devices,
    simulated: durationText(Math.floor(simulatedUs / 1000) * 1000),
    seconds: rounded(seconds),
    realTime: rounded(simulatedUs / 1e6 / seconds),
    deviceSecondsPerSecond: rounded((simulatedUs / 1e6 / seconds) * devices),
    events,
    eventsPerSecond: Math.round(events / seconds),
    records,
    messages,
    messageBytes,
    messagesPerDeviceHour: rounded(messages / devices / (simulatedUs / 3.6e9)),
    memoryMiBPerDevice: rounded(cost.bytes / MIB / devices),
    running,
    online,
    convergedSinceS: convergedSinceUs === null ? null : rounded(convergedSinceUs / 1e6),
    traceHash: outcome.traceHash,
  };
}

function progressText(session: Session, share: number, startMs: number, simulatedUs: number): string {
  const seconds = Math.max(0.001, (session.io.clock.monoMs() - startMs) / 1000);
  return `${percent(share)}  ×${rounded(simulatedUs / 1e6 / seconds)} real time`;
}

const fleet: Handler = async (session, { args, options }) => {
  const written = await readScenarioFile(session.path(args[0] ?? ""));
  const count =
    options.count === undefined
      ? written.groups.reduce((sum, { ids }) => sum + ids.length, 0)
      : countOption(options.count, "--count", SCENARIO_LIMITS.devices);
  const scenario = scenarioOfCount(written, count);
  const run = runOf(scenario, { seed: textOption(options.seed) ?? scenario.seeds[0] ?? "1", variant: 0 });
  using progress = new Progress(session);
  const beforeBytes = memoryBytes();
  let peakBytes = 0;
  let measure: FleetMeasure | null = null;
  const startMs = session.io.clock.monoMs();
  const outcome = await execute(run, {
    host: commandHost,
    signal: session.io.signal,
    observe: options.check === true,
    untilUs: durationOption(options.until, "--until"),
    elapsedMs: () => session.io.clock.monoMs(),
    prepare: (sim) => {
      measure = new FleetMeasure(sim);
    },
    onProgress: (sim, endUs) => {
      measure?.look();
      if (sim.time.nowUs >= endUs) peakBytes = memoryBytes();
      progress.show(progressText(session, sim.time.nowUs / endUs, startMs, sim.time.nowUs));
    },
  });
  progress.clear();
  if (!measure) return session.exit(false);
  const cost = { ms: session.io.clock.monoMs() - startMs, bytes: Math.max(0, peakBytes - beforeBytes) };
  const measured = rows(outcome, measure, cost);
  session.result(
    { ok: outcome.ok, ...measured, violations: outcome.violations },
    pairs(Object.entries(measured)),
  );
  if (!session.isJson) session.io.err(failureText(outcome).split("\n").map(safe).join("\n"));
  session.note(
    `${options.check === true ? "invariants were checked" : "only expectations were checked"}; SIMULATED`,
  );
  return session.exit(outcome.ok);
};

export function addSimFleet(group: Command, cli: Cli): void {
  add(group, "fleet <file>", {
    does: "run a scenario with many devices and measure: speed, events, memory, messages, convergence",
    examples: ["imuctl sim fleet examples/scenarios/fleet.yaml --count 200 --until 10m"],
    exits: "0 ok, 1 an expectation or, with --check, an invariant failed, 2 the scenario cannot be run",
  })
    .option("--count <n>", "devices in all, shared among the groups (default: as written)")
    .option("--seed <seed>", "seed (default: the scenario's first)")
    .option("--until <time>", "end at this time of the run")
    .option("--check", "keep what the invariants need and check them; takes more memory")
    .action(actOnScenario(cli, fleet));
}
