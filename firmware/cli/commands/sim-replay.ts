/** `imuctl sim replay`: looks through the trace of a run, as a list or step by step. */
import { createInterface } from "node:readline";
import type { Command } from "commander";
import { chosenRecords, type RecordedTrace, readTrace } from "../../../sim/harness/replay-trace.ts";
import { recordText } from "../../../sim/harness/report-text.ts";
import { fromUtf8 } from "../../core/bytes.ts";
import { FILE_LIMITS } from "../../core/limits.ts";
import { add, type Cli, type Handler } from "../command.ts";
import { BAD, OK } from "../exit-codes.ts";
import type { Session } from "../session.ts";
import { durationOption, listOption } from "../sim/options.ts";
import { actOnScenario } from "../sim/scenario-command.ts";
import { pretty, safe } from "../text.ts";

type Chosen = ReturnType<typeof chosenRecords>;

const line = ({ number, record }: Chosen[number]): string =>
  `${String(number).padStart(7)}  ${safe(recordText(record))}\n`;

const STEPS = "enter: next · b: back · number: go to that record · /text: find · d: all data · q: end";

/** Where an answer leads to; null to end. */
function nextAt(answer: string, at: number, chosen: Chosen): number | null {
  const text = answer.trim();
  if (text === "q") return null;
  if (text === "b") return Math.max(0, at - 1);
  if (/^\d+$/.test(text)) {
    const found = chosen.findIndex(({ number }) => number >= Number(text));
    return found < 0 ? chosen.length - 1 : found;
  }
  if (text.startsWith("/")) {
    const found = chosen.findIndex(
      (one, index) => index > at && recordText(one.record).includes(text.slice(1)),
    );
    return found < 0 ? at : found;
  }
  return Math.min(chosen.length - 1, at + 1);
}

/** Steps through records with a person at the terminal. */
async function step(session: Session, chosen: Chosen): Promise<void> {
  const { io } = session;
  io.err(`${STEPS}\n`);
  const lines = createInterface({ input: process.stdin });
  let at = 0;
  const show = (): void => {
    const one = chosen[at];
    if (one) io.out(line(one));
  };
  io.signal.addEventListener("abort", () => lines.close(), { once: true });
  show();
  for await (const answer of lines) {
    const one = chosen[at];
    if (answer.trim() === "d" && one) {
      io.out(pretty(one.record));
      continue;
    }
    const next = nextAt(answer, at, chosen);
    if (next === null) break;
    at = next;
    show();
  }
  lines.close();
}

function judge(session: Session, trace: RecordedTrace): number {
  if (trace.isWhole === true)
    session.note(`trace hash ${trace.traceHash} agrees with its ${trace.records.length} records`);
  if (trace.isWhole === null) session.note("the trace ends early: the run was interrupted");
  if (trace.isWhole === false) session.note("the trace was changed: its records do not come to its hash");
  return trace.isWhole === false ? BAD : OK;
}

const replay: Handler = async (session, { args, options }) => {
  const bytes = await session.io.files.read(session.path(args[0] ?? ""), FILE_LIMITS.exportBytes * 16);
  const trace = readTrace(fromUtf8(bytes));
  const chosen = chosenRecords(trace.records, {
    fromUs: durationOption(options.at, "--at"),
    toUs: durationOption(options.until, "--until"),
    actors: listOption(options.actor),
    kinds: listOption(options.kind),
  });
  if (session.isJson)
    session.io.out(
      chosen.map((one) => `${JSON.stringify({ number: one.number, ...one.record })}\n`).join(""),
    );
  else if (session.io.isTty && options.print !== true && process.stdin.isTTY) await step(session, chosen);
  else session.io.out(chosen.map(line).join(""));
  return judge(session, trace);
};

export function addSimReplay(group: Command, cli: Cli): void {
  add(group, "replay <trace>", {
    does: "look through a trace that sim run --trace has written; step by step on a terminal",
    examples: [
      "imuctl sim replay out.jsonl --at 20m --actor pump-001",
      "imuctl sim replay out.jsonl --kind gpio.write,fault --print",
    ],
    exits: "0 ok, 2 no trace, or its records do not come to its hash",
  })
    .option("--at <time>", "from this time on")
    .option("--until <time>", "up to this time")
    .option("--actor <name...>", "only these devices; sim is the simulation itself")
    .option("--kind <kind...>", "only these kinds; a trailing * stands for any rest")
    .option("--print", "print all of it, on a terminal too")
    .action(actOnScenario(cli, replay));
}
