/** `imuctl replay --diff`: reads what a recorded run is compared with, and finds the policy that the run had. */
import type { SourceLines } from "../authoring/source-map.ts";
import { diffPolicy, type PolicyDiff } from "../composition/diff-policy.ts";
import { diffProgram, type ProgramDiff } from "../composition/diff-program.ts";
import { VERSION } from "../composition/package-info.ts";
import { deviceOfRun, type ExportedRun } from "../composition/state-export.ts";
import { jcs } from "../core/canonical-json.ts";
import { CodedError } from "../core/errors.ts";
import { isJsonObject, type Json } from "../core/json.ts";
import { FILE_LIMITS, POLICY_LIMITS } from "../core/limits.ts";
import { type CompiledPolicy, compilePolicy } from "../policy/index.ts";
import type { ProgramDocument } from "../vm/index.ts";
import { diagnosticText } from "./diagnostics.ts";
import { jsonFile } from "./json-input.ts";
import { checkProgram } from "./program-check.ts";
import { formOf, readMapFile } from "./program-file.ts";
import { ProgramTools } from "./program-tools.ts";
import type { Session } from "./session.ts";

/** A document with the lines it was written as, where they are known. */
export interface Written {
  readonly document: ProgramDocument;
  readonly lines: SourceLines;
}

export type ReplayDiff =
  | { readonly kind: "policy"; readonly diff: PolicyDiff }
  | {
      readonly kind: "program";
      readonly diff: ProgramDiff;
      readonly recorded: Written;
      readonly other: Written;
    };

const NO_LINES: SourceLines = { positionOf: () => null };

/** @throws CodedError `policy_invalid` (422) with what the compiler found. */
function compiled(document: Json, whose: string): CompiledPolicy {
  const result = compilePolicy(jcs(document), { runtimeVersion: VERSION });
  if (result.ok) return result.policy;
  const errors = result.errors.slice(0, 16).map(({ code, path, message }) => ({ code, path, message }));
  throw new CodedError("policy_invalid", `${whose} does not compile.`, {
    status: 422,
    details: { errors, remedy: "correct what the details name; docs/policy.md explains the members." },
  });
}

/** A policy that this version does not compile any more cannot be asked, which is said. */
function recordedPolicy(session: Session, { policy, record }: ExportedRun): CompiledPolicy | null {
  if (policy === null) return null;
  try {
    return compiled(policy, "The recorded policy");
  } catch (error) {
    if (!(error instanceof CodedError) || error.code !== "policy_invalid") throw error;
    session.note(`the recorded policy ${record.policyHash} does not compile here and is not asked.`);
    return null;
  }
}

/** Null for a file that holds no JSON: the reader of programs says what is wrong with it. */
async function documentOf(session: Session, file: string): Promise<Json> {
  if (formOf(file) !== "json") return null;
  const limits = { maxBytes: FILE_LIMITS.authoredBytes, maxDepth: POLICY_LIMITS.documentDepth };
  try {
    return await jsonFile(session, file, limits);
  } catch (error) {
    if (error instanceof CodedError && error.code === "malformed") return null;
    throw error;
  }
}

const isPolicy = (value: Json): boolean =>
  isJsonObject(value) && typeof value.schema === "string" && value.schema.startsWith("imu.policy/");

async function fleetOf(session: Session): Promise<string> {
  if (session.stateDir !== null) return "none";
  try {
    return (await session.config()).fleet;
  } catch (error) {
    // A run from a file can be judged where no device is configured.
    if (error instanceof CodedError && error.code === "config_invalid") return "none";
    throw error;
  }
}

async function withPolicy(session: Session, run: ExportedRun, document: Json): Promise<ReplayDiff> {
  const given = compiled(document, "The policy to compare with");
  const { view } = await ProgramTools.open(session);
  const { clock, entropy } = session.io;
  const judge = { clock, entropy, fleet: await fleetOf(session), device: deviceOfRun(run) ?? "none" };
  const recorded = recordedPolicy(session, run);
  return { kind: "policy", diff: await diffPolicy({ run, view, recorded, given, judge }) };
}

async function withProgram(
  session: Session,
  run: ExportedRun,
  file: string,
  map: string | null,
): Promise<ReplayDiff> {
  const tools = await ProgramTools.open(session);
  const { loaded, verified, errors } = await checkProgram(session, file, tools);
  if (loaded === null || verified === null) {
    for (const { diagnostic } of errors) session.io.err(diagnosticText(diagnostic));
    throw new CodedError("program_invalid", `${file} does not verify, so it cannot be compared.`, {
      status: 422,
      details: { remedy: "its problems are listed above; a policy has the member schema: imu.policy/1." },
    });
  }
  const recordedLines = map === null ? NO_LINES : await readMapFile(session, map, run.program);
  const policy = recordedPolicy(session, run);
  return {
    kind: "program",
    diff: diffProgram({ run, other: verified, view: tools.view, policy }),
    recorded: { document: run.program, lines: recordedLines },
    other: { document: verified.document, lines: loaded.lines },
  };
}

/**
 * Compares a recorded run with another program (document, text or TypeScript) or another policy.
 * @throws CodedError of the file; `policy_invalid`, `program_invalid` (422).
 */
export async function replayDiff(
  session: Session,
  run: ExportedRun,
  file: string,
  map: string | null,
): Promise<ReplayDiff> {
  const document = await documentOf(session, file);
  return isPolicy(document) ? withPolicy(session, run, document) : withProgram(session, run, file, map);
}
