/** `imuctl program check`: the verifier of the daemon, with the capabilities of this version (vm.md 6). */
import type { Command } from "commander";
import type { Json, JsonObject } from "../../core/json.ts";
import { act, add, type Cli, type Handler } from "../command.ts";
import { placeText } from "../diagnostics.ts";
import { type CheckedProgram, checkProgram, type Finding, figuresOf } from "../program-check.ts";
import { programFiles } from "../program-file.ts";
import { ProgramTools } from "../program-tools.ts";
import { table } from "../text.ts";

/** Where a finding is in the document; problems of the source text itself have a line only. */
function placeOf({ issue, diagnostic }: Finding, isDocument: boolean): { unit: string; index: Json } {
  if (issue !== null) return { unit: issue.unit, index: issue.index };
  const { line } = diagnostic.position;
  const isWhole = diagnostic.code === "not_found" || diagnostic.code.endsWith("too_large");
  return { unit: isDocument ? "document" : "source", index: isWhole ? "file" : `line ${line}` };
}

function findingJson(finding: Finding, isDocument: boolean): JsonObject {
  const { code, message, hint } = finding.diagnostic;
  const source = finding.source === null ? null : { ...finding.source };
  return { code, ...placeOf(finding, isDocument), source, message, hint };
}

function checkedJson({ file, form, verified, errors, warnings }: CheckedProgram): JsonObject {
  const isDocument = form === "json";
  return {
    file,
    ok: verified !== null,
    programHash: verified?.programHash ?? null,
    issues: errors.map((finding) => findingJson(finding, isDocument)),
    warnings: warnings.map((finding) => findingJson(finding, isDocument)),
    ...(verified === null ? {} : { figures: figuresOf(verified) }),
  };
}

function rowsOf({ file, form, verified, errors, warnings }: CheckedProgram): readonly (readonly unknown[])[] {
  const row = (word: string) => (finding: Finding) => {
    const { unit, index } = placeOf(finding, form === "json");
    const source = finding.source === null ? null : placeText(finding.source);
    return [file, word, finding.diagnostic.code, unit, index, source, finding.diagnostic.message];
  };
  const rows = [...errors.map(row("error")), ...warnings.map(row("warning"))];
  if (verified === null) return rows;
  const { bytes, instructions, registers, maxStack, limits } = figuresOf(verified);
  const stated = Object.entries(limits).map(([name, value]) => `${name}=${value}`);
  const figures = [`${bytes} bytes`, `${instructions} instructions`];
  figures.push(
    `${Object.keys(verified.frames).length} frames`,
    `${registers} registers`,
    `stack ${maxStack}`,
  );
  return [
    [file, "verified", verified.programHash, null, null, null, [...figures, ...stated].join(", ")],
    ...rows,
  ];
}

const check: Handler = async (session, { args }) => {
  const tools = await ProgramTools.open(session);
  const results: CheckedProgram[] = [];
  for (const file of programFiles(session, args)) results.push(await checkProgram(session, file, tools));
  const names = ["file", "result", "hash or code", "unit", "index", "source", "says"];
  session.result(
    { programs: results.map(checkedJson) },
    table(names, results.flatMap(rowsOf), session.io.isTty),
  );
  return session.exit(results.every(({ verified }) => verified !== null));
};

export function addProgramCheck(group: Command, cli: Cli): void {
  add(group, "check <files...>", {
    does:
      "verify programs as the device does before it runs them; documents, text (.imu) and TypeScript (.ts). " +
      "Prints every problem with its place, and the sizes of what verifies",
    examples: ["imuctl program check programs/*.json", "imuctl program check climate.imu door.ts"],
    exits: "0 all verify, 1 at least one does not",
  }).action(act(cli, check));
}
