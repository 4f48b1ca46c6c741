/** I3: recorded runs come out the same again, on both executors, with the same steps and bytes (vm.md 11). */
import { detachedRegistry } from "../../../firmware/composition/state-capabilities.ts";
import { exportRun, readRunExport } from "../../../firmware/composition/state-export.ts";
import { replayRun } from "../../../firmware/composition/state-replay.ts";
import { codeOf } from "../../../firmware/core/errors.ts";
import type { JsonObject } from "../../../firmware/core/json.ts";
import { ContentStore } from "../../../firmware/evidence/index.ts";
import type { Clock } from "../../../firmware/ports/clock.ts";
import { capabilityView } from "../../../firmware/runs/index.ts";
import type { CapabilityView } from "../../../firmware/vm/index.ts";
import type { RunRecord } from "../../../firmware/vm/types.ts";
import { SeededEntropy } from "../../time/entropy.ts";
import type { DeviceFacts } from "./facts.ts";
import type { Invariant, InvariantContext } from "./invariant.ts";
import { sampled } from "./sampling.ts";

/** Runs replayed per device and program: each costs a few milliseconds. */
const REPLAYED_RUNS = 2;
/** Programs of one device that are looked at; more have their turn by chance of their names' order. */
const REPLAYED_PROGRAMS = 6;

const never = (): never => {
  throw new TypeError("Nothing waits while contracts are read.");
};

/** Contracts are read, nothing is done: time stands still. */
const STILL: Clock = {
  bootId: "0".repeat(16),
  wallMs: () => 0,
  monoMs: () => 0,
  trust: () => "unknown",
  sleep: never,
  after: never,
  yield: never,
};

/** A few runs of each program, the longest among them: what is rare in a program is where executors differ. */
function chosen(runs: readonly RunRecord[]): readonly RunRecord[] {
  const byProgram = new Map<string, RunRecord[]>();
  for (const run of runs) {
    const known = byProgram.get(run.program.programHash);
    if (known) known.push(run);
    else byProgram.set(run.program.programHash, [run]);
  }
  const found = new Set<RunRecord>();
  for (const list of [...byProgram.values()].slice(0, REPLAYED_PROGRAMS)) {
    for (const run of sampled(list, REPLAYED_RUNS)) found.add(run);
    const longest = list.reduce((a, b) => (b.metrics.cpuSteps > a.metrics.cpuSteps ? b : a));
    found.add(longest);
    const failed = list.find(({ state }) => state === "failed" || state === "cut");
    if (failed) found.add(failed);
  }
  return [...found];
}

async function replayOne(
  facts: DeviceFacts,
  runId: string,
  view: CapabilityView,
): Promise<JsonObject | null> {
  const content = new ContentStore({ store: facts.store, wallMs: () => 0 });
  try {
    const read = readRunExport(await exportRun(facts.store, content, runId));
    if (!read.ok) return { code: read.code, ...read.details };
    const report = replayRun(read, view, "both");
    if (report.verdict === "equal") return null;
    const { code, entry, expected, got, differences } = report;
    return { code, entry, expected, got, differences: [...differences] };
  } catch (error) {
    return { code: codeOf(error) };
  }
}

class ReplayInvariant implements Invariant {
  readonly id = "I3";
  /** The contracts are the same for every run: they are compiled once. */
  #view: Promise<CapabilityView> | null = null;

  async check(context: InvariantContext): Promise<void> {
    this.#view ??= detachedRegistry({ clock: STILL, entropy: new SeededEntropy("", "contracts") }).then(
      capabilityView,
    );
    const view = await this.#view;
    for (const facts of context.facts) {
      if (!facts.device.isDiskHonest) continue;
      const actor = facts.device.deviceId;
      for (const { runId, program } of chosen(facts.runs)) {
        const problem = await replayOne(facts, runId, view);
        const details = { runId, program: program.name, ...problem };
        if (problem !== null)
          context.report({
            id: "I3",
            what: "A recorded run does not come out the same again.",
            actor,
            details,
          });
      }
    }
  }
}

export const replayInvariant: Invariant = new ReplayInvariant();
