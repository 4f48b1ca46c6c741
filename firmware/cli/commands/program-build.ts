/** `imuctl program build`: sources become documents with their source maps, verified before they are written. */
import { basename, dirname, join, relative } from "node:path";
import type { Command } from "commander";
import { formatDocument } from "../../authoring/format-document.ts";
import { createSourceMap } from "../../authoring/source-map.ts";
import { printText } from "../../authoring/text/index.ts";
import { utf8 } from "../../core/bytes.ts";
import type { JsonObject } from "../../core/json.ts";
import { AUTHORING_LIMITS, PROGRAM_LIMITS } from "../../core/limits.ts";
import { act, add, type Cli, type Handler, type OptionValue, textOption } from "../command.ts";
import { diagnosticJson, diagnosticText } from "../diagnostics.ts";
import { UsageError } from "../errors.ts";
import { type CheckedProgram, checkProgram, figuresOf } from "../program-check.ts";
import { mapFileOf, programFiles } from "../program-file.ts";
import { ProgramTools } from "../program-tools.ts";
import type { Session } from "../session.ts";
import { table } from "../text.ts";

const FILE_MODE = 0o644;
const DIRECTORY_MODE = 0o755;

interface Settings {
  readonly out: string | null;
  readonly isText: boolean;
  readonly withMap: boolean;
}

interface Written {
  readonly path: string;
  readonly map: string | null;
}

function formatOption(value: OptionValue): boolean {
  if (value === "json" || value === "text") return value === "text";
  throw new UsageError(`--format is json or text, not "${String(value)}".`);
}

const targetOf = (file: string, { out, isText }: Settings): string =>
  join(out ?? dirname(file), basename(file).replace(/\.(imu|ts|json)$/, isText ? ".imu" : ".json"));

/** Two sources of one name would overwrite each other, a source in the target's place itself. */
function checkTargets(files: readonly string[], settings: Settings): void {
  const seen = new Map<string, string>();
  for (const file of files) {
    const target = targetOf(file, settings);
    const other = seen.get(target);
    if (target === join(file)) {
      throw new UsageError(`${file} would be overwritten by what is built from it.`, "give --out <dir>.");
    }
    if (other !== undefined) {
      throw new UsageError(`${other} and ${file} would both be written to ${target}.`, "rename one of them.");
    }
    seen.set(target, file);
  }
}

async function write(session: Session, built: CheckedProgram, settings: Settings): Promise<Written | null> {
  const { loaded, verified, file } = built;
  if (loaded === null || verified === null) return null;
  const { files } = session.io;
  const path = targetOf(file, settings);
  const bytes = utf8(settings.isText ? printText(loaded.document) : formatDocument(loaded.document).text);
  const most = settings.isText ? AUTHORING_LIMITS.textBytes : PROGRAM_LIMITS.documentBytes;
  if (bytes.length > most) {
    const message = `As a file it has ${bytes.length} bytes, ${most} is the most that is read.`;
    const diagnostic = {
      position: loaded.start,
      code: "document_too_large",
      message,
      hint: "split the program.",
    };
    session.io.err(diagnosticText(diagnostic));
    return null;
  }
  if (settings.out !== null) await files.makeDirectory(session.path(settings.out), DIRECTORY_MODE);
  await files.writeAtomic(session.path(path), bytes, FILE_MODE);
  if (settings.isText || loaded.origins.length === 0) return { path, map: null };
  const map = mapFileOf(path);
  if (!settings.withMap) {
    // A map of an earlier build would be refused anyway, with a note each time.
    if ((await files.info(session.path(map)))?.kind === "file") await files.remove(session.path(map));
    return { path, map: null };
  }
  const rename = (source: string): string =>
    relative(dirname(session.path(path)), session.path(source)).replaceAll("\\", "/");
  const content = createSourceMap(loaded.document, loaded.origins, basename(path), rename);
  await files.writeAtomic(session.path(map), utf8(`${JSON.stringify(content)}\n`), FILE_MODE);
  return { path, map };
}

function builtJson(built: CheckedProgram, written: Written | null): JsonObject {
  const { file, verified, errors, warnings } = built;
  return {
    file,
    ok: written !== null,
    written: written?.path ?? null,
    map: written?.map ?? null,
    programHash: verified?.programHash ?? null,
    errors: errors.map(({ diagnostic }) => diagnosticJson(diagnostic)),
    warnings: warnings.map(({ diagnostic }) => diagnosticJson(diagnostic)),
  };
}

const build: Handler = async (session, { args: given, options }) => {
  const settings: Settings = {
    out: textOption(options.out),
    isText: formatOption(options.format),
    withMap: options.map !== false,
  };
  const args = programFiles(session, given);
  checkTargets(args, settings);
  const tools = await ProgramTools.open(session);
  const rows: unknown[][] = [];
  const programs: JsonObject[] = [];
  for (const file of args) {
    const built = await checkProgram(session, file, tools);
    for (const { diagnostic } of built.errors) session.io.err(diagnosticText(diagnostic));
    for (const { diagnostic } of built.warnings) session.io.err(diagnosticText(diagnostic, true));
    const written = await write(session, built, settings);
    programs.push(builtJson(built, written));
    if (written === null || built.verified === null) continue;
    const { bytes, instructions } = figuresOf(built.verified);
    rows.push([written.path, built.verified.programHash, instructions, bytes, written.map]);
  }
  const names = ["written", "hash", "instructions", "bytes", "map"];
  session.result({ programs }, rows.length === 0 ? "" : table(names, rows, session.io.isTty));
  return session.exit(rows.length === args.length);
};

export function addProgramBuild(group: Command, cli: Cli): void {
  add(group, "build <files...>", {
    does:
      "build documents from TypeScript (.ts) or text (.imu), verify them, and write each beside its source with a " +
      "source map. A program that does not verify is not written; the others are",
    examples: [
      "imuctl program build climate.ts door.imu --out programs",
      "imuctl program build climate.json --format text",
    ],
    exits: "0 all built, 1 at least one is not",
  })
    .option("--out <dir>", "write here; made if it is missing")
    .option("--no-map", "no source map; one of an earlier build is removed")
    .option("--format <form>", "json, or text for the text form", "json")
    .action(act(cli, build));
}
