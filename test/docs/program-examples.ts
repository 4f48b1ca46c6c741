/** Programs in the documents for users: every fence that holds one is built, and run with what its marks say. */
import { SystemEntropy } from "../../firmware/adapters/system-entropy.ts";
import { parseText } from "../../firmware/authoring/text/index.ts";
import type { Diagnostic } from "../../firmware/authoring/types.ts";
import {
  compileTypeScript,
  loadTypeScript,
  type TypeScriptOptions,
} from "../../firmware/authoring/typescript/index.ts";
import { readAnswers } from "../../firmware/cli/answers-file.ts";
import { virtualRun } from "../../firmware/cli/virtual-run.ts";
import { detachedRegistry } from "../../firmware/composition/state-capabilities.ts";
import { isJsonObject, type Json, type JsonObject } from "../../firmware/core/json.ts";
import { capabilityView, schemaCheck } from "../../firmware/runs/index.ts";
import {
  effectiveLimits,
  type MachineResult,
  replay,
  type VerifiedProgram,
  VM_VERSION,
  verifyProgram,
} from "../../firmware/vm/index.ts";
import { ManualClock } from "../support/manual-clock.ts";

const registry = await detachedRegistry({ clock: new ManualClock(), entropy: new SystemEntropy() });
const options: TypeScriptOptions = {
  typescript: await loadTypeScript(),
  contracts: registry.contracts(),
  view: capabilityView(registry),
};

export interface Fence {
  readonly language: string;
  readonly text: string;
  /** Line of the opening fence, from 1. */
  readonly line: number;
  /** What stands between `<!--` and `-->` directly above, the topmost first. */
  readonly marks: readonly string[];
}

const MARKED_FENCE = /((?:^<!-- (?:(?!-->)[\s\S])* -->\n)*)^```([a-z]*)\n([\s\S]*?)^```$/gm;

export const fencesOf = (text: string): readonly Fence[] =>
  [...text.matchAll(MARKED_FENCE)].map((match) => {
    const [, marks = "", language = "", content = ""] = match;
    return {
      language,
      text: content,
      line: text.slice(0, match.index + marks.length).split("\n").length,
      marks: [...marks.matchAll(/<!-- ([\s\S]*?) -->/g)].map(([, mark]) => mark ?? ""),
    };
  });

/** What follows a word in the marks of a fence, once for each mark that begins with it. */
export const marked = ({ marks }: Fence, word: string): readonly string[] =>
  marks.filter((mark) => mark.startsWith(`${word} `)).map((mark) => mark.slice(word.length + 1));

const shown = ({ position, code }: Diagnostic): string => `${code} ${position.line}:${position.column}`;

/** The document, or the problems as `code line:column`. */
export function built({
  language,
  text,
}: Pick<Fence, "language" | "text">): VerifiedProgram | readonly string[] {
  let document = language === "json" ? (JSON.parse(text) as Json) : null;
  if (language !== "json") {
    const source = { file: `program.${language}`, text };
    const result = language === "ts" ? compileTypeScript(source, options) : parseText(source);
    if (!result.ok) return result.diagnostics.map(shown);
    document = JSON.parse(JSON.stringify(result.document)) as Json;
  }
  const program = verifyProgram(document, options.view);
  return program.ok ? program : program.issues.map(({ code, unit, index }) => `${code} ${unit}:${index}`);
}

export function verified(fence: Pick<Fence, "language" | "text">): VerifiedProgram {
  const program = built(fence);
  if ("document" in program) return program;
  throw new Error(program.join("\n"));
}

/** `[capability, answer, arguments?]`: an answer with `error` fails. */
interface ExpectedCall {
  readonly capability: string;
  readonly answer: JsonObject;
  readonly args: JsonObject;
}

export interface RunMark {
  readonly payload: Json;
  readonly trigger: Json;
  readonly calls: readonly ExpectedCall[];
  /** Only what the mark says about the end is compared. */
  readonly end: JsonObject;
}

function callOf(written: Json): ExpectedCall {
  const [capability, answer, args] = Array.isArray(written) ? (written as readonly Json[]) : [];
  if (typeof capability !== "string") throw new Error(`No call: ${JSON.stringify(written)}`);
  return {
    capability,
    answer: isJsonObject(answer) ? answer : {},
    args: isJsonObject(args) ? args : {},
  };
}

export function runMark(text: string): RunMark {
  const mark = JSON.parse(text) as JsonObject;
  const { payload, trigger, calls, ...end } = mark;
  return {
    payload: payload ?? {},
    trigger: trigger ?? { kind: "command" },
    calls: Array.isArray(calls) ? calls.map(callOf) : [],
    end,
  };
}

/** The answers of a mark as a file for `imuctl program trace --answers` has them. */
export const answersJson = ({ calls }: RunMark): readonly Json[] =>
  calls.map(({ capability, answer }) =>
    answer.error === undefined
      ? { capability, result: answer, evidence: ["e"] }
      : { capability, error: answer.error },
  );

export interface RunEnd {
  readonly result: MachineResult;
  readonly calls: readonly (readonly [capability: string, args: Json])[];
  /** The compiler's repetition from the journal: whether it came to the same. */
  readonly replays: boolean;
}

/** Runs with the answers of a mark, without any device. */
export function run(program: VerifiedProgram, { payload, trigger, ...mark }: RunMark): RunEnd {
  const limits = effectiveLimits({ tier: "medium", document: program.document.limits });
  const answers = readAnswers([...answersJson({ payload, trigger, ...mark })]);
  const { result } = virtualRun(program, { payload, trigger, limits, answers, observe: () => undefined });
  const calls = result.journal.flatMap((entry) =>
    entry.t === "call" ? [[entry.capability, entry.args] as const] : [],
  );
  const { programHash, inputHash, outputHash, metrics, journal } = result;
  const repeated = replay(
    JSON.parse(JSON.stringify(program.document)) as Json,
    {
      ...{ vmVersion: VM_VERSION, program: { programHash }, inputHash, outputHash, metrics },
      ...{ journal, limits, payload, trigger },
    },
    { view: options.view, checkSchema: schemaCheck, executor: "compiled" },
  );
  return { result, calls, replays: repeated.ok };
}
