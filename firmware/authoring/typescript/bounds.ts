/** What a text may be before anything recurses over it: parser, checker and compiler all do. */
import type ts from "typescript";
import { AUTHORING_LIMITS } from "../../core/limits.ts";
import type { Diagnostic, SourcePosition } from "../types.ts";
import { positionIn } from "./diagnostics.ts";
import type { TypeScript, TypeScriptSource } from "./types.ts";

/** What the source is called inside the compiler, whatever its writer calls it. */
export const SOURCE_FILE = "/program.ts";

const SPLIT = "Write parts of it as constants, variables or functions of their own.";

function problem(position: SourcePosition, code: string, message: string, hint: string): Diagnostic {
  return { position, code, message, hint };
}

/** Line and column of an offset, before there is a syntax tree. */
function positionOf(source: TypeScriptSource, offset: number): SourcePosition {
  const before = source.text.slice(0, offset).split("\n");
  return { file: source.file, line: before.length, column: (before.at(-1) ?? "").length + 1 };
}

/**
 * Size and brackets of the raw text. Brackets in comments and strings count too: whoever nests them a hundred deep
 * there is not writing a program.
 */
export function textProblem(source: TypeScriptSource): Diagnostic | null {
  const { sourceBytes, bracketDepth } = AUTHORING_LIMITS;
  if (source.text.length > sourceBytes || Buffer.byteLength(source.text) > sourceBytes) {
    const message = `The source is larger than ${sourceBytes} bytes.`;
    return problem({ file: source.file, line: 1, column: 1 }, "source_too_large", message, SPLIT);
  }
  let depth = 0;
  for (let at = 0; at < source.text.length; at++) {
    const char = source.text[at] ?? "";
    if ("([{".includes(char)) depth++;
    else if (")]}".includes(char)) depth = Math.max(0, depth - 1);
    if (depth > bracketDepth) {
      const message = `Brackets nest more than ${bracketDepth} deep.`;
      return problem(positionOf(source, at), "nested_too_deep", message, SPLIT);
    }
  }
  return null;
}

/** Walks with a stack of its own. */
function treeProblem(ts: TypeScript, tree: ts.SourceFile, file: string): Diagnostic | null {
  const { treeDepth, nodes } = AUTHORING_LIMITS;
  const open: { readonly node: ts.Node; readonly depth: number }[] = [{ node: tree, depth: 1 }];
  let count = 0;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { node, depth } = next;
    if (++count > nodes) {
      const message = `The source has more than ${nodes} syntax nodes.`;
      return problem(positionIn(tree, file, node), "source_too_large", message, SPLIT);
    }
    if (depth > treeDepth) {
      const message = `This nests more than ${treeDepth} levels deep.`;
      return problem(positionIn(tree, file, node), "nested_too_deep", message, SPLIT);
    }
    ts.forEachChild(node, (child) => void open.push({ node: child, depth: depth + 1 }));
  }
  return null;
}

/** The syntax tree of a text within its bounds. Chains without brackets can exhaust the parser's stack; that is refused. */
export function parseBounded(ts: TypeScript, source: TypeScriptSource): ts.SourceFile | Diagnostic {
  const early = textProblem(source);
  if (early !== null) return early;
  let tree: ts.SourceFile;
  try {
    const options = {
      languageVersion: ts.ScriptTarget.ES2022,
      jsDocParsingMode: ts.JSDocParsingMode.ParseNone,
    };
    tree = ts.createSourceFile(SOURCE_FILE, source.text, options, true, ts.ScriptKind.TS);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const message = "The source nests too deep to be parsed.";
    return problem({ file: source.file, line: 1, column: 1 }, "nested_too_deep", message, SPLIT);
  }
  return treeProblem(ts, tree, source.file) ?? tree;
}
