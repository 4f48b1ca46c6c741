/** The type checker of TypeScript over two texts in memory: the source and the declarations. */
import type ts from "typescript";
import type { Diagnostic } from "../types.ts";
import { SOURCE_FILE } from "./bounds.ts";
import { positionIn } from "./diagnostics.ts";
import { hintFor } from "./type-hints.ts";
import type { TypeScript } from "./types.ts";

export const DECLARATIONS_FILE = "/imu.d.ts";

/** Parsed declarations, by their text: they are the same for every source that is compiled with the same contracts. */
export type ParsedDeclarations = ts.SourceFile;

export const parseDeclarations = (ts: TypeScript, text: string): ParsedDeclarations =>
  ts.createSourceFile(DECLARATIONS_FILE, text, ts.ScriptTarget.ES2022, true, ts.ScriptKind.TS);

function optionsOf(ts: TypeScript): ts.CompilerOptions {
  return {
    strict: true,
    noLib: true,
    types: [],
    noEmit: true,
    // ES5 lets for-of run over arrays without iterators, which the machine does not have.
    target: ts.ScriptTarget.ES5,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    noImplicitReturns: true,
    exactOptionalPropertyTypes: true,
    allowUnreachableCode: true,
    allowUnusedLabels: true,
  };
}

/** A host that knows nothing but the given files: no disk, no lookup of modules. */
function hostOf(files: ReadonlyMap<string, ts.SourceFile>): ts.CompilerHost {
  return {
    fileExists: (name) => files.has(name),
    readFile: (name) => files.get(name)?.text,
    getSourceFile: (name) => files.get(name),
    getDefaultLibFileName: () => "/lib.d.ts",
    getCurrentDirectory: () => "/",
    getCanonicalFileName: (name) => name,
    useCaseSensitiveFileNames: () => true,
    getNewLine: () => "\n",
    writeFile: () => undefined,
  };
}

export function checkedProgram(
  ts: TypeScript,
  source: ts.SourceFile,
  declarations: ParsedDeclarations,
): ts.Program {
  const files = new Map([source, declarations].map((file) => [file.fileName, file]));
  return ts.createProgram([DECLARATIONS_FILE, SOURCE_FILE], optionsOf(ts), hostOf(files));
}

function diagnosticOf(ts: TypeScript, source: ts.SourceFile, file: string, code: string) {
  return (found: ts.Diagnostic): Diagnostic => {
    const text = ts.flattenDiagnosticMessageText(found.messageText, " ");
    return {
      position: positionIn(source, file, found.start ?? 0),
      code,
      message: `${text} (TS${found.code})`,
      hint: hintFor(found.code, text),
    };
  };
}

export function syntaxErrors(
  ts: TypeScript,
  program: ts.Program,
  source: ts.SourceFile,
  file: string,
): readonly Diagnostic[] {
  return program.getSyntacticDiagnostics(source).map(diagnosticOf(ts, source, file, "syntax_error"));
}

/**
 * Every `type_error`; with hints where the checker's own words do not say what to write instead.
 * @param refused what is refused already: errors in there follow from it.
 */
export function typeErrors(
  ts: TypeScript,
  program: ts.Program,
  source: ts.SourceFile,
  file: string,
  refused: readonly { readonly from: number; readonly to: number }[],
): readonly Diagnostic[] {
  const isNews = ({ start }: ts.Diagnostic): boolean =>
    start === undefined ? refused.length === 0 : !refused.some(({ from, to }) => start >= from && start < to);
  return program
    .getSemanticDiagnostics(source)
    .filter((found) => found.category === ts.DiagnosticCategory.Error && isNews(found))
    .map(diagnosticOf(ts, source, file, "type_error"));
}
