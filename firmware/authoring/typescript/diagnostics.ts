/** Problems of a text, with the place in the source where their writer looks. */
import type ts from "typescript";
import type { Diagnostic, SourcePosition } from "../types.ts";

/** The start of a node, or an offset in UTF-16 units; `file` is the writer's name of the source. */
export function positionIn(source: ts.SourceFile, file: string, at: ts.Node | number): SourcePosition {
  const offset = typeof at === "number" ? at : at.getStart(source);
  const { line, character } = source.getLineAndCharacterOfPosition(offset);
  return { file, line: line + 1, column: character + 1 };
}

/** In order of the source; the same problem at the same place once. */
export function sorted(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const order = (a: Diagnostic, b: Diagnostic): number =>
    a.position.line - b.position.line ||
    a.position.column - b.position.column ||
    (a.code < b.code ? -1 : a.code > b.code ? 1 : 0);
  const seen = new Set<string>();
  return [...diagnostics].sort(order).filter(({ position, code, message }) => {
    const key = `${position.line}:${position.column}:${code}:${message}`;
    return !seen.has(key) && seen.add(key);
  });
}
