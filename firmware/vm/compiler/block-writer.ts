/**
 * Writes the JavaScript of one block while it follows what lies on the stack and in the registers. Text of the program
 * never becomes text of the code: names are numbers here, and every value is an entry of a table.
 */

import type { Value } from "../values/values.ts";
import type { LoweredOperand } from "../verifier/lowered-program.ts";
import { ANY, isOnly, type Kinds, kindsOf, NUMBER, SCALAR, WORD } from "./kinds.ts";

/** A value that exists when the code runs, as an expression without effect. */
export interface Known {
  readonly text: string;
  kinds: Kinds;
  /** The register this is a view of, −1 for none. */
  register: number;
  /** For literals. */
  readonly literal?: Value;
}

/** What is known where a block begins. Stack values lie in the variables `x0`, `x1`, … there. */
export interface BlockState {
  readonly registers: Kinds[];
  readonly stack: Kinds[];
}

/** Tables of values that generated code refers to by number. */
export class Tables {
  readonly constants: Value[] = [];
  /** Places that remember a shape; made when the code is. */
  siteCount = 0;
  /** Anything else: shapes, steps, frames. */
  readonly parts: unknown[] = [];

  constant(value: Value): string {
    return `K[${this.constants.push(value) - 1}]`;
  }

  site(): string {
    return `S[${this.siteCount++}]`;
  }

  part(value: unknown): string {
    return `P[${this.parts.push(value) - 1}]`;
  }
}

export interface FrameFacts {
  /** Kinds of the program's inputs, assumed and guarded at the beginning. */
  readonly inputs: readonly Kinds[];
}

/** What a function's code uses, found while it is written. */
export class Usage {
  readonly registers = new Set<number>();
  readonly stored = new Set<number>();
  readonly inputs = new Set<number>();
  /** Instructions after which bulk steps may be due, so that what follows is charged anew. */
  readonly bulk = new Set<number>();
  stack = 0;
  temporaries = 0;
}

export class BlockWriter {
  readonly lines: string[] = [];
  readonly tables: Tables;
  readonly usage: Usage;
  readonly stack: Known[];
  readonly registers: Kinds[];
  readonly #facts: FrameFacts;
  /** Steps charged ahead for the instruction at work and those behind it in its segment. */
  refund = 0;
  /** The instruction at work, and the stack before it. */
  #pc = 0;
  #before: Known[] = [];

  constructor(state: BlockState, facts: FrameFacts, tables: Tables, usage: Usage) {
    this.registers = [...state.registers];
    this.stack = state.stack.map((kinds, i) => ({ text: `x${i}`, kinds, register: -1 }));
    this.#facts = facts;
    this.tables = tables;
    this.usage = usage;
    this.#noteStack(this.stack.length);
  }

  begin(pc: number): void {
    this.#pc = pc;
    this.#before = [...this.stack];
  }

  line(text: string): void {
    this.lines.push(text);
  }

  /** Charges the steps of a segment, or leaves before its first instruction. */
  segment(pc: number, steps: number): void {
    if (steps === 0) return;
    this.begin(pc);
    this.refund = steps;
    this.line(`if ((fuel -= ${steps}) < 0) ${this.exit()}`);
  }

