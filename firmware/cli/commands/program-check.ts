/** `imuctl program check`: the verifier of the daemon, with the capabilities of this version (vm.md 6). */
import type { Command } from "commander";
import { CodedError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { PROGRAM_LIMITS } from "../../core/limits.ts";
import { type CapabilityView, type Issue, parseProgram, verifyProgram } from "../../vm/index.ts";
import { act, add, type Cli, type Handler } from "../command.ts";
import type { Session } from "../session.ts";
import { productView } from "../state-access.ts";
import { table } from "../text.ts";

interface Checked {
  readonly file: string;
  readonly ok: boolean;
  readonly programHash: string | null;
  readonly issues: readonly JsonObject[];
  readonly warnings: readonly JsonObject[];
}

const plain = ({ code, unit, index }: Issue): JsonObject => ({ code, unit, index });

/** A file that is no JSON is one issue of the document, at its line. */
async function check(session: Session, file: string, view: CapabilityView): Promise<Checked> {
  const base = { file, programHash: null, warnings: [] };
  try {
    const bytes = await session.io.files.read(session.path(file), PROGRAM_LIMITS.documentBytes);
    const result = verifyProgram(parseProgram(bytes), view);
    if (!result.ok) return { ...base, ok: false, issues: result.issues.map(plain) };
    return {
      file,
      ok: true,
      programHash: result.programHash,
      issues: [],
      warnings: result.warnings.map(plain),
    };
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    const problem = typeof error.details.problem === "string" ? error.details.problem : error.code;
    const index = typeof error.details.line === "number" ? `line ${error.details.line}` : "file";
    return { ...base, ok: false, issues: [{ code: problem, unit: "document", index }] };
  }
}

const programCheck: Handler = async (session, { args }) => {
  const view = await productView(session);
  const results: Checked[] = [];
  for (const file of args) results.push(await check(session, file, view));
  const rows = results.flatMap(({ file, ok, programHash, issues, warnings }) => [
    ...(ok ? [[file, "verified", programHash, null, null]] : []),
    ...issues.map(({ code, unit, index }) => [file, "error", code, unit, index]),
    ...warnings.map(({ code, unit, index }) => [file, "warning", code, unit, index]),
  ]);
  session.result(
    { programs: results },
    table(["file", "result", "hash or code", "unit", "index"], rows, session.io.isTty),
  );
  return session.exit(results.every(({ ok }) => ok));
};

export function addProgram(program: Command, cli: Cli): void {
  const group = add(program, "program", { does: "check program documents" });
  add(group, "check <files...>", {
    does: "verify programs as the device does before it runs them; prints every problem with its place",
    examples: ["imuctl program check programs/*.json"],
    exits: "0 all verify, 1 at least one does not",
  }).action(act(cli, programCheck));
}
