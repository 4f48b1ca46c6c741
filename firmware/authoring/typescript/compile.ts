/** From source text to document: bounds, syntax, types, code. */
import type ts from "typescript";
import { messageOf } from "../../core/errors.ts";
import type { Json } from "../../core/json.ts";
import { AUTHORING_LIMITS } from "../../core/limits.ts";
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

const refusal = (diagnostics: readonly Diagnostic[]): BuildResult => ({
  ok: false,
  diagnostics: sorted(diagnostics).slice(0, AUTHORING_LIMITS.diagnostics),
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
  const refused = refusals.map(({ diagnostic }) => diagnostic);
  if (hasTypeComputation(refusals)) return refused;
  const found = [...refused, ...typeErrors(typescript, program, tree, source.file, refusals)];
  return found.length > 0 ? found : { tree, checker: program.getTypeChecker() };
}

/**
 * The checker is somebody else's code: what it throws on a strange text, from an exhausted stack to an assertion of its
 * own, becomes a diagnostic, so that any text has a result.
 */
function guarded<T>(source: TypeScriptSource, act: () => T): T | readonly Diagnostic[] {
  try {
    return act();
  } catch (error) {
    const isDeep = error instanceof RangeError;
    const code = isDeep ? "nested_too_deep" : "checker_failed";
    const message = isDeep
      ? "The source nests too deep for the type checker."
      : `The type checker failed: ${messageOf(error)}`;
    const hint = "Write parts of it as constants, variables or functions of their own.";
    return [{ position: { file: source.file, line: 1, column: 1 }, code, message, hint }];
  }
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
 * wrong with it comes back as diagnostics in the order of the source, the first `AUTHORING_LIMITS.diagnostics` of them. A document that comes back verifies.
 */
export function compileTypeScript(source: TypeScriptSource, options: TypeScriptOptions): BuildResult {
  const { typescript, contracts, view } = options;
  const types = guarded(source, () => checked(source, options));
  if (!("tree" in types)) return refusal(types);
  const { tree, checker } = types;
  const c = new Compilation({ typescript, checker, source: tree, file: source.file, contracts });
  checkDeclarations(c);
  const metadata = readMetadata(c);
  const main = collectFunctions(c);
  if (main === null) {
    const hint = "Write export function main(): void { … }.";
    c.report(tree, "main_required", "The source has no function main.", hint);
  }
  if (metadata === null || main === null) return refusal(c.diagnostics);
  const { assembled, document } = generated(c, metadata, main);
  if (c.diagnostics.length > 0) return refusal(c.diagnostics);
  const verified = verifyProgram(JSON.parse(JSON.stringify(document)) as Json, view);
  if (verified.ok) return { ok: true, document, origins: assembled.origins };
  const places = {
    origins: assembled.origins,
    members: metadata.places,
    start: c.positionOf(metadata.node),
  };
  return refusal(issueDiagnostics(verified.issues, places));
}