  /** Leaves before the instruction at work, with the state as it was then. */
  exit(): string {
    return this.exitAt(this.#pc, this.#before, this.refund);
  }

  exitAt(pc: number, stack: readonly Known[], refund: number, more = ""): string {
    const moves = this.spill(stack);
    const back = refund === 0 ? "" : `fuel += ${refund};`;
    return `{${moves}pc = ${pc};sp = ${stack.length};${back}${more}break E;}`;
  }

  /** Leaves after a call whose callee has left: this frame waits at the call for its result. */
  leaveBehind(): string {
    return this.exitAt(this.#pc, this.#before, 0, "deep = true;");
  }

  /** Assignments that put stack values into their variables. */
  spill(stack: readonly Known[]): string {
    this.#noteStack(stack.length);
    const moving = stack
      .map((value, i) => ({ value, to: `x${i}` }))
      .filter(({ value, to }) => value.text !== to);
    const isMoved = (text: string): boolean => moving.some(({ to }) => to === text);
    const copies = moving.filter(({ value }) => isMoved(value.text));
    if (copies.length === 0) return moving.map(({ value, to }) => `${to} = ${value.text};`).join("");
    const held = new Map(copies.map(({ value }) => [value.text, this.#temporary()]));
    const saved = [...held].map(([text, name]) => `const ${name} = ${text};`).join("");
    return saved + moving.map(({ value, to }) => `${to} = ${held.get(value.text) ?? value.text};`).join("");
  }

  push(text: string, kinds: Kinds): void {
    this.pushKnown({ text, kinds, register: -1 });
  }

  pushKnown(value: Known): void {
    this.stack.push(value);
    this.#noteStack(this.stack.length);
  }

  /** Pushes the value of an expression that is computed now. */
  compute(expression: string, kinds: Kinds): Known {
    const name = this.#temporary();
    this.line(`const ${name} = ${expression};`);
    return { text: name, kinds, register: -1 };
  }

  /** Verified: the stack is deep enough. */
  pop(): Known {
    const value = this.stack.pop();
    if (value === undefined) throw new Error("The stack of a verified program is deep enough.");
    return value;
  }

  literal(value: Value): Known {
    const kinds = kindsOf(value);
    if (value === null || typeof value === "boolean")
      return { text: String(value), kinds, register: -1, literal: value };
    // A number writes itself; in parentheses, as it may begin with a minus.
    const text = typeof value === "number" ? `(${value})` : this.tables.constant(value);
    return { text, kinds, register: -1, literal: value };
  }

  register(slot: number): Known {
    this.usage.registers.add(slot);
    return { text: `r${slot}`, kinds: this.registers[slot] ?? ANY, register: slot };
  }

  input(number: number): Known {
    this.usage.inputs.add(number);
    const kinds = this.#facts.inputs[number] ?? ANY;
    const value = { text: `i${number}`, kinds, register: -1 };
    if (!isOnly(kinds, SCALAR)) {
      this.line(`if (R.isContainer(i${number})) ${this.exit()}`);
      value.kinds = kinds & SCALAR;
    }
    return value;
  }

  /** An operand that builds nothing; null for others. */
  operand(operand: LoweredOperand): Known | null {
    switch (operand.kind) {
      case "slot":
        return this.register(operand.slot);
      case "literal":
        return this.literal(operand.value);
      case "input":
        return this.input(operand.input);
      default:
        return null;
    }
  }

  store(slot: number, value: Known): void {
    this.usage.registers.add(slot);
    this.usage.stored.add(slot);
    for (const [i, held] of this.stack.entries()) {
      if (held.register === slot) this.stack[i] = this.compute(held.text, held.kinds);
    }
    if (value.text !== `r${slot}`) this.line(`r${slot} = ${value.text};`);
    this.registers[slot] = value.kinds;
  }

  /** What a check has shown holds for every view of the value. */
  #refine(value: Known, kinds: Kinds): void {
    value.kinds &= kinds;
    if (value.register < 0) return;
    this.registers[value.register] = (this.registers[value.register] ?? ANY) & kinds;
    for (const held of this.stack) if (held.register === value.register) held.kinds &= kinds;
  }

  needNumber(value: Known): void {
    if (isOnly(value.kinds, NUMBER)) return;
    this.line(`if (typeof ${value.text} !== "number") ${this.exit()}`);
    this.#refine(value, NUMBER);
  }

  needWord(value: Known): void {
    if (isOnly(value.kinds, WORD)) return;
    this.line(`if (!R.isWord(${value.text})) ${this.exit()}`);
    this.#refine(value, WORD);
  }

  /** Leaves if a result is the sign that something is not plain. */
  needDefined(value: Known): void {
    this.line(`if (${value.text} === undefined) ${this.exit()}`);
  }

  needFinite(value: Known): void {
    this.line(`if (${value.text} - ${value.text} !== 0) ${this.exit()}`);
  }

  /** Takes what a helper has charged in bulk. */
  takeBulk(): void {
    this.usage.bulk.add(this.#pc);
    this.line("fuel -= R.shared.bulk;");
  }

  #temporary(): string {
    return `t${this.usage.temporaries++}`;
  }

  #noteStack(depth: number): void {
    if (depth > this.usage.stack) this.usage.stack = depth;
  }
}
