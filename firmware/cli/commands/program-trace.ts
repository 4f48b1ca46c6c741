/** `imuctl program trace`: every step of a run with the state it finds, without any device. */
import type { Command } from "commander";
import type { Json } from "../../core/json.ts";
import { act, add, type Call, type Cli, countOption, type Handler } from "../command.ts";
import { placeText } from "../diagnostics.ts";
import { FAILED, OK } from "../exit-codes.ts";
import { StepTrace, type TracedStep } from "../step-trace.ts";
import { table } from "../text.ts";
import { endJson, noteEnd } from "../watched-end.ts";
import { watchedRun, watchOptions } from "../watched-run.ts";

const MAX_STEPS = 1_000_000;
/** Characters of stack and registers in a terminal; a pipe gets all of them. */
const TTY_CELL = 48;

const short = (value: Json, isTty: boolean): string => {
  const text = JSON.stringify(value);
  return isTty && text.length > TTY_CELL ? `${text.slice(0, TTY_CELL - 1)}…` : text;
};

function rowOf(step: TracedStep, isTty: boolean): readonly unknown[] {
  const { source, fn, unit, index } = step;
  const stored = Object.entries(step.registers).filter(([, value]) => value !== null);
  return [
    step.step,
    step.task,
    `${unit}:${index}`,
    fn,
    step.instruction,
    short([...step.stack], isTty),
    short(Object.fromEntries(stored), isTty),
    step.memoryBytes,
    source === null ? null : placeText(source),
  ];
}

function rangeOf({ options }: Call) {
  const task = options.task === undefined ? null : countOption(options.task, "--task", MAX_STEPS);
  const from = countOption(options.from, "--from", Number.MAX_SAFE_INTEGER);
  return { from, count: countOption(options.steps, "--steps", MAX_STEPS), task };
}

const trace: Handler = async (session, call) => {
  const range = rangeOf(call);
  const watched = await watchedRun(session, call);
  const steps = new StepTrace(watched.document, watched.lines, range);
  const { result } = watched.run(steps.observe);
  const { isTty } = session.io;
  const names = ["step", "task", "at", "fn", "instruction", "stack", "registers", "memory", "source"];
  session.result(
    { steps: steps.steps, isCut: steps.isCut, result: endJson(result, watched.lines) },
    table(
      names,
      steps.steps.map((step) => rowOf(step, isTty)),
      isTty,
    ),
  );
  if (steps.isCut) session.note(`there are more steps: --from ${(steps.steps.at(-1)?.step ?? 0) + 1}`);
  noteEnd(session, result, watched.lines);
  return result.error === null ? OK : FAILED;
};

export function addProgramTrace(group: Command, cli: Cli): void {
  const command = add(group, "trace <file|runId>", {
    does:
      "show every step of a run with stack and registers as it finds them. A program file runs on virtual time with " +
      "the given answers; a recorded run, by its id or from an exported file, is replayed. Touches no device",
    examples: [
      `imuctl program trace sum.imu --payload '{"a":2,"b":3}'`,
      "imuctl program trace climate.json --answers answers.json --steps 20",
      "imuctl program trace r018f3a2b4c5d9e8f7a6b --from 100 --steps 50",
    ],
    exits: "0 it ended without an error, 1 it failed or cannot run",
  })
    .option("--from <step>", "the first step that is shown, by the steps used before it", "0")
    .option("--steps <count>", "how many are shown", "1000")
    .option("--task <task>", "only steps of this task; 0 is the main one");
  watchOptions(command).action(act(cli, trace));
}
