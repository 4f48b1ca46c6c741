/** `imuctl program profile`: where the steps, the memory and the time of a run go. */
import type { Command } from "commander";
import { act, add, type Cli, type Handler, type OptionValue } from "../command.ts";
import { UsageError } from "../errors.ts";
import { FAILED, OK } from "../exit-codes.ts";
import { countCalls, GROUPINGS, type Grouping, type ProfileRow, StepProfile } from "../step-profile.ts";
import { table } from "../text.ts";
import { endJson, noteEnd } from "../watched-end.ts";
import { watchedRun, watchOptions } from "../watched-run.ts";

const isGrouping = (value: unknown): value is Grouping => GROUPINGS.some((name) => name === value);

function groupingOption(value: OptionValue): Grouping {
  if (isGrouping(value)) return value;
  throw new UsageError(`--by is ${GROUPINGS.join(", ")}, not "${String(value)}".`);
}

const rounded = (value: number): number => Math.round(value * 1000) / 1000;
const share = (part: number, whole: number): number =>
  whole === 0 ? 0 : Math.round((part / whole) * 1000) / 10;

function totalsOf(rows: readonly ProfileRow[]): Omit<ProfileRow, "name"> {
  const sum = (pick: (row: ProfileRow) => number): number => rows.reduce((all, row) => all + pick(row), 0);
  return {
    runs: sum((row) => row.runs),
    steps: sum((row) => row.steps),
    memoryBytes: sum((row) => row.memoryBytes),
    wallMs: rounded(sum((row) => row.wallMs)),
  };
}

const profile: Handler = async (session, call) => {
  const by = groupingOption(call.options.by);
  const watched = await watchedRun(session, call);
  const { clock, isTty } = session.io;
  const counter = new StepProfile(watched.document, watched.lines, by, () => clock.monoMs());
  const { result, latencies } = watched.run(counter.observe);
  const rows = counter.finish(result);
  const calls = countCalls(result, latencies);
  const totals = totalsOf(rows);
  const detailed = rows.map((row) => ({
    ...row,
    wallMs: rounded(row.wallMs),
    stepsShare: share(row.steps, totals.steps),
    memoryShare: share(row.memoryBytes, totals.memoryBytes),
    wallShare: share(row.wallMs, totals.wallMs),
  }));
  const lines = detailed.map((r) => [
    ...[r.name, r.runs, r.steps, r.stepsShare, r.memoryBytes, r.memoryShare, r.wallMs, r.wallShare],
  ]);
  lines.push(["total", totals.runs, totals.steps, 100, totals.memoryBytes, 100, totals.wallMs, 100]);
  const names = [by, "runs", "steps", "%", "memory", "%", "ms", "%"];
  const callRows = calls.map(({ capability, calls: count, failed, ms }) => [capability, count, failed, ms]);
  const callTable = table(["capability", "calls", "failed", "ms"], callRows, isTty);
  session.result(
    { by, rows: detailed, totals, calls, result: endJson(result, watched.lines) },
    table(names, lines, isTty) + (calls.length === 0 ? "" : `\n${callTable}`),
  );
  noteEnd(session, result, watched.lines);
  return result.error === null ? OK : FAILED;
};

export function addProgramProfile(group: Command, cli: Cli): void {
  const command = add(group, "profile <file|runId>", {
    does:
      "count steps, memory and time of a run, the dearest first, with shares in percent, and its calls. Runs or " +
      "replays as trace does; times are those of this machine's reference interpreter",
    examples: [
      "imuctl program profile climate.ts --answers answers.json --by line",
      "imuctl program profile r018f3a2b4c5d9e8f7a6b --by label",
    ],
    exits: "0 it ended without an error, 1 it failed or cannot run",
  }).option("--by <what>", "function, label, line or instruction", "function");
  watchOptions(command).action(act(cli, profile));
}
