/**
 * Reads the text form of a program. One pass, linear in the text; a line that cannot be read becomes a diagnostic and
 * the next line goes on, so that all problems are said at once. It knows fields and their forms; whether the program
 * holds together is the verifier's to say (`issue-diagnostics.ts` brings its findings back to the lines).
 */
import { isJsonObject, type Json, type JsonObject } from "../../core/json.ts";
import { AUTHORING_LIMITS, PROGRAM_LIMITS } from "../../core/limits.ts";
import type { ProgramDocument } from "../../vm/index.ts";
import type { BuildResult, Diagnostic, Origin, SourcePosition } from "../types.ts";
import { Header, parseDirective } from "./directives.ts";
import { parseInstruction } from "./instructions.ts";
import { TextProblem } from "./problem.ts";
import { Scanner } from "./scanner.ts";

export interface TextSource {
  /** Named in positions; not opened. */
  readonly file: string;
  readonly text: string;
}

/** A build that also knows where the members of the document were written. */
export type TextResult = BuildResult & {
  /** By member; empty if the text could not be read at all. */
  readonly members: ReadonlyMap<string, SourcePosition>;
};

/** An open list of instructions: the main one, or the body of a SPAWN. */
interface OpenUnit {
  readonly path: string;
  readonly list: Json[];
  readonly openedAt: number;
  /** Problems there were when it was opened. */
  readonly problems: number;
}

class TextParser {
  readonly #scanner: Scanner;
  readonly #header = new Header();
  readonly #units: OpenUnit[] = [{ path: "code", list: [], openedAt: 0, problems: 0 }];
  readonly #origins: Origin[] = [];
  readonly diagnostics: Diagnostic[] = [];
  #fn: string | null = null;
  #count = 0;

  constructor({ file, text }: TextSource) {
    this.#scanner = new Scanner(file, text);
  }

  run(): TextResult {
    const scanner = this.#scanner;
    while (!scanner.isDone && this.diagnostics.length < AUTHORING_LIMITS.diagnostics) {
      if (!scanner.atLineEnd()) this.#guarded(() => this.#line());
      scanner.nextLine();
    }
    this.#finish();
    const members = new Map(
      [...this.#header.offsets].map(([name, at]): [string, SourcePosition] => [name, scanner.position(at)]),
    );
    if (this.diagnostics.length > 0) return { ok: false, diagnostics: this.diagnostics, members };
    return { ok: true, document: this.#document(), origins: this.#origins, members };
  }

  #guarded(read: () => void): void {
    try {
      read();
    } catch (error) {
      if (!(error instanceof TextProblem)) throw error;
      this.#report(error);
    }
  }

  #report({ code, message, hint, at }: TextProblem): void {
    const position = this.#scanner.position(at);
    this.diagnostics.push({ position, code, message, hint });
  }

