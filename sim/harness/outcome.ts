/** One run of a scenario from its beginning to its judgement, as plain data: what every tool of the simulator builds on. */
import { CodedError, codeOf, messageOf } from "../../firmware/core/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../../firmware/core/json.ts";
import type { ScenarioWarning } from "../scenario/scenario-error.ts";
import type { Run } from "../scenario/types.ts";
import type { TraceRecord } from "../trace/trace.ts";
import { parseObject, readFacts } from "./invariants/facts.ts";
import { type Member, Sim, type SimHost } from "./sim.ts";
import { INVARIANTS, type Violation } from "./violations.ts";

/** Records shown with a violation (simulator.md 11). */
const TAIL_RECORDS = 50;
/** A run is looked at this often, for progress, budgets and interruption. */
const LOOKS = 200;
const LONGEST_SLICE_US = 60_000_000;

/** What a run is given beside its scenario and seed. */
export interface ExecuteOptions {
  readonly host: SimHost;
  /** True µs at which to end; the scenario's duration if left out. */
  readonly untilUs?: number | null;
  readonly signal?: AbortSignal;
  /** Host ms since any moment, for the scenario's `hostTime`; without it that bound is not looked at. */
  readonly elapsedMs?: () => number;
  readonly observe?: boolean;
  /** After the fleet was made and before anything has happened. */
  readonly prepare?: (sim: Sim) => void;
  readonly onProgress?: (sim: Sim, endUs: number) => void;
}

/** A violation with what led to it. */
export interface Finding {
  readonly violation: Violation;
  /** Scenario's name of the device concerned; null for the whole run. */
  readonly device: string | null;
  /** The first record that breaks the rule, as far as the finding names one. */
  readonly first: TraceRecord | null;
  /** The last records of the actors concerned. */
  readonly tail: readonly TraceRecord[];
}

export interface RunOutcome {
  readonly scenario: string;
  readonly file: string;
  readonly seed: string;
  readonly varied: Readonly<Record<string, Json>>;
  readonly simulatedUs: number;
  readonly events: number;
  readonly records: number;
  readonly traceHash: string;
  readonly devices: number;
  readonly ok: boolean;
  readonly violations: readonly Violation[];
  /** Of the first violation. */
  readonly finding: Finding | null;
  /** What ended the run before its time: a budget, or a fault of the simulator. */
  readonly error: { readonly code: string; readonly message: string; readonly details: JsonObject } | null;
  readonly warnings: readonly ScenarioWarning[];
  /** How often what happened: ledger events, and trace records as `sim.<kind>`. */
  readonly counts: Readonly<Record<string, number>>;
}

const memberOf = (sim: Sim, actor: string | null): Member | null =>
  [...sim.members.values()].find(({ device }) => device.name === actor || device.keys.deviceId === actor) ??
  null;

/** The ledger entry that a finding names by index or run. */
async function entryNamed(member: Member, details: JsonObject): Promise<TraceRecord | null> {
  const { index, runId } = details;
  if (typeof index !== "number" && typeof runId !== "string") return null;
  const { entries } = await readFacts(member.observer);
  const found = entries.find((stored) =>
    typeof index === "number"
      ? stored.index === index
      : isJsonObject(stored.entry.event.data) && stored.entry.event.data.runId === runId,
  );
  if (!found) return null;
  const event = parseObject(found.bytes).event;
  return {
    atUs: member.observer.lives[0]?.fromUs ?? 0,
    actor: member.device.name,
    kind: "ledger",
    data: { index: found.index, ts: found.entry.ts, event: event ?? null },
  };
}

async function findingOf(sim: Sim, violation: Violation): Promise<Finding> {
  const member = memberOf(sim, violation.actor);
  const device = member?.device.name ?? null;
  const actors = device === null ? [] : [device, "sim"];
  const all = sim.trace.tail(Number.MAX_SAFE_INTEGER, actors);
  const at = all.findIndex(({ kind, data }) => kind === "violation" && isSame(data, violation));
  const before = (at < 0 ? all : all.slice(0, at)).filter(({ kind }) => kind !== "violation");
  const named = member === null ? null : await entryNamed(member, violation.details);
  const { atUs } = violation.details;
  // What a device kept of its lives reaches further back than the newest records of all.
  const kept = member?.observer.lives.flatMap(({ trace }) => trace) ?? [];
  const moment = typeof atUs === "number" ? kept.find((record) => record.atUs >= atUs) : null;
  // What was found while it ran was found by the newest record of that moment.
  const last = before.at(-1);
  const newest = last !== undefined && last.atUs === violation.atUs ? last : null;
  return { violation, device, first: named ?? moment ?? newest, tail: before.slice(-TAIL_RECORDS) };
}

