/**
 * `imuctl replay`: runs a recorded run again on this machine and compares what comes out, or shows where another program
 * or policy would have decided otherwise (vm.md 11).
 */
import type { Command } from "commander";
import type { ExportedRun } from "../../composition/state-export.ts";
import {
  type ExecutorReport,
  REPLAY_CHOICES,
  type ReplayChoice,
  type ReplayReport,
  replayRun,
} from "../../composition/state-replay.ts";
import { CodedError } from "../../core/errors.ts";
import { act, add, type Call, type Cli, type Handler, textOption } from "../command.ts";
import { errorJson, errorText, UsageError } from "../errors.ts";
import { BAD, OK, UNREADABLE } from "../exit-codes.ts";
import { recordedRun } from "../recorded-run.ts";
import { replayDiff } from "../replay-diff.ts";
import { diffJson, diffText } from "../replay-diff-text.ts";
import type { Session } from "../session.ts";
import { productView } from "../state-access.ts";
import { pairs } from "../text.ts";

const CODES: Readonly<Record<ReplayReport["verdict"], number>> = {
  equal: OK,
  divergence: BAD,
  cannot_replay: UNREADABLE,
};
const DIFF_CODES = { same: OK, differs: BAD, cannot_compare: UNREADABLE } as const;

function executorText({ verdict, code, steps, memBytes }: ExecutorReport): string {
  const figures = steps === null ? "" : `, ${steps} steps, ${memBytes} bytes`;
  return `${verdict}${code === null ? "" : `: ${code}`}${figures}`;
}

function reportText(report: ReplayReport): string {
  const { verdict, code, recorded, replayed, entry, expected, got, trace } = report;
  const rows: (readonly [string, unknown])[] = [
    ["result", verdict === "equal" ? "equal" : `${verdict}: ${code}`],
    ["run", report.runId],
    ["program", report.program],
    ["input", recorded.inputHash],
    ["output", recorded.outputHash],
  ];
  if (replayed.inputHash !== recorded.inputHash) rows.push(["input here", replayed.inputHash]);
  if (verdict !== "equal") {
    rows.push(["output here", replayed.outputHash ?? "none: the run did not get to its end"]);
    if (entry !== null) rows.push(["journal entry", entry]);
    rows.push(["expected", expected], ["got", got]);
  }
  rows.push(["sealed trace", trace]);
  for (const row of report.executors) rows.push([row.executor, executorText(row)]);
  if (report.differences.length > 0) rows.push(["executors differ in", report.differences.join(", ")]);
  return pairs(rows);
}

function choiceOf({ options }: Call): ReplayChoice {
  const given = textOption(options.executor) ?? "both";
  const choice = REPLAY_CHOICES.find((name) => name === given);
  if (choice !== undefined) return choice;
  throw new UsageError(`--executor is ${REPLAY_CHOICES.join(", ")}, not "${given}".`);
}

async function again(session: Session, run: ExportedRun, choice: ReplayChoice): Promise<number> {
  const report = replayRun(run, await productView(session), choice);
  session.result(report, reportText(report));
  return CODES[report.verdict];
}

async function differences(
  session: Session,
  run: ExportedRun,
  file: string,
  map: string | null,
): Promise<number> {
  const compared = await replayDiff(session, run, file, map);
  session.result(diffJson(compared), diffText(compared, session.io.isTty));
  return DIFF_CODES[compared.diff.verdict];
}

const replay: Handler = async (session, call) => {
  const choice = choiceOf(call);
  const file = textOption(call.options.diff);
  const map = textOption(call.options.map);
  if (file !== null && call.options.executor !== undefined)
    throw new UsageError("--executor is for a replay; --diff always asks the interpreter.");
  if (file === null && map !== null) throw new UsageError("--map is for --diff.");
  try {
    const run = await recordedRun(session, call.args[0] ?? "");
    return await (file === null ? again(session, run, choice) : differences(session, run, file, map));
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    if (session.isJson) session.io.out(`${JSON.stringify(errorJson(error))}\n`);
    session.io.err(errorText(error, false));
    return UNREADABLE;
  }
};

export function addReplay(program: Command, cli: Cli): void {
  add(program, "replay <runId|file>", {
    does:
      "run a recorded run again from its journal, here, and compare the output hash; or show where another program " +
      "or policy would have decided otherwise on the same evidence. Touches no device",
    examples: [
      "imuctl replay r018f3a2b4c5d9e8f7a6b",
      "imuctl replay run.json --executor interpreter",
      "imuctl replay run.json --diff programs/irrigation.json",
      "imuctl replay run.json --diff irrigation.ts --map old/irrigation.json.map",
      "imuctl replay r018f3a2b4c5d9e8f7a6b --diff policy.json",
    ],
    exits: "0 equal, nothing differs; 2 divergence, decisions part; 3 cannot be replayed or compared",
  })
    .option(
      "--executor <executor>",
      "who runs it: interpreter, compiled, both (default: both, which must agree)",
    )
    .option("--diff <file>", "compare with a program (.json, .imu, .ts) or a policy document")
    .option("--map <file>", "with --diff: source map of the recorded program")
    .action(act(cli, replay));
}
