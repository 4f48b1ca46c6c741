/** `imuctl sim run`: scenarios with their seeds, judged by the invariants and by what they expect. */
import { extname, relative } from "node:path";
import type { Command } from "commander";
import type { RunOutcome } from "../../../sim/harness/outcome.ts";
import { failureText } from "../../../sim/harness/report-text.ts";
import { durationText } from "../../../sim/scenario/duration.ts";
import { expandRuns } from "../../../sim/scenario/expand-runs.ts";
import type { Scenario } from "../../../sim/scenario/types.ts";
import { add, type Call, type Cli, type Handler, textOption } from "../command.ts";
import type { Session } from "../session.ts";
import { type Job, readScenarioFile } from "../sim/job.ts";
import { doJobs } from "../sim/job-pool.ts";
import { durationOption, hasVaried, jobsOption, listOption, seedsOption } from "../sim/options.ts";
import { actOnScenario, Progress, percent } from "../sim/scenario-command.ts";
import { safe, table } from "../text.ts";

/** With several runs each gets a file of its own. */
function traceName(path: string, scenario: Scenario, seed: string, variant: number | null): string {
  const end = extname(path);
  const more = variant === null ? "" : `-${variant}`;
  return `${path.slice(0, path.length - end.length)}-${scenario.name}-${seed}${more}${end}`;
}

interface Planned extends Job {
  readonly scenario: Scenario;
  readonly isOnlyVariant: boolean;
}

function planOf(scenario: Scenario, { options }: Call, file: string): readonly Planned[] {
  const untilUs = durationOption(options.until, "--until");
  const wanted = listOption(options.vary);
  return (seedsOption(options) ?? scenario.seeds).flatMap((seed) => {
    const runs = expandRuns(scenario, [seed]);
    return runs.flatMap((run, variant) =>
      hasVaried(run, wanted)
        ? [
            {
              scenario,
              file,
              seed,
              variant,
              untilUs,
              isOnlyVariant: runs.length === 1,
              isTwice: options.checkDeterminism === true,
              traceFile: null,
              keepDir: null,
              cut: null,
            },
          ]
        : [],
    );
  });
}

/** Where each run leaves what it is asked to leave. */
function withPlaces(planned: readonly Planned[], session: Session, { options }: Call): readonly Job[] {
  const [trace, keep] = [textOption(options.trace), textOption(options.keep)];
  return planned.map(({ scenario, isOnlyVariant, ...job }) => {
    const named = traceName(trace ?? "", scenario, job.seed, isOnlyVariant ? null : job.variant);
    const folder = `${keep}/${scenario.name}-${job.seed}${isOnlyVariant ? "" : `-${job.variant}`}`;
    return {
      ...job,
      traceFile: trace === null ? null : session.path(planned.length === 1 ? trace : named),
      keepDir: keep === null ? null : session.path(planned.length === 1 ? keep : folder),
    };
  });
}

const row = ({
  scenario,
  seed,
  varied,
  ok,
  violations,
  error,
  simulatedUs,
  ...one
}: RunOutcome): unknown[] => [
  scenario,
  seed,
  Object.keys(varied).length === 0 ? "" : varied,
  ok ? "ok" : "FAILED",
  violations[0]?.id ?? error?.code ?? "",
  durationText(Math.floor(simulatedUs / 1000) * 1000),
  one.devices,
  one.events,
  one.records,
  one.traceHash.slice(0, 16),
];

const NAMES = [
  "scenario",
  "seed",
  "varied",
  "result",
  "rule",
  "time",
  "devices",
  "events",
  "records",
  "trace",
];

function warn(session: Session, { file, warnings }: Scenario): void {
  for (const { code, line, path, why } of warnings)
    session.note(`warning: ${code}: ${safe(`${file}:${line}: ${path}: ${why}`)}`);
}

const run: Handler = async (session, call) => {
  const planned: Planned[] = [];
  for (const name of call.args) {
    const file = session.path(name);
    const scenario = await readScenarioFile(file);
    warn(session, scenario);
    planned.push(...planOf(scenario, call, file));
  }
  const jobs = withPlaces(planned, session, call);
  using progress = new Progress(session);
  let [done, failed] = [0, 0];
  const outcomes = await doJobs(jobs, {
    jobs: jobsOption(call.options.jobs),
    signal: session.io.signal,
    onDone: (outcome) => {
      done++;
      if (!outcome.ok) failed++;
      progress.clear();
      if (!outcome.ok && !session.isJson)
        session.io.err(`${safeLines(failureText({ ...outcome, file: shownPath(session, outcome.file) }))}\n`);
    },
    onProgress: (share) =>
      progress.show(`${percent(share)}  ${done} of ${jobs.length} runs done, ${failed} failed`),
  });
  progress.clear();
  const ok = outcomes.every((outcome) => outcome.ok);
  session.result({ ok, runs: outcomes }, table(NAMES, outcomes.map(row), session.io.isTty));
  if (!session.isJson)
    session.note(`${outcomes.length} runs, ${outcomes.length - failed} ok, ${failed} failed; SIMULATED`);
  return session.exit(ok);
};

/** As a person would type it here. */
function shownPath(session: Session, file: string): string {
  const near = relative(session.io.cwd, file);
  return near.startsWith("..") ? file : near;
}

/** What devices and scenarios name may hold control characters; line ends are ours. */
const safeLines = (text: string): string => text.split("\n").map(safe).join("\n");

export function addSimRun(group: Command, cli: Cli): void {
  add(group, "run <files...>", {
    does: "run scenarios with all their seeds, and check the invariants and what they expect",
    examples: [
      "imuctl sim run examples/scenarios/tank.yaml",
      "imuctl sim run examples/scenarios/*.yaml --seeds 1..20 --jobs 4",
      "imuctl sim run fleet.yaml --seed 7 --until 20m --trace out.jsonl",
    ],
    exits: "0 all runs ok, 1 an invariant or expectation failed, 2 the scenario cannot be run",
  })
    .option("--seed <seed>", "one seed instead of the scenario's own")
    .option("--seeds <range>", "a range of seeds, for example 1..20")
    .option("--until <time>", "end at this time of the run, for example 10m")
    .option("--vary <name=value...>", "only the runs of the grid with these values")
    .option("--trace <file>", "write every record as a line of JSON")
    .option("--keep <dir>", "write the disks of all devices to this folder when the run has ended")
    .option("--jobs <n>", "runs at a time, in processes of their own (default: 1)")
    .option("--check-determinism", "run twice and compare the traces record by record")
    .action(actOnScenario(cli, run));
}
