/**
 * What `program trace` and `program profile` look at: a program file that runs with given answers, or a recorded run
 * that is replayed from its journal. Both run on the reference interpreter, step by step, without any device.
 */
import type { Command } from "commander";
import type { SourceLines } from "../authoring/source-map.ts";
import { type ExportedRun, RUN_EXPORT_FORMAT } from "../composition/state-export.ts";
import { plainJson } from "../composition/state-params.ts";
import { CodedError } from "../core/errors.ts";
import { isJsonObject, type Json } from "../core/json.ts";
import { FILE_LIMITS } from "../core/limits.ts";
import { schemaCheck } from "../runs/index.ts";
import {
  effectiveLimits,
  type MachineResult,
  type ProgramDocument,
  replay,
  type StepObserver,
  TIER_LIMITS,
  type Tier,
} from "../vm/index.ts";
import { answersFile } from "./answers-file.ts";
import { type Call, type OptionValue, textOption } from "./command.ts";
import { diagnosticText } from "./diagnostics.ts";
import { UsageError } from "./errors.ts";
import { jsonFile, jsonObject } from "./json-input.ts";
import { checkProgram } from "./program-check.ts";
import { formOf, readMapFile } from "./program-file.ts";
import { ProgramTools } from "./program-tools.ts";
import { recordedRun } from "./recorded-run.ts";
import type { Session } from "./session.ts";
import { virtualRun } from "./virtual-run.ts";

/** The end of a run that was watched. */
export interface WatchedEnd {
  readonly result: MachineResult;
  /** Per call in order of the requests; null where no time is known. */
  readonly latencies: readonly (number | null)[];
}

export interface WatchedRun {
  readonly document: ProgramDocument;
  readonly lines: SourceLines;
  /** Runs it once. @throws CodedError `answer_missing`, `answer_mismatch`; the codes of replay. */
  readonly run: (observe: StepObserver) => WatchedEnd;
}

/** Adds what trace and profile have in common. */
export function watchOptions(command: Command): Command {
  return command
    .option("--payload <json>", "payload of a program file, a JSON object (default: {})")
    .option("--trigger <json>", "its trigger, a JSON object")
    .option("--answers <file>", "answers to its calls: a JSON list in the order of the calls")
    .option("--tier <tier>", "trust tier whose limits hold: low, medium, high, system (default: medium)")
    .option("--map <file>", "source map of the program; beside a document it is found by itself");
}

const NO_LINES: SourceLines = { positionOf: () => null };

/** An exported run says so itself; everything else that is a file is a program. */
async function isExport(session: Session, file: string): Promise<boolean> {
  if (formOf(file) !== "json") return false;
  const limits = { maxBytes: FILE_LIMITS.exportBytes, maxDepth: FILE_LIMITS.exportDepth };
  try {
    const value = await jsonFile(session, file, limits);
    return isJsonObject(value) && value.format === RUN_EXPORT_FORMAT;
  } catch (error) {
    // What is no JSON is said as a problem of a program, with its line.
    if (error instanceof CodedError && error.code === "malformed") return false;
    throw error;
  }
}

/** @throws CodedError of files, store and daemon, `program_invalid` (422) after its problems have been printed. */
export async function watchedRun(session: Session, { args, options }: Call): Promise<WatchedRun> {
  const [wanted = ""] = args;
  const isFile = (await session.io.files.info(session.path(wanted))) !== null;
  if (isFile && !(await isExport(session, wanted))) return watchedProgram(session, wanted, options);
  const given = ["payload", "trigger", "answers", "tier"].find((name) => options[name] !== undefined);
  if (given !== undefined) {
    throw new UsageError(`--${given} is for program files; a recorded run has its own.`);
  }
  return watchedRecord(session, await recordedRun(session, wanted), textOption(options.map));
}

const isTier = (value: string): value is Tier => Object.hasOwn(TIER_LIMITS, value);

function tierOption(value: OptionValue): Tier {
  const text = textOption(value) ?? "medium";
  if (isTier(text)) return text;
  throw new UsageError(`--tier is ${Object.keys(TIER_LIMITS).join(", ")}, not "${text}".`);
}

async function watchedProgram(session: Session, file: string, options: Call["options"]): Promise<WatchedRun> {
  const payload: Json = jsonObject(textOption(options.payload) ?? "{}", "--payload");
  const trigger: Json = jsonObject(
    textOption(options.trigger) ?? '{"kind":"command","name":"run.start"}',
    "--trigger",
  );
  const tier = tierOption(options.tier);
  const answersPath = textOption(options.answers);
  const answers = answersPath === null ? [] : await answersFile(session, answersPath);
  const checked = await checkProgram(session, file, await ProgramTools.open(session));
  const { verified, loaded } = checked;
  if (verified === null || loaded === null) {
    for (const { diagnostic } of checked.errors) session.io.err(diagnosticText(diagnostic));
    throw new CodedError("program_invalid", `${file} does not verify, so it cannot run.`, {
      status: 422,
      details: { remedy: "its problems are listed above." },
    });
  }
  const map = textOption(options.map);
  const lines = map === null ? loaded.lines : await readMapFile(session, map, verified.document);
  const limits = effectiveLimits({ tier, document: verified.document.limits });
  return {
    document: verified.document,
    lines,
    run: (observe) => virtualRun(verified, { payload, trigger, limits, answers, observe }),
  };
}

async function watchedRecord(session: Session, run: ExportedRun, map: string | null): Promise<WatchedRun> {
  const { view } = await ProgramTools.open(session);
  const { record, program } = run;
  const lines = map === null ? NO_LINES : await readMapFile(session, map, program);
  return {
    document: program,
    lines,
    run(observe) {
      const options = { view, checkSchema: schemaCheck, executor: "interpreter", observe } as const;
      const replayed = replay(plainJson(program), record, options);
      if (replayed.ok) return { result: replayed.result, latencies: [] };
      const { code, entry, expected, got } = replayed;
      throw new CodedError(code, `The run ${record.runId} cannot be replayed here to its end (${code}).`, {
        status: 422,
        details: { entry, expected, got, remedy: `imuctl replay ${record.runId} compares the whole run.` },
      });
    },
  };
}
