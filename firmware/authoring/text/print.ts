/** Writes a document in the text form. `parseText` reads the same document from it. */
import { canonicalize } from "../../core/canonical-json.ts";
import { isJsonObject, type Json, type JsonObject } from "../../core/json.ts";
import { PROGRAM_LIMITS } from "../../core/limits.ts";
import type { ProgramDocument } from "../../vm/index.ts";
import { printName } from "./print-fields.ts";
import { notPrintable, printInstruction } from "./print-instruction.ts";
import { printJson, printRaw } from "./print-values.ts";
import { quote } from "./references.ts";

export interface PrintOptions {
  /** A comment behind the instruction at `index` of `unit`; null for none. Ends of lines in it become blanks. */
  readonly comment?: (unit: string, index: number) => string | null;
}

const token = (text: string): string => (/^[A-Za-z0-9_][A-Za-z0-9_.:/+*-]*$/.test(text) ? text : quote(text));

const text = (name: string, value: Json): string =>
  typeof value === "string" ? value : notPrintable(`${name} is no text`);

const pairsOf = (value: JsonObject): string =>
  Object.entries(value)
    .map(([key, item]) => ` ${printName(key)}=${printJson(item)}`)
    .join("");

function list(name: string, value: Json): string {
  if (!Array.isArray(value)) return notPrintable(`${name} is no list`);
  const items = value.map((item: Json) => token(text(name, item)));
  return [`.${name}`, ...(items.length > 0 ? [items.join(", ")] : [])].join(" ");
}

function triggers(value: Json): readonly string[] {
  if (!Array.isArray(value)) return notPrintable("triggers is no list");
  if (value.length === 0) return [".triggers none"];
  return value.map((item: Json) => {
    if (!isJsonObject(item) || typeof item.on !== "string") return `.trigger ${printRaw(item)}`;
    const { on, ...rest } = item;
    return `.trigger ${printName(on)}${pairsOf(rest)}`;
  });
}

function entries(member: string, word: string, value: Json, line: (item: Json) => string): readonly string[] {
  if (!isJsonObject(value)) return notPrintable(`${member} is no object`);
  const all = Object.entries(value);
  return all.length === 0
    ? [`.${member} none`]
    : all.map(([name, item]) => `.${word} ${printName(name)}${line(item)}`);
}

const object = (name: string, value: Json): JsonObject =>
  isJsonObject(value) ? value : notPrintable(`${name} is no object`);

/** In the order of the text; each member becomes its lines. */
const MEMBERS: readonly (readonly [member: string, lines: (value: Json) => readonly string[]])[] = [
  ["name", (v) => [`.program ${token(text("name", v))}`]],
  ["version", (v) => [`.version ${token(text("version", v))}`]],
  ["description", (v) => [`.description ${quote(text("description", v))}`]],
  ["capabilities", (v) => [list("capabilities", v)]],
  ["outputs", (v) => [list("outputs", v)]],
  ["intents", (v) => [list("intents", v)]],
  ["triggers", triggers],
  ["overlap", (v) => [`.overlap ${token(text("overlap", v))}`]],
  ["limits", (v) => [`.limits${pairsOf(object("limits", v))}`]],
  ["payload", (v) => [`.payload ${printJson(object("payload", v))}`]],
  ["response", (v) => [`.response ${printJson(object("response", v))}`]],
  ["constants", (v) => entries("constants", "const", v, (item) => ` = ${printJson(item)}`)],
  ["claims", (v) => entries("claims", "claim", v, (item) => pairsOf(object("claims", item)))],
];
const KNOWN = new Set(["format", "isa", "code", ...MEMBERS.map(([member]) => member)]);

class Printer {
  readonly #options: PrintOptions;
  readonly lines: string[] = [];

  constructor(options: PrintOptions) {
    this.#options = options;
  }

  unit(path: string, code: readonly unknown[], indent: string, depth: number): void {
    if (depth > PROGRAM_LIMITS.documentDepth) notPrintable("bodies nest too deep");
    let inner = "";
    for (const [index, instr] of code.entries()) {
      if (!isJsonObject(instr)) notPrintable("an instruction is no object");
      if (instr.op === "ENDFUNC") inner = "";
      const isLabel = instr.op === "LABEL";
      const margin = isLabel ? (indent + inner).slice(2) : indent + inner;
      this.#instruction(path, index, instr, margin, depth);
      if (instr.op === "FUNC") inner = "  ";
    }
  }

  #instruction(path: string, index: number, instr: JsonObject, margin: string, depth: number): void {
    const body = instr.op === "SPAWN" ? instr.body : undefined;
    const line = margin + printInstruction(instr);
    const comment = this.#options.comment?.(path, index) ?? null;
    const isBlock = Array.isArray(body) && body.length > 0;
    if (body !== undefined && !isBlock) notPrintable("a body is no list of instructions");
    const full = isBlock ? `${line} begin` : line;
    this.lines.push(comment === null ? full : `${full.padEnd(40)} ; ${comment.replace(/[\r\n]+/g, " ")}`);
    if (!isBlock) return;
    this.unit(`${path}/${index}/body`, body, `${margin}  `, depth + 1);
    this.lines.push(`${margin}end`);
  }
}

/** @throws PrintError `not_printable` (422) for a document with members or instructions that no program has. */
export function printText(document: ProgramDocument, options: PrintOptions = {}): string {
  // Refuses what is no JSON, or so deep that it cannot be walked.
  canonicalize(document);
  const plain = JSON.parse(JSON.stringify(document)) as Json;
  if (!isJsonObject(plain)) return notPrintable("it is no object");
  const stranger = Object.keys(plain).find((member) => !KNOWN.has(member));
  if (stranger !== undefined) notPrintable(`the member ${stranger} is unknown`);
  if (plain.format !== "imu.program/1" || plain.isa !== 1) notPrintable("its format or isa is another one");
  const { code } = plain;
  if (!Array.isArray(code) || code.length === 0) return notPrintable("it has no code");
  const head = MEMBERS.flatMap(([member, lines]) => {
    const value = plain[member];
    return value === undefined ? [] : lines(value);
  });
  const printer = new Printer(options);
  printer.unit("code", code, "  ", 0);
  return `${[...head, "", ...printer.lines].join("\n")}\n`;
}
