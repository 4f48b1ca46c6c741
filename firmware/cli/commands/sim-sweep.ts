/** `imuctl sim sweep`: takes the power away at every step of a window, once before, during and after it. */
import type { Command } from "commander";
import type { RunOutcome } from "../../../sim/harness/outcome.ts";
import { failureText } from "../../../sim/harness/report-text.ts";
import { CUT_POINTS, type CutPlan, countSteps, planSweep } from "../../../sim/harness/sweep.ts";
import type { CutPoint } from "../../../sim/power/steps.ts";
import { add, type Call, type Cli, type Handler, type OptionValue, textOption } from "../command.ts";
import { UsageError } from "../errors.ts";
import { FAILED } from "../exit-codes.ts";
import type { Session } from "../session.ts";
import { commandHost, type Job, readScenarioFile, runOf } from "../sim/job.ts";
import { doJobs } from "../sim/job-pool.ts";
import { durationOption, jobsOption, listOption } from "../sim/options.ts";
import { actOnScenario, Progress, percent } from "../sim/scenario-command.ts";
import { safe, table } from "../text.ts";

const NAMES = ["step", "label", "point", "second", "result", "rule", "what"];

function pointsOf(value: OptionValue): readonly CutPoint[] {
  if (value === undefined) return CUT_POINTS;
  return listOption(value).map((name) => {
    const point = CUT_POINTS.find((one) => one === name);
    if (point === undefined) throw new UsageError(`--points are ${CUT_POINTS.join(", ")}, not "${name}".`);
    return point;
  });
}

function needed(value: number | null, name: string): number {
  if (value === null) throw new UsageError(`${name} is missing.`);
  return value;
}

const row = ({ step, label, point, second }: CutPlan, outcome: RunOutcome): unknown[] => [
  step,
  label,
  point,
  second === null ? "" : `${second.point} +${second.after}`,
  outcome.ok ? "ok" : "FAILED",
  outcome.violations[0]?.id ?? outcome.error?.code ?? "",
  outcome.violations[0]?.what ?? outcome.error?.message ?? "",
];

async function planned(session: Session, { args, options }: Call, file: string) {
  const scenario = await readScenarioFile(file);
  const seed = textOption(options.seed) ?? scenario.seeds[0] ?? "1";
  const device = textOption(options.device) ?? scenario.groups[0]?.ids[0] ?? "";
  const fromUs = needed(durationOption(options.from, "--from"), "--from");
  const toUs = needed(durationOption(options.to, "--to"), "--to");
  const untilUs = durationOption(options.until, "--until");
  const { signal } = session.io;
  const window = { device, fromUs, toUs };
  const counted = await countSteps(runOf(scenario, { seed, variant: 0 }), window, {
    host: commandHost,
    signal,
    untilUs,
  });
  const cuts = planSweep(seed, device, counted, {
    points: pointsOf(options.points),
    isDouble: options.double === true,
    maxRuns: scenario.bounds.cutRuns,
  });
  const jobs = cuts.map(
    (cut): Job => ({
      file,
      seed,
      variant: 0,
      untilUs,
      isTwice: false,
      traceFile: null,
      keepDir: null,
      cut,
    }),
  );
  return {
    counted,
    cuts,
    jobs,
    name: args[0] ?? "",
    places: counted.steps.length * pointsOf(options.points).length,
  };
}

const sweep: Handler = async (session, call) => {
  const file = session.path(call.args[0] ?? "");
  using progress = new Progress(session);
  const { counted, cuts, jobs, places } = await planned(session, call, file);
  if (!counted.outcome.ok) {
    session.io.err(failureText(counted.outcome).split("\n").map(safe).join("\n"));
    session.note("the scenario fails without any cut; nothing was swept");
    return FAILED;
  }
  const more = cuts.length < places ? ` (a sample of ${places})` : "";
  session.note(`${counted.steps.length} steps in the window, ${cuts.length} cuts${more}`);
  let failed = 0;
  const outcomes = await doJobs(jobs, {
    jobs: jobsOption(call.options.jobs),
    signal: session.io.signal,
    onDone: (outcome, index) => {
      if (outcome.ok) return;
      failed++;
      progress.clear();
      const cut = cuts[index];
      if (cut && !session.isJson)
        session.io.err(
          `cut ${cut.point} step ${cut.step} (${safe(cut.label)}):\n${failureText(outcome).split("\n").map(safe).join("\n")}\n`,
        );
    },
    onProgress: (share) => progress.show(`${percent(share)} of ${jobs.length} cuts, ${failed} failed`),
  });
  progress.clear();
  const swept = outcomes.flatMap((outcome, index) => (cuts[index] ? [{ cut: cuts[index], outcome }] : []));
  const shown = swept.filter(({ outcome }) => session.isJson || !outcome.ok || call.options.all === true);
  const text = table(
    NAMES,
    shown.map(({ cut, outcome }) => row(cut, outcome)),
    session.io.isTty,
  );
  session.result(
    { ok: failed === 0, steps: counted.steps.length, cuts: swept },
    shown.length === 0 ? "" : text,
  );
  session.note(`${cuts.length} cuts, ${cuts.length - failed} ok, ${failed} failed; SIMULATED`);
  return session.exit(failed === 0);
};

export function addSimSweep(group: Command, cli: Cli): void {
  add(group, "sweep <file>", {
    does: "cut the power of a device at every step of a window, and check that it comes back right each time",
    examples: [
      "imuctl sim sweep tank.yaml --device tank-001 --from 10s --to 14s --until 1m --jobs 4",
      "imuctl sim sweep fleet.yaml --device house-003 --from 5m --to 5m --double",
    ],
    exits: "0 ok after every cut, 1 a cut broke a rule, 2 the scenario cannot be run",
  })
    .option("--device <name>", "the device that loses its power (default: the first)")
    .option("--seed <seed>", "seed (default: the scenario's first)")
    .option("--from <time>", "begin of the window")
    .option("--to <time>", "end of the window")
    .option("--until <time>", "end every run at this time (default: the scenario's duration)")
    .option("--points <points>", "where in a step: before,during,after (default: all three)")
    .option("--double", "cut a second time during the recovery")
    .option("--all", "list the cuts that did no harm as well")
    .option("--jobs <n>", "runs at a time, in processes of their own (default: 1)")
    .action(actOnScenario(cli, sweep));
}