const isSame = (data: Json | undefined, { id, what }: Violation): boolean =>
  data !== undefined && isJsonObject(data) && data.id === id && data.what === what;

function countsOf(sim: Sim): Record<string, number> {
  const all = new Map(sim.counts);
  for (const { observer } of sim.members.values())
    for (const [kind, count] of observer.counts) all.set(kind, (all.get(kind) ?? 0) + count);
  return Object.fromEntries([...all].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function checkBudgets(sim: Sim, options: ExecuteOptions, startMs: number): void {
  const { bounds } = sim.scenario;
  const hostMs = options.elapsedMs ? options.elapsedMs() - startMs : 0;
  const exceeded =
    sim.time.taken > bounds.events ? "events" : hostMs * 1000 > bounds.hostTimeUs ? "hostTime" : null;
  if (exceeded === null) return;
  throw new CodedError("sim_budget_exceeded", `The run has used up its budget of ${exceeded}.`, {
    details: { bound: exceeded, atUs: sim.time.nowUs, events: sim.time.taken },
  });
}

/** Runs on to `endUs` in slices; stops at a violation. @throws CodedError `sim_budget_exceeded`; the signal's reason. */
async function advance(sim: Sim, endUs: number, options: ExecuteOptions): Promise<void> {
  const startMs = options.elapsedMs?.() ?? 0;
  const slice = Math.max(sim.world.stepUs, Math.min(LONGEST_SLICE_US, Math.ceil(endUs / LOOKS)));
  while (sim.time.nowUs < endUs && sim.violations.all.length === 0) {
    await sim.time.runUntil(Math.min(endUs, sim.time.nowUs + slice), options.signal);
    options.onProgress?.(sim, endUs);
    checkBudgets(sim, options, startMs);
  }
}

/** What a run has come to. Only one that has ended is judged by the invariants. */
export async function outcomeOf(sim: Sim, run: Run, error: RunOutcome["error"]): Promise<RunOutcome> {
  const report = error === null ? await sim.end() : null;
  const violations = report?.violations ?? sim.violations.all;
  const [first] = violations;
  return {
    scenario: run.scenario.name,
    file: run.scenario.file,
    seed: run.seed,
    varied: run.varied,
    simulatedUs: sim.time.nowUs,
    events: sim.time.taken,
    records: sim.trace.count,
    traceHash: sim.trace.hash,
    devices: sim.members.size,
    ok: violations.length === 0 && error === null,
    violations,
    finding: first ? await findingOf(sim, first) : null,
    error,
    warnings: run.scenario.warnings,
    counts: countsOf(sim),
  };
}

/**
 * Runs a scenario with one seed and judges it. What its devices do wrong is a finding, not an exception.
 * @throws ScenarioError, and whatever a policy or a program is refused with: then nothing has run. The signal's reason.
 */
export async function execute(run: Run, options: ExecuteOptions): Promise<RunOutcome> {
  const { host, observe = true } = options;
  const sim = await Sim.create(run, { host, observe });
  options.prepare?.(sim);
  let error: RunOutcome["error"] = null;
  try {
    await advance(sim, options.untilUs ?? run.scenario.durationUs, options);
  } catch (thrown) {
    if (options.signal?.aborted) throw thrown;
    const details = thrown instanceof CodedError ? thrown.details : {};
    error = { code: codeOf(thrown), message: messageOf(thrown), details };
  }
  return outcomeOf(sim, run, error);
}

/** What rule an outcome breaks, for comparing two: expectations are told apart by their place in the scenario. */
export function failureKey({ violations, error }: Pick<RunOutcome, "violations" | "error">): string | null {
  const [first] = violations;
  if (!first) return error === null ? null : `error:${error.code}`;
  return first.id === "E" ? `E:${String(first.details.index)}` : first.id;
}

/** `I4 safe_state`. */
export const ruleName = (id: Violation["id"]): string => `${id} ${INVARIANTS[id]}`;
