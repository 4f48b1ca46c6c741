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

/** Types that can make the checker work for minutes: large unions, and literals whose every value is a type. */
function typeProblem(ts: TypeScript, node: ts.Node, seen: { unionMembers: number }): string | null {
  if (ts.isUnionTypeNode(node)) {
    seen.unionMembers += node.types.length;
    if (seen.unionMembers > AUTHORING_LIMITS.unionMembers)
      return `The union types have more than ${AUTHORING_LIMITS.unionMembers} members together.`;
  }
  const { constNodes } = AUTHORING_LIMITS;
  return ts.isAsExpression(node) &&
    ts.isConstTypeReference(node.type) &&
    hasMore(ts, node.expression, constNodes)
    ? `This has more than ${constNodes} parts, and as const makes each a type.`
    : null;
}

/** Whether a part of the tree has more than so many nodes; stops counting there. */
function hasMore(ts: TypeScript, root: ts.Node, most: number): boolean {
  const open: ts.Node[] = [root];
  let count = 0;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (++count > most) return true;
    ts.forEachChild(next, (child) => void open.push(child));
  }
  return false;
}

/** A function of the top level that is too long; what nests in functions is refused anyway. */
function functionProblem(ts: TypeScript, tree: ts.SourceFile, file: string): Diagnostic | null {
  const { functionNodes } = AUTHORING_LIMITS;
  const long = tree.statements.find(
    (node) => ts.isFunctionDeclaration(node) && hasMore(ts, node, functionNodes),
  );
  if (long === undefined) return null;
  const message = `This function has more than ${functionNodes} syntax nodes.`;
  const hint = "Split it; tables are consts at the top level: const table: readonly number[] = […].";
  return problem(positionIn(tree, file, long), "function_too_large", message, hint);
}

/** Walks with a stack of its own. */
function treeProblem(ts: TypeScript, tree: ts.SourceFile, file: string): Diagnostic | null {
  const { treeDepth, nodes } = AUTHORING_LIMITS;
  const open: { readonly node: ts.Node; readonly depth: number }[] = [{ node: tree, depth: 1 }];
  const seen = { unionMembers: 0 };
  let count = 0;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { node, depth } = next;
    const costly = typeProblem(ts, node, seen);
    if (costly !== null) {
      const hint = "Write the type: const table: readonly number[] = […].";
      return problem(positionIn(tree, file, node), "types_too_large", costly, hint);
    }
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
  return treeProblem(ts, tree, source.file) ?? functionProblem(ts, tree, source.file) ?? tree;
}
