/** Reads the instruction of one line: its name, fields without names in their order, fields by name. */
import type { Json, JsonObject } from "../../core/json.ts";
import {
  type FieldKind,
  fieldKind,
  INSTRUCTION_NAMES,
  type InstructionSpec,
  instructionSpec,
  isOptional,
  positionalFields,
} from "../../vm/index.ts";
import { parseField } from "./fields.ts";
import type { Scanner } from "./scanner.ts";
import { parseValue } from "./values.ts";

export interface ParsedInstruction {
  readonly instr: JsonObject;
  /** The line ends with `begin`: a body follows. */
  readonly opensBody: boolean;
}

/** Its op is all capitals in this form too; the nearest name is a hint. */
function unknownOp(scanner: Scanner, word: string, at: number): never {
  const upper = word.toUpperCase();
  const near =
    instructionSpec(upper) === undefined
      ? INSTRUCTION_NAMES.find((name) => upper.startsWith(name) || name.startsWith(upper))
      : upper;
  const hint = near === undefined ? "docs/programs.md lists the instructions." : `write ${near}.`;
  return scanner.fail("unknown_opcode", `${word} is no instruction.`, hint, at);
}

/** One line's fields, as they come. */
class FieldReader {
  readonly #scanner: Scanner;
  readonly #spec: InstructionSpec;
  readonly #op: string;
  readonly #positional: readonly string[];
  readonly found = new Map<string, Json>();

  constructor(scanner: Scanner, op: string, spec: InstructionSpec) {
    this.#scanner = scanner;
    this.#spec = spec;
    this.#op = op;
    this.#positional = positionalFields(spec);
  }

  next(): void {
    const start = this.#scanner.at;
    const word = this.#scanner.word();
    if (word !== "" && this.#scanner.take("=")) {
      this.#named(word, start);
      return;
    }
    this.#scanner.at = start;
    const name = this.#positional.find((field) => !this.found.has(field));
    if (name === undefined) {
      const names = Object.keys(this.#spec.fields);
      this.#scanner.fail(
        "unexpected",
        names.length === 0 ? `${this.#op} has no fields.` : `${this.#op} takes nothing more here.`,
        `name the field: ${["note", ...names].join("=, ")}=.`,
      );
    }
    this.#read(name, start);
  }

  #named(name: string, start: number): void {
    if (this.found.has(name)) {
      this.#scanner.fail("duplicate_field", `The field ${name} has been given before.`, null, start);
    }
    this.#read(name, start);
  }

  #read(name: string, start: number): void {
    const kind: FieldKind | null = name === "note" ? "json" : fieldKind(this.#spec, name);
    if (kind === null) {
      this.#scanner.fail(
        "unknown_field",
        `${this.#op} has no field ${name}.`,
        `its fields are ${[...Object.keys(this.#spec.fields), "note"].join(", ")}.`,
        start,
      );
    }
    this.#scanner.blanks();
    if (name === "note" && this.#scanner.peek() === '"') this.found.set(name, this.#scanner.quoted());
    else
      this.found.set(
        name,
        name === "note" ? parseValue(this.#scanner, "json") : parseField(this.#scanner, kind),
      );
  }

  /** Fields in the order of the table, so that one text has one document. */
  instr(): JsonObject {
    const names = [...Object.keys(this.#spec.fields), "note"].filter((name) => this.found.has(name));
    return Object.fromEntries([
      ["op", this.#op],
      ...names.map((name) => [name, this.found.get(name) ?? null]),
    ]);
  }
}

/** Fields that are missing, and pairs of which not exactly one is there; the last is what is wrong, null if nothing. */
function incomplete(spec: InstructionSpec, has: (name: string) => boolean): string | null {
  for (const [name, kind] of Object.entries(spec.fields)) {
    if (!isOptional(kind) && !has(name)) return `the field ${name} is missing`;
  }
  const { either, atMostOne } = spec.extra;
  const count = (names: readonly string[]): number => names.filter(has).length;
  if (either && count(either) !== 1) return `it takes one of ${either.join(" and ")}`;
  if (atMostOne && count(atMostOne) > 1) return `it takes at most one of ${atMostOne.join(" and ")}`;
  return null;
}

/** Reads from the name of the instruction to the end of its line. */
export function parseInstruction(scanner: Scanner, op: string, at: number): ParsedInstruction {
  const spec = instructionSpec(op);
  if (spec === undefined) return unknownOp(scanner, op, at);
  const reader = new FieldReader(scanner, op, spec);
  let opensBody = false;
  for (let isFirst = true; !scanner.atLineEnd(); isFirst = false) {
    if (!isFirst && scanner.take(",")) scanner.blanks();
    if (op === "SPAWN" && takesBegin(scanner)) {
      opensBody = true;
      break;
    }
    reader.next();
  }
  const missing = incomplete(spec, (name) => reader.found.has(name) || (opensBody && name === "body"));
  if (missing !== null) {
    const positional = positionalFields(spec).map((name) => `<${name}>`);
    const form = [op, ...positional].join(" ");
    scanner.fail("missing_field", `${op} is not complete: ${missing}.`, `its form is ${form}.`, at);
  }
  return { instr: reader.instr(), opensBody };
}

/** `begin` as the last word of a line. */
function takesBegin(scanner: Scanner): boolean {
  const start = scanner.at;
  if (scanner.word() === "begin" && scanner.atLineEnd()) return true;
  scanner.at = start;
  return false;
}
