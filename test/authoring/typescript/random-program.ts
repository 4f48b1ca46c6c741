/**
 * Random programs of the language, out of a tape of numbers so that a failing one shrinks. They stay where JavaScript
 * and the machine mean the same: numbers are kept small, divisors away from zero, words within 32 bits, indexes inside.
 */

class Tape {
  readonly #numbers: readonly number[];
  #at = 0;

  constructor(numbers: readonly number[]) {
    this.#numbers = numbers;
  }

  below(n: number): number {
    return (this.#numbers[this.#at++] ?? 0) % n;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
}

const NUMBERS = ["a", "b", "c"];
const word = (x: string): string => `Math.trunc(Math.abs(${x}))`;
const kept = (x: string): string => `Math.max(-1000, Math.min(1000, ${x}))`;

class Generator {
  readonly #tape: Tape;
  readonly #calls: readonly string[];
  #names = 0;

  constructor(tape: Tape, calls: readonly string[]) {
    this.#tape = tape;
    this.#calls = calls;
  }

  number(depth: number): string {
    const tape = this.#tape;
    if (depth <= 0) return tape.pick([...NUMBERS, String(tape.below(200) - 100), String(tape.below(40) / 8)]);
    const [x, y] = [this.number(depth - 1), this.number(depth - 1)];
    const v = tape.pick(NUMBERS);
    return tape.pick([
      ...[`(${x} + ${y})`, `(${x} - ${y})`, `(${x} * ${y})`, `(${x} / (Math.abs(${y}) + 1))`, `(- ${x})`],
      ...[`(${word(v)} & ${tape.below(256)})`, `(${word(v)} | 5)`, `(${word(v)} ^ 9)`, `(${word(v)} << 3)`],
      ...[`(${word(v)} >> 1)`, `(${word(v)} >>> 2)`, `(${word(v)} % ${tape.below(9) + 1})`],
      ...[`Math.floor(${x})`, `Math.ceil(${x})`, `Math.sqrt(Math.abs(${x}))`, `Math.min(${x}, ${y})`],
      ...[
        `(${this.condition(depth - 1)} ? ${x} : ${y})`,
        `list[${word(v)} % list.length]`,
        "o.p",
        "s.length",
      ],
      ...[
        `(${v} = ${kept(x)})`,
        `${v}++`,
        `--${v}`,
        `(o.p = ${kept(x)})`,
        "list.length",
        `(nothing ?? ${x})`,
      ],
      ...this.#calls.map((name) => `${name}(${kept(x)}, ${kept(y)})`),
    ]);
  }

  condition(depth: number): string {
    const tape = this.#tape;
    const [x, y] = [this.number(depth - 1), this.number(depth - 1)];
    // A sum is no literal type, so the checker does not call the comparison pointless.
    const comparison = `(${x} + 0 ${tape.pick(["<", "<=", ">", ">=", "===", "!=="])} ${y})`;
    if (depth <= 0) return tape.pick([comparison, "flag", "!flag", "(s === 'x')"]);
    const [p, q] = [this.condition(depth - 1), this.condition(depth - 1)];
    const words = ["(s.includes('xy'))", `(s < '${tape.pick(["x", "y"])}')`, "(nothing === null)"];
    return tape.pick([
      comparison,
      `(${p} && ${q})`,
      `(${p} || ${q})`,
      `!${p}`,
      `(${p} ? ${q} : flag)`,
      ...words,
    ]);
  }

  #text(): string {
    const tape = this.#tape;
    return tape.pick(["'x'", "'y'", `\`\${${tape.pick(NUMBERS)}}\``, "s.slice(0, 1)", "(flag ? 'p' : 'q')"]);
  }

  block(depth: number, inLoop: boolean): string {
    const count = this.#tape.below(3) + 1;
    return Array.from({ length: count }, () => this.statement(depth, inLoop)).join("\n");
  }

  statement(depth: number, inLoop: boolean): string {
    const tape = this.#tape;
    const v = tape.pick(NUMBERS);
    const simple = [
      () => `${v} = ${kept(this.number(3))};`,
      () => `${v} ${tape.pick(["+=", "-=", "*="])} ${this.number(1)}; ${v} = ${kept(v)};`,
      () => `flag = ${this.condition(2)};`,
      () => `if (s.length < 30) s += ${this.#text()};`,
      () => `if (list.length < 20) list.push(${kept(this.number(2))});`,
      () => `list[${word(v)} % list.length] = ${kept(this.number(2))};`,
      () => `list[${word(v)} % list.length] += ${kept(this.number(1))};`,
      () => `o.p = ${kept(this.number(2))};`,
      () => `o.q = ${this.#text()};`,
      () => (inLoop ? `if (${this.condition(1)}) ${tape.pick(["break", "continue"])};` : `${v}++;`),
      () => `if (${this.condition(1)}) throw fail('r${tape.below(3)}', { ${v} });`,
    ];
    return depth <= 0 ? tape.pick(simple)() : tape.pick([...simple, ...this.#nested(depth, inLoop)])();
  }

  #nested(depth: number, inLoop: boolean): readonly (() => string)[] {
    const tape = this.#tape;
    const body = (loop: boolean): string => this.block(depth - 1, loop);
    const name = `i${this.#names++}`;
    const [v, rounds] = [tape.pick(NUMBERS), tape.below(4)];
    return [
      () => `if (${this.condition(2)}) {\n${body(inLoop)}\n}`,
      () => `if (${this.condition(2)}) {\n${body(inLoop)}\n} else {\n${body(inLoop)}\n}`,
      () => `for (let ${name} = 0; ${name} < ${rounds}; ${name}++) {\n${body(true)}\n}`,
      () => `for (const ${name} of list.slice(0, 1)) {\n${v} = ${name};\n${body(true)}\n}`,
      () =>
        `let ${name} = 0; while (${name} < ${rounds} && ${this.condition(1)}) {\n${name}++;\n${body(true)}\n}`,
      () => `let ${name} = 0; do {\n${name}++;\n${body(true)}\n} while (${name} < ${rounds});`,
      () =>
        `{ let ${v} = ${tape.pick(NUMBERS.filter((other) => other !== v))}; ${body(inLoop)} o.p = ${kept(v)}; }`,
      () =>
        `switch (${word(v)} % 3) { case 0: ${this.block(0, false)} case 1: ${this.block(0, false)} break; default: ${this.block(0, false)} }`,
      () => `try {\n${body(inLoop)}\n} catch (e) {\ns = faultOf(e).reason;\n${body(inLoop)}\n}`,
    ];
  }
}

const STATE = `let flag: boolean = a < b; let s = "" + "s"; const list = [1, 2, 3]; const o = { p: 1, q: "q" };
let nothing: number | null = null; if (a === 0.125) nothing = 1;`;

export interface RandomProgram {
  /** Functions f0, f1, …; each may call those before it. */
  readonly declarations: string;
  /** Statements whose variables make up the result. */
  readonly statements: string;
}

export function randomProgram(numbers: readonly number[]): RandomProgram {
  const tape = new Tape(numbers);
  const functions = Array.from({ length: tape.below(3) }, (_, i) => {
    const calls = Array.from({ length: i }, (_unused, j) => `f${j}`);
    const body = new Generator(tape, calls).block(1, false);
    return `function f${i}(a: number, b: number): number {\nlet c = 0;\n${STATE}\n${body}\nreturn ${kept("a + b + c + o.p")};\n}`;
  });
  const generator = new Generator(
    tape,
    functions.map((_, i) => `f${i}`),
  );
  const body = Array.from({ length: 4 }, () => generator.statement(2, false)).join("\n");
  return {
    declarations: functions.join("\n"),
    statements: `let a = 3; let b = -2; let c = 0.5;\n${STATE}\n${body}`,
  };
}
