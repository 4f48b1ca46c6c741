/**
 * A cursor over the text: words, quoted texts and numbers. It only moves forward, each character is looked at a bounded
 * number of times, and every failure is a TextProblem at its offset.
 */
import type { SourcePosition } from "../types.ts";
import { TextProblem } from "./problem.ts";

const wordPattern = /[A-Za-z_][A-Za-z0-9_.-]*/y;
const keyPattern = /[A-Za-z0-9_.-]+/y;
const numberPattern = /-?(?:0x[0-9A-Fa-f]{1,14}|(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)/y;
const hexPattern = /[0-9a-f]*/y;
const tokenPattern = /[^\s,;#"=(){}[\]]+/y;
const blankPattern = /[ \t\r]*/y;
const restPattern = /[^\n]*/y;
const LONE_SURROGATE = /\p{Surrogate}/u;

export class Scanner {
  readonly text: string;
  readonly #file: string;
  at = 0;
  /** Offsets at which lines begin, as far as they have been passed. */
  readonly #lineStarts: number[] = [0];

  constructor(file: string, text: string) {
    this.#file = file;
    this.text = text;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", end + 1)) {
      this.#lineStarts.push(end + 1);
    }
  }

  /** Line and column of an offset. */
  position(at: number): SourcePosition {
    let [low, high] = [0, this.#lineStarts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#lineStarts[middle] ?? 0) <= at) low = middle;
      else high = middle - 1;
    }
    return { file: this.#file, line: low + 1, column: at - (this.#lineStarts[low] ?? 0) + 1 };
  }

  fail(code: string, message: string, hint: string | null = null, at = this.at): never {
    throw new TextProblem(code, message, hint, at);
  }

  get isDone(): boolean {
    return this.at >= this.text.length;
  }

  peek(): string {
    return this.text[this.at] ?? "";
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0] ?? "";
    this.at += found.length;
    return found;
  }

  /** Passes blanks of this line. */
  blanks(): void {
    this.#take(blankPattern);
  }

  /** Passes blanks, comments and ends of lines; inside brackets a value may go over several lines. */
  space(): void {
    for (;;) {
      this.blanks();
      const char = this.peek();
      if (char === ";" || char === "#") this.#take(restPattern);
      else if (char === "\n") this.at++;
      else return;
    }
  }

  /** Whether nothing but a comment is left in this line. */
  atLineEnd(): boolean {
    this.blanks();
    const char = this.peek();
    return char === "" || char === "\n" || char === ";" || char === "#";
  }

  /** Goes to the beginning of the next line. */
  nextLine(): void {
    this.#take(restPattern);
    this.at++;
  }

  /** Takes the character if it is next. */
  take(char: string): boolean {
    if (this.peek() !== char) return false;
    this.at++;
    return true;
  }

  expect(char: string, where: string): void {
    if (!this.take(char)) this.fail("unexpected", `Expected "${char}" ${where}.`);
  }

  /** A name, or empty. */
  word(): string {
    return this.#take(wordPattern);
  }

  /** A bare member name, which may begin with a digit, or empty. */
  bareKey(): string {
    return this.#take(keyPattern);
  }

  /** Everything up to a blank or a character with a meaning, or empty. */
  token(): string {
    return this.#take(tokenPattern);
  }

  hex(): string {
    return this.#take(hexPattern);
  }

  number(): number {
    const start = this.at;
    const found = this.#take(numberPattern);
    const isNegativeHex = found.startsWith("-0x");
    const value = isNegativeHex ? -Number(found.slice(1)) : Number(found);
    const end = this.peek();
    if (found === "" || !Number.isFinite(value) || /[A-Za-z0-9_.%$]/.test(end)) {
      this.fail("bad_number", "This is not a number.", "write 12, -0.5, 1e3 or 0x1f.", start);
    }
    return value + 0;
  }

  /** A text in double quotes, as in JSON. */
  quoted(): string {
    const start = this.at;
    this.at++;
    for (; this.peek() !== '"'; this.at++) {
      if (this.peek() === "\\") this.at++;
      if (this.isDone || this.peek() === "\n") {
        this.fail("unterminated_text", 'The text does not end in this line with ".', null, start);
      }
    }
    this.at++;
    return this.#decode(this.text.slice(start, this.at), start);
  }

  #decode(token: string, start: number): string {
    let value: unknown;
    try {
      value = JSON.parse(token);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
    if (typeof value !== "string" || LONE_SURROGATE.test(value)) {
      this.fail(
        "bad_text",
        "The text holds an escape or a character that JSON does not know.",
        'escapes are those of JSON: \\n, \\t, \\\\, \\", \\u00b0.',
        start,
      );
    }
    return value;
  }
}
