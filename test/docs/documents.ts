/** Reads the documents for users and the examples in them. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { PACKAGE_ROOT } from "../../firmware/composition/package-info.ts";
import { isJsonObject, type Json, type JsonObject } from "../../firmware/core/json.ts";

export const documentText = (name: string): Promise<string> =>
  readFile(join(PACKAGE_ROOT, "docs", name), "utf8");

export interface Example {
  /** Line of the opening fence, from 1. */
  readonly line: number;
  readonly value: Json;
  /** What the mark in front of the block says: a word, and JSON if more follows. */
  readonly mark: { readonly word: string; readonly data: JsonObject } | null;
}

const parsed = (text: string): Json => JSON.parse(text) as Json;

function markOf(text: string | undefined): Example["mark"] {
  const [, word, rest] = /^<!-- ([a-z]+)(?: (\{.*\}))? -->\n$/.exec(text ?? "") ?? [];
  if (word === undefined) return null;
  const data = rest === undefined ? {} : parsed(rest);
  return { word, data: isJsonObject(data) ? data : {} };
}

/** Every block of JSON. @throws SyntaxError for one that is none. */
export function jsonExamples(text: string): readonly Example[] {
  return [...text.matchAll(/(<!-- [^\n]*-->\n)?```json\n([\s\S]*?)```/g)].map((match) => ({
    line: text.slice(0, match.index).split("\n").length,
    value: parsed(match[2] ?? ""),
    mark: markOf(match[1]),
  }));
}

/** The example document of programs.md that has this name. */
export async function exampleProgram(name: string): Promise<JsonObject> {
  const values = jsonExamples(await documentText("programs.md")).map(({ value }) => value);
  const found = values.find((value) => isJsonObject(value) && value.name === name);
  if (found === undefined || !isJsonObject(found)) throw new Error(`programs.md has no document ${name}.`);
  return found;
}
