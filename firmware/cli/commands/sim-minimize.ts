/** `imuctl sim minimize`: the smallest scenario that still fails the same way. */
import { dirname, isAbsolute, relative, resolve } from "node:path";
import type { Command } from "commander";
import { type Minimised, minimise } from "../../../sim/harness/minimise.ts";
import { execute, type RunOutcome } from "../../../sim/harness/outcome.ts";
import { failureText } from "../../../sim/harness/report-text.ts";
import { documentText } from "../../../sim/scenario/document-text.ts";
import { expandRuns } from "../../../sim/scenario/expand-runs.ts";
import { readScenario } from "../../../sim/scenario/parse-scenario.ts";
import { ScenarioError } from "../../../sim/scenario/scenario-error.ts";
import type { Scenario } from "../../../sim/scenario/types.ts";
import { utf8 } from "../../core/bytes.ts";
import { CodedError } from "../../core/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../../core/json.ts";
import { add, type Cli, countOption, type Handler, textOption } from "../command.ts";
import { UsageError } from "../errors.ts";
import { FAILED, OK } from "../exit-codes.ts";
import type { Session } from "../session.ts";
import { commandHost, readScenarioFile } from "../sim/job.ts";
import { hasVaried, listOption } from "../sim/options.ts";
import { actOnScenario, Progress } from "../sim/scenario-command.ts";
import { safe } from "../text.ts";

const MAX_RUNS = 400;
const RUNS_LIMIT = 100_000;
const FILE_MODE = 0o644;

/** The one document that a seed and the values of a grid choose, with the seed written in. */
function documentOf(scenario: Scenario, seed: string, wanted: readonly string[]): JsonObject {
  const runs = expandRuns(scenario, [seed]).filter((run) => hasVaried(run, wanted));
  const [run, ...more] = runs;
  if (!run) throw new UsageError("the scenario has no run with these values.");
  if (more.length > 0) throw new UsageError("the scenario varies: choose one run with --vary name=value.");
  return { ...run.scenario.document, seed: /^\d{1,15}$/.test(seed) ? Number(seed) : seed };
}

/** Null for a document that dropping something has made no scenario. */
async function attempt(document: JsonObject, file: string, session: Session): Promise<RunOutcome | null> {
  try {
    const scenario = readScenario(document, file);
    const [run] = expandRuns(scenario);
    if (!run) return null;
    const { signal } = session.io;
    return await execute(run, { host: commandHost, signal, elapsedMs: () => performance.now() });
  } catch (error) {
    if (error instanceof ScenarioError || (error instanceof CodedError && error.code === "scenario_invalid"))
      return null;
    throw error;
  }
}

const moved = (source: Json | undefined, from: string, to: string): Json | undefined =>
  typeof source === "string" && !isAbsolute(source) ? relative(to, resolve(from, source)) : source;

/** Paths in a document are relative to its folder, which may be another one now. */
function movedDocument(document: JsonObject, from: string, to: string): JsonObject {
  if (from === to || !Array.isArray(document.devices)) return document;
  const move = (source: Json | undefined): Json => moved(source, from, to) ?? null;
  const devices = (document.devices as readonly Json[]).map((group) => {
    if (!isJsonObject(group)) return group;
    const programs = Array.isArray(group.programs) ? (group.programs as readonly Json[]).map(move) : null;
    return { ...group, policy: move(group.policy), ...(programs ? { programs } : {}) };
  });
  const timeline = Array.isArray(document.timeline)
    ? (document.timeline as readonly Json[]).map((entry) => movedRelease(entry, move))
    : null;
  return { ...document, devices, ...(timeline ? { timeline } : {}) };
}

function movedRelease(entry: Json, move: (source: Json | undefined) => Json): Json {
  if (!isJsonObject(entry) || entry.do !== "ota") return entry;
  const programs = Array.isArray(entry.programs) ? (entry.programs as readonly Json[]).map(move) : null;
  return { ...entry, targets: move(entry.targets), ...(programs ? { programs } : {}) };
}

async function show(
  session: Session,
  { document, outcome, key, runs }: Minimised,
  out: string | null,
  file: string,
) {
  const to = out === null ? session.io.cwd : dirname(session.path(out));
  const text = documentText(movedDocument(document, dirname(file), to));
  if (out !== null) await session.io.files.writeAtomic(session.path(out), utf8(text), FILE_MODE);
  const written = out === null ? null : session.path(out);
  session.result({ key, runs, scenario: document, outcome, written }, out === null ? text : `${out}\n`);
  if (session.isJson) return;
  const shown = written ?? file;
  session.io.err(
    `${failureText({ ...outcome, file: shown })
      .split("\n")
      .map(safe)
      .join("\n")}\n`,
  );
  session.note(`${runs} runs; SIMULATED`);
}

const minimize: Handler = async (session, { args, options }) => {
  const file = session.path(args[0] ?? "");
  const seed = textOption(options.seed);
  const scenario = await readScenarioFile(file);
  const document = documentOf(scenario, seed ?? scenario.seeds[0] ?? "1", listOption(options.vary));
  const maxRuns = options.runs === undefined ? MAX_RUNS : countOption(options.runs, "--runs", RUNS_LIMIT);
  using progress = new Progress(session);
  let tried = 0;
  const result = await minimise(document, {
    attempt: (smaller) => attempt(smaller, file, session),
    maxRuns,
    onTry: (what, isSmaller) => {
      tried++;
      if (!session.isJson && isSmaller) {
        progress.clear();
        session.note(`still fails without it: ${safe(what)}`);
      }
      progress.show(`${tried} runs, tried ${safe(what)}`);
    },
  });
  progress.clear();
  if (result === null) {
    session.result({ key: null }, "");
    session.note("the scenario does not fail with this seed; there is nothing to minimize");
    return FAILED;
  }
  await show(session, result, textOption(options.out), file);
  return OK;
};

export function addSimMinimize(group: Command, cli: Cli): void {
  add(group, "minimize <file>", {
    does: "shrink a failing scenario: its timeline, its devices, its duration; it still breaks the same rule",
    examples: ["imuctl sim minimize fleet.yaml --seed 7 --out smallest.yaml"],
    exits: "0 the smallest scenario is printed, 1 it does not fail, 2 the scenario cannot be run",
  })
    .alias("shrink")
    .option("--seed <seed>", "the seed with which it fails (default: the scenario's first)")
    .option("--vary <name=value...>", "the values of the grid with which it fails")
    .option("--runs <n>", `runs at most (default: ${MAX_RUNS})`)
    .option("--out <file>", "write the scenario to this file instead of printing it")
    .action(actOnScenario(cli, minimize));
}
