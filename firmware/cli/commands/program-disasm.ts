/** `imuctl program disasm`: a document as text, with its findings if wanted. */
import type { Command } from "commander";
import { stackDepths } from "../../authoring/stack-depths.ts";
import { printText } from "../../authoring/text/index.ts";
import { CodedError } from "../../core/errors.ts";
import { act, add, type Cli, type Handler } from "../command.ts";
import { diagnosticText } from "../diagnostics.ts";
import { type CheckedProgram, checkProgram } from "../program-check.ts";
import { ProgramTools } from "../program-tools.ts";

/** Index and depth of stack of each instruction, and what the verifier warns of. */
function annotations({ loaded, warnings, errors }: CheckedProgram): (unit: string, index: number) => string {
  const depths = loaded === null ? new Map<string, number>() : stackDepths(loaded.document);
  const said = new Map<string, string[]>();
  for (const { issue } of [...errors, ...warnings]) {
    if (issue === null) continue;
    const key = `${issue.unit}:${issue.index}`;
    said.set(key, [...(said.get(key) ?? []), issue.code]);
  }
  return (unit, index) => {
    const key = `${unit}:${index}`;
    const depth = depths.get(key);
    const found = said.get(key);
    return `${index} depth ${depth ?? "-"}${found === undefined ? "" : ` ${found.join(" ")}`}`;
  };
}

const disasm: Handler = async (session, { args, options }) => {
  const [file = ""] = args;
  const checked = await checkProgram(session, file, await ProgramTools.open(session));
  const { loaded, verified, errors, warnings, form } = checked;
  if (loaded === null) {
    for (const { diagnostic } of errors) session.io.err(diagnosticText(diagnostic));
    throw new CodedError("program_invalid", `${file} cannot be read as a program.`, {
      status: 422,
      details: { remedy: "its problems are listed above." },
    });
  }
  const text = printText(loaded.document, options.annotate === true ? { comment: annotations(checked) } : {});
  session.result({ file, form, ok: verified !== null, text }, text);
  for (const { diagnostic } of errors) session.io.err(diagnosticText(diagnostic));
  if (options.annotate === true) {
    for (const { diagnostic } of warnings) session.io.err(diagnosticText(diagnostic, true));
  }
  return session.exit(verified !== null);
};

export function addProgramDisasm(group: Command, cli: Cli): void {
  add(group, "disasm <file>", {
    does: "print a program in the text form; building that gives the same document, hash and all",
    examples: [
      "imuctl program disasm climate.json > climate.imu",
      "imuctl program disasm climate.json --annotate",
    ],
    exits: "0 it verifies, 1 it does not; the text is printed as far as there is one",
  })
    .option("--annotate", "add index and depth of stack behind each instruction, and what the verifier finds")
    .action(act(cli, disasm));
}
