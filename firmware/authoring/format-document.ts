/**
 * The one way program documents are written to files: members in a fixed order, one instruction per line. The line of
 * an instruction depends on the document alone, not on the order of its members, so that a source map fits every copy.
 */
import { canonicalize } from "../core/canonical-json.ts";
import { isJsonObject, type Json, type JsonObject } from "../core/json.ts";
import type { ProgramDocument } from "../vm/index.ts";

/** Where an instruction stands in the text; line and column count from 1, columns in UTF-16 units. */
export interface DocumentPlace {
  readonly unit: string;
  readonly index: number;
  readonly line: number;
  readonly column: number;
}

export interface FormattedDocument {
  readonly text: string;
  /** In the order of the text. */
  readonly places: readonly DocumentPlace[];
}

/** Members around the code are broken into several lines above this width; that of the house format. */
const WIDTH = 110;
const MEMBERS = [
  ...["format", "name", "version", "isa", "description", "capabilities", "outputs", "intents", "triggers"],
  ...["payload", "response", "constants", "claims", "limits", "overlap", "code"],
];

/** JSON on one line, with blanks as in the house format. */
function inline(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(inline).join(", ")}]`;
  if (!isJsonObject(value)) return JSON.stringify(value);
  const members = Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}: ${inline(item)}`);
  return members.length === 0 ? "{}" : `{ ${members.join(", ")} }`;
}

const isEmpty = (value: object): boolean => Object.keys(value).length === 0;

class Formatter {
  readonly #lines: string[] = [];
  readonly #places: DocumentPlace[] = [];

  format(document: JsonObject): FormattedDocument {
    const names = [
      ...MEMBERS.filter((name) => Object.hasOwn(document, name)),
      ...Object.keys(document).filter((name) => !MEMBERS.includes(name)),
    ];
    this.#lines.push("{");
    for (const [i, name] of names.entries()) {
      const end = i < names.length - 1 ? "," : "";
      const value = document[name] ?? null;
      const head = `  ${JSON.stringify(name)}: `;
      if (name === "code" && Array.isArray(value)) this.#unit("code", value, head, end);
      else this.#value(value, "  ", head, end);
    }
    this.#lines.push("}");
    return { text: `${this.#lines.join("\n")}\n`, places: this.#places };
  }

  /** A member around the code. Broken by its length without a comma: which member is last depends on their order. */
  #value(value: Json, indent: string, head: string, end: string): void {
    const line = head + inline(value);
    if (value === null || typeof value !== "object" || line.length < WIDTH || isEmpty(value)) {
      this.#lines.push(line + end);
      return;
    }
    const isList = Array.isArray(value);
    const items = Object.entries(value);
    const inner = `${indent}  `;
    this.#lines.push(`${head}${isList ? "[" : "{"}`);
    for (const [i, [name, item]] of items.entries()) {
      const comma = i < items.length - 1 ? "," : "";
      this.#value(item as Json, inner, isList ? inner : `${inner}${JSON.stringify(name)}: `, comma);
    }
    this.#lines.push(`${indent}${isList ? "]" : "}"}${end}`);
  }

  #unit(path: string, code: readonly Json[], head: string, end: string): void {
    const indent = /^ */.exec(head)?.[0] ?? "";
    const margin = `${indent}  `;
    this.#lines.push(`${head}[`);
    for (const [index, instr] of code.entries()) {
      const comma = index < code.length - 1 ? "," : "";
      this.#places.push({ unit: path, index, line: this.#lines.length + 1, column: margin.length + 1 });
      const body = isJsonObject(instr) && Array.isArray(instr.body) ? instr.body : null;
      if (isJsonObject(instr) && instr.op === "SPAWN" && body !== null) {
        const { body: _, ...rest } = instr;
        const fields = inline(rest).slice(0, -2);
        this.#unit(`${path}/${index}/body`, body, `${margin}${fields}, "body": `, ` }${comma}`);
      } else this.#lines.push(margin + inline(instr) + comma);
    }
    this.#lines.push(`${indent}]${end}`);
  }
}

/** @throws CodedError `not_canonical` for what is no JSON, or nests beyond every document. */
export function formatDocument(document: ProgramDocument): FormattedDocument {
  canonicalize(document);
  return new Formatter().format(JSON.parse(JSON.stringify(document)) as JsonObject);
}
