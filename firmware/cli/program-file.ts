/** Reads a program from a file: a document with the source map beside it, a text (`.imu`), or TypeScript (`.ts`). */
import { dirname, join, relative } from "node:path";
import { originLines, readSourceMap, type SourceLines } from "../authoring/source-map.ts";
import { parseText } from "../authoring/text/index.ts";
import type { BuildResult, Diagnostic, Origin, SourcePosition } from "../authoring/types.ts";
import { fromUtf8 } from "../core/bytes.ts";
import { CodedError } from "../core/errors.ts";
import { isJsonObject, type Json } from "../core/json.ts";
import { AUTHORING_LIMITS, PROGRAM_LIMITS } from "../core/limits.ts";
import { type ProgramDocument, parseProgram } from "../vm/index.ts";
import type { ProgramTools } from "./program-tools.ts";
import type { Session } from "./session.ts";
import { safe } from "./text.ts";

export type ProgramForm = "json" | "text" | "typescript";

export interface LoadedProgram {
  readonly ok: true;
  readonly form: ProgramForm;
  /** Its shape is not checked yet if it was read from JSON. */
  readonly document: ProgramDocument;
  readonly origins: readonly Origin[];
  readonly members: ReadonlyMap<string, SourcePosition>;
  readonly start: SourcePosition;
  /** Lines of the source; of a document those of its map, none without one. */
  readonly lines: SourceLines;
}

export type ProgramRead = LoadedProgram | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

const NO_LINES: SourceLines = { positionOf: () => null };

export function formOf(file: string): ProgramForm {
  if (file.endsWith(".imu")) return "text";
  return file.endsWith(".ts") ? "typescript" : "json";
}

/** Without declarations of types, which a pattern such as `*.ts` takes along. */
export function programFiles(session: Session, files: readonly string[]): readonly string[] {
  const isDeclaration = (file: string): boolean => file.endsWith(".d.ts");
  for (const file of files.filter(isDeclaration))
    session.note(`${safe(file)} holds types only; it is left out`);
  return files.filter((file) => !isDeclaration(file));
}

export const mapFileOf = (file: string): string => `${file}.map`;

/**
 * A file that is missing, or wrong in itself, is a diagnostic: the other files go on.
 * @throws ResourceRequired `module:typescript`; errors of the operating system.
 */
export async function readProgram(session: Session, file: string, tools: ProgramTools): Promise<ProgramRead> {
  const start = { file, line: 1, column: 1 };
  const form = formOf(file);
  try {
    if (form === "json") return await readDocument(session, file, start);
    const { sourceBytes, textBytes } = AUTHORING_LIMITS;
    const most = form === "text" ? textBytes : sourceBytes;
    const bytes = await session.io.files.read(session.path(file), most);
    const source = { file, text: fromUtf8(bytes) };
    if (form === "text") {
      const result = parseText(source);
      return fromBuild(result, form, start, result.members);
    }
    const options = await tools.typeScript();
    const { compileTypeScript } = await import("../authoring/typescript/index.ts");
    return fromBuild(compileTypeScript(source, options), form, start, new Map());
  } catch (error) {
    if (!(error instanceof CodedError) || !/^(not_found|too_large|malformed|bad_encoding)$/.test(error.code))
      throw error;
    const { line, problem } = error.details;
    const position = { ...start, line: typeof line === "number" && line > 0 ? line : 1 };
    const code = typeof problem === "string" ? problem : error.code;
    return { ok: false, diagnostics: [{ position, code, message: error.message, hint: null }] };
  }
}

function fromBuild(
  result: BuildResult,
  form: ProgramForm,
  start: SourcePosition,
  members: ReadonlyMap<string, SourcePosition>,
): ProgramRead {
  if (!result.ok) return { ok: false, diagnostics: result.diagnostics };
  const { document, origins } = result;
  return { ok: true, form, document, origins, members, start, lines: originLines(origins) };
}

/** A document as it was read: the verifier sees it before anything relies on its shape. */
const asDocument = (value: Json): ProgramDocument | null =>
  isJsonObject(value) ? (value as Json & ProgramDocument) : null;

async function readDocument(session: Session, file: string, start: SourcePosition): Promise<ProgramRead> {
  const bytes = await session.io.files.read(session.path(file), PROGRAM_LIMITS.documentBytes);
  const document = asDocument(parseProgram(bytes));
  if (document === null) {
    const message = "The document is no JSON object.";
    return { ok: false, diagnostics: [{ position: start, code: "bad_field", message, hint: null }] };
  }
  const lines = await readMapBeside(session, file, document);
  return { ok: true, form: "json", document, origins: [], members: new Map(), start, lines };
}

/** A map that is damaged or belongs to another program is said and left aside: lines of it would mislead. */
async function readMapBeside(
  session: Session,
  file: string,
  document: ProgramDocument,
): Promise<SourceLines> {
  const mapFile = mapFileOf(file);
  if ((await session.io.files.info(session.path(mapFile))) === null) return NO_LINES;
  try {
    return await readMapFile(session, mapFile, document);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    session.note(safe(`${mapFile} is not used: ${error.code}: ${error.message}`));
    return NO_LINES;
  }
}

/** Lines of a map, its sources as seen from here. @throws SourceMapError, CodedError `not_found`, `too_large`. */
export async function readMapFile(
  session: Session,
  mapFile: string,
  document: ProgramDocument,
): Promise<SourceLines> {
  const bytes = await session.io.files.read(session.path(mapFile), AUTHORING_LIMITS.mapBytes);
  const lines = readSourceMap(bytes, document);
  const folder = dirname(session.path(mapFile));
  return {
    positionOf(unit, index) {
      const found = lines.positionOf(unit, index);
      return found && { ...found, file: relative(session.io.cwd, join(folder, found.file)) };
    },
  };
}
