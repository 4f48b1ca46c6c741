/** Reads and writes YAML and JSON of scenarios, as strictly as imud.yaml is read. */
import { type Document, LineCounter, parseDocument, stringify } from "yaml";
import type { Json } from "../../firmware/core/json.ts";
import { SCENARIO_LIMITS } from "../../firmware/core/limits.ts";
import { ScenarioError } from "./scenario-error.ts";

export interface TextDocument {
  readonly value: Json;
  /** 1-based line of what a JSON pointer names, or of the nearest thing around it. */
  lineOf(pointer: string): number;
}

function lineIn(document: Document, lines: LineCounter, pointer: string): number {
  const steps = pointer
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
  for (let path = steps; ; path = path.slice(0, -1)) {
    const node = document.getIn(path, true) as { range?: readonly number[] } | undefined;
    const at = node?.range?.[0];
    if (at !== undefined) return lines.linePos(at).line;
    if (path.length === 0) return 1;
  }
}

/** @param file only named in errors. @throws ScenarioError for too much text, wrong syntax, repeated keys, aliases. */
export function readDocument(text: string, file: string): TextDocument {
  const refuse = (line: number, why: string): never => {
    throw new ScenarioError("scenario_invalid", { file, line, path: "" }, why);
  };
  // A character has at least one byte: what has too many characters has too many bytes.
  if (text.length > SCENARIO_LIMITS.textBytes)
    refuse(0, `more than ${SCENARIO_LIMITS.textBytes} bytes of text`);
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    uniqueKeys: true,
    strict: true,
    merge: false,
    logLevel: "error",
  });
  const [syntax] = document.errors;
  if (syntax) refuse(syntax.linePos?.[0].line ?? 0, `${syntax.message.split("\n")[0]}`);
  let value: Json = null;
  try {
    value = document.toJS({ maxAliasCount: 0 });
  } catch (cause) {
    // Aliases could multiply a small file without bound.
    if (!(cause instanceof ReferenceError)) throw cause;
    refuse(0, "an alias is used; write the value out in both places");
  }
  return { value, lineOf: (pointer) => lineIn(document, lines, pointer) };
}

/** A document that was changed, for example by shrinking, as YAML for people. */
export function documentText(value: Json): string {
  return stringify(value, { lineWidth: 118, aliasDuplicateObjects: false });
}