  get #unit(): OpenUnit {
    const unit = this.#units.at(-1);
    if (unit === undefined) throw new Error("The main unit stays open.");
    return unit;
  }

  #line(): void {
    const scanner = this.#scanner;
    if (scanner.peek() === ".") {
      this.#directive();
      return;
    }
    const at = scanner.at;
    const label = scanner.peek() === '"' ? scanner.quoted() : scanner.word();
    if (scanner.take(":")) {
      this.#append({ op: "LABEL", name: label }, at);
      if (!scanner.atLineEnd()) this.#line();
      return;
    }
    if (label === "end" && scanner.atLineEnd()) this.#close(at);
    else if (label === "" || scanner.text[at] === '"') {
      scanner.fail("bad_line", "A line begins with an instruction, a label or a directive.", null, at);
    } else this.#instruction(label, at);
  }

  #directive(): void {
    if (this.#count > 0) {
      this.#scanner.fail("directive_after_code", "Directives stand before the first instruction.");
    }
    parseDirective(this.#scanner, this.#header);
  }

  #instruction(op: string, at: number): void {
    const path = `${this.#unit.path}/${this.#unit.list.length}/body`;
    const unit: OpenUnit = { path, list: [], openedAt: at, problems: this.diagnostics.length + 1 };
    try {
      const { instr, opensBody } = parseInstruction(this.#scanner, op, at);
      this.#append(opensBody ? { ...instr, body: unit.list } : instr, at);
      if (opensBody) this.#open(unit);
    } catch (error) {
      // A body whose SPAWN is wrong is read all the same, for the problems in it.
      if (op === "SPAWN" && this.#endsWithBegin(at)) this.#open(unit);
      throw error;
    }
  }

  #endsWithBegin(at: number): boolean {
    const end = this.#scanner.text.indexOf("\n", at);
    const line = this.#scanner.text.slice(at, end < 0 ? undefined : end);
    return /[\s)]begin[ \t\r]*([;#]|$)/.test(line);
  }

  #open(unit: OpenUnit): void {
    if (this.#units.length > PROGRAM_LIMITS.bodyDepth) {
      const message = `Bodies nest at most ${PROGRAM_LIMITS.bodyDepth} levels.`;
      this.#report(new TextProblem("spawn_too_deep", message, null, unit.openedAt));
    }
    this.#units.push(unit);
  }

  #close(at: number): void {
    const unit = this.#units.length > 1 ? this.#units.pop() : undefined;
    if (unit === undefined) {
      this.#scanner.fail("block_unbalanced", "There is no body to end here.", null, at);
    }
    if (unit.list.length === 0 && this.diagnostics.length < unit.problems) {
      this.#scanner.fail("empty_body", "A body has at least one instruction.", "write HALT.", unit.openedAt);
    }
  }

  #append(instr: JsonObject, at: number): void {
    if (++this.#count === PROGRAM_LIMITS.instructions + 1) {
      const message = `A program has at most ${PROGRAM_LIMITS.instructions} instructions.`;
      this.#scanner.fail("too_many_instructions", message, null, at);
    }
    const { path, list } = this.#unit;
    const isMain = this.#units.length === 1;
    if (isMain && instr.op === "FUNC" && typeof instr.name === "string") this.#fn = instr.name;
    const position = this.#scanner.position(at);
    this.#origins.push({ unit: path, index: list.length, position, fn: isMain ? this.#fn : null });
    list.push(instr);
    if (isMain && instr.op === "ENDFUNC") this.#fn = null;
  }

  #finish(): void {
    for (const { openedAt } of this.#units.slice(1)) {
      this.#report(new TextProblem("block_unbalanced", "This body has no end.", "write end.", openedAt));
    }
    const { members } = this.#header;
    for (const [member, directive] of [
      ["name", ".program"],
      ["version", ".version"],
    ] as const) {
      if (members.has(member)) continue;
      const hint = member === "name" ? ".program climate" : ".version 1.0.0";
      this.#report(new TextProblem("missing_directive", `${directive} is missing.`, `write ${hint}.`, 0));
    }
    // Said alone: what could not be read may have been one.
    if (this.#count === 0 && this.diagnostics.length === 0) {
      this.#report(new TextProblem("empty_program", "There is no instruction.", "write HALT.", 0));
    }
    this.diagnostics.sort(
      (a, b) => a.position.line - b.position.line || a.position.column - b.position.column,
    );
    this.diagnostics.splice(AUTHORING_LIMITS.diagnostics);
  }

  #document(): ProgramDocument {
    const { members, entries, triggers } = this.#header;
    if (triggers.length > 0) members.set("triggers", triggers);
    for (const name of ["constants", "claims"] as const) {
      if (entries[name].size > 0) members.set(name, Object.fromEntries(entries[name]));
    }
    const document: JsonObject = {
      format: "imu.program/1",
      ...Object.fromEntries(members),
      isa: 1,
      code: this.#units[0]?.list ?? [],
    };
    if (!isDocument(document)) throw new Error("Name, version and code are there by now.");
    return document;
  }
}

/** What the parser itself guarantees; everything else is for the verifier. */
function isDocument(value: JsonObject): value is JsonObject & ProgramDocument {
  const { name, version, code } = value;
  return (
    typeof name === "string" && typeof version === "string" && Array.isArray(code) && code.every(isJsonObject)
  );
}

const refused = (file: string, code: string, message: string, hint: string): TextResult => ({
  ok: false,
  diagnostics: [{ position: { file, line: 1, column: 1 }, code, message, hint }],
  members: new Map(),
});

/** Never throws for what a text holds; at most 64 problems. */
export function parseText(source: TextSource): TextResult {
  const { file, text } = source;
  const limit = AUTHORING_LIMITS.textBytes;
  // A UTF-16 unit has at most three bytes; only texts near the limit are measured exactly.
  if (text.length > limit || (text.length * 3 > limit && Buffer.byteLength(text) > limit)) {
    return refused(file, "source_too_large", `The text is larger than ${limit} bytes.`, "split the program.");
  }
  return new TextParser(source).run();
}
