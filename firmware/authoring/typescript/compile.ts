/** From source text to document: bounds, syntax, types, code. */
import type { BuildResult } from "../types.ts";
import type { TypeScriptOptions, TypeScriptSource } from "./types.ts";

/**
 * Compiles one program. Pure and deterministic: the same text gives the same document. Any text gives a result; what is
 * wrong with it comes back as diagnostics, all of them, in the order of the source.
 */
export function compileTypeScript(source: TypeScriptSource, _options: TypeScriptOptions): BuildResult {
  const position = { file: source.file, line: 1, column: 1 };
  return {
    ok: false,
    diagnostics: [{ position, code: "not_a_program", message: "No program in this text.", hint: null }],
  };
}
