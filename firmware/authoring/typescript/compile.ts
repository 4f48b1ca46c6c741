/** From source text to document: bounds, syntax, types, code. */
import type ts from "typescript";
import type { Json } from "../../core/json.ts";
import { verifyProgram } from "../../vm/index.ts";
import { issueDiagnostics } from "../issue-diagnostics.ts";
import type { BuildResult, Diagnostic } from "../types.ts";
import { assemble, type CompiledFunction, documentOf } from "./assemble.ts";
import { parseBounded } from "./bounds.ts";
import { checkedProgram, parseDeclarations, syntaxErrors, typeErrors } from "./check-types.ts";
import { Compilation } from "./compilation.ts";
import { programDeclarations } from "./declarations.ts";
import { checkDeclarations } from "./declared.ts";
import { sorted } from "./diagnostics.ts";
import { collectFunctions, compileFunction, compileMain } from "./functions.ts";
import { type Metadata, outputsOf, payloadOf, readMetadata } from "./metadata.ts";
import { checkPayload } from "./payload-type.ts";
import { hasTypeComputation, refusedSyntax } from "./refusals.ts";
import type { TypeScriptOptions, TypeScriptSource } from "./types.ts";

const refused = (diagnostics: readonly Diagnostic[]): BuildResult => ({
  ok: false,
  diagnostics: sorted(diagnostics),
});

/** The tree with its checker, or what is wrong with syntax, constructs and types. */
function checked(
  source: TypeScriptSource,
  { typescript, contracts }: TypeScriptOptions,
): { readonly tree: ts.SourceFile; readonly checker: ts.TypeChecker } | readonly Diagnostic[] {
  const tree = parseBounded(typescript, source);
  if (!("kind" in tree)) return [tree];
  const declarations = parseDeclarations(typescript, programDeclarations(contracts));
  const program = checkedProgram(typescript, tree, declarations);
  const syntax = syntaxErrors(typescript, program, tree, source.file);
  if (syntax.length > 0) return syntax;
  const refusals = refusedSyntax(typescript, tree, source.file);
  if (hasTypeComputation(refusals)) return refusals;
  const types = typeErrors(typescript, program, tree, source.file);
  const found = [...refusals, ...types];
  return found.length > 0 ? found : { tree, checker: program.getTypeChecker() };
}

/** Compiles what passed the checker; problems are in the compilation. */
function generated(c: Compilation, metadata: Metadata, main: ts.FunctionDeclaration) {
  checkPayload(c, main, payloadOf(metadata));
  const frame = compileMain(c, main);
  const functions = [...c.functions.values()].map(
    (fn): CompiledFunction => ({
      fn,
      frame: compileFunction(c, fn),
      begins: c.positionOf(fn.node),
      ends: c.endOf(fn.node),
    }),
  );
  const assembled = assemble(frame, c.endOf(main), functions);
  return {
    assembled,
    document: documentOf(metadata.fields, assembled, outputsOf(c, metadata, assembled.outputs)),
  };
}

/**
 * Compiles one program. Pure and deterministic: the same text gives the same document. Any text gives a result; what is
 * wrong with it comes back as diagnostics, all of them, in the order of the source. A document that comes back verifies.
 */
export function compileTypeScript(source: TypeScriptSource, options: TypeScriptOptions): BuildResult {
  const { typescript, contracts, view } = options;
  const types = checked(source, options);
  if (!("tree" in types)) return refused(types);
  const { tree, checker } = types;
  const c = new Compilation({ typescript, checker, source: tree, file: source.file, contracts });
  checkDeclarations(c);
  const metadata = readMetadata(c);
  const main = collectFunctions(c);
  if (main === null) {
    const hint = "Write export function main(): void { … }.";
    c.report(tree, "main_required", "The source has no function main.", hint);
  }
  if (metadata === null || main === null) return refused(c.diagnostics);
  const { assembled, document } = generated(c, metadata, main);
  if (c.diagnostics.length > 0) return refused(c.diagnostics);
  const verified = verifyProgram(JSON.parse(JSON.stringify(document)) as Json, view);
  if (verified.ok) return { ok: true, document, origins: assembled.origins };
  const places = {
    origins: assembled.origins,
    members: metadata.places,
    start: c.positionOf(metadata.node),
  };
  return refused(issueDiagnostics(verified.issues, places));
}
