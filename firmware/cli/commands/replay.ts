/** `imuctl replay`: runs a recorded run again on this machine and compares what comes out (vm.md 11). */
import type { Command } from "commander";
import { type ReplayReport, replayRun } from "../../composition/state-replay.ts";
import { CodedError } from "../../core/errors.ts";
import { act, add, type Cli, type Handler } from "../command.ts";
import { errorJson, errorText } from "../errors.ts";
import { BAD, OK, UNREADABLE } from "../exit-codes.ts";
import { recordedRun } from "../recorded-run.ts";
import { productView } from "../state-access.ts";
import { pairs } from "../text.ts";

const CODES: Readonly<Record<ReplayReport["verdict"], number>> = {
  equal: OK,
  divergence: BAD,
  cannot_replay: UNREADABLE,
};

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
  return pairs(rows);
}

const replay: Handler = async (session, { args }) => {
  let report: ReplayReport;
  try {
    const run = await recordedRun(session, args[0] ?? "");
    report = replayRun(run, await productView(session));
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    if (session.isJson) session.io.out(`${JSON.stringify(errorJson(error))}\n`);
    session.io.err(errorText(error, false));
    return UNREADABLE;
  }
  session.result(report, reportText(report));
  return CODES[report.verdict];
};

export function addReplay(program: Command, cli: Cli): void {
  add(program, "replay <runId|file>", {
    does: "run a recorded run again from its journal, here, and compare the output hash; touches no device",
    examples: ["imuctl replay r018f3a2b4c5d9e8f7a6b", "imuctl replay run.json"],
    exits: "0 equal, 2 divergence, 3 cannot be replayed",
  }).action(act(cli, replay));
}
