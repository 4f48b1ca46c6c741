/** One function while it is compiled: its code, its registers, where break and continue lead. */
import type ts from "typescript";
import type { Json } from "../../core/json.ts";
import { type Fields, type Item, type Label, operation } from "./code.ts";
import type { Compilation } from "./compilation.ts";
import { tableOf } from "./constants.ts";

/** Where a variable is: a register of the frame, or the payload that is read in place. */
export type Place = { readonly kind: "register"; readonly name: string } | { readonly kind: "payload" };

export interface Jumps {
  readonly label: string | null;
  readonly breakTo: Label;
  /** Null for switch. */
  readonly continueTo: Label | null;
}

/** What an emitted call leaves: one value, nothing, or no way on. */
export type Left = "value" | "nothing" | "never";

/** The parts of the compiler that call each other; a frame carries them so that no file imports in a circle. */
export interface Lowering {
  /** Leaves one value on the stack. */
  push(frame: Frame, node: ts.Expression): void;
  /** Executes for the effect only. */
  discard(frame: Frame, node: ts.Expression): void;
  /** Jumps to `target` if the condition is `when`, else goes on. */
  branch(frame: Frame, node: ts.Expression, target: Label, when: boolean): void;
  /** Operands of one instruction, evaluated from left to right. */
  operands(frame: Frame, nodes: readonly ts.Expression[]): readonly Json[];
  call(frame: Frame, node: ts.CallExpression): Left;
  statement(frame: Frame, node: ts.Statement): void;
}

const MAX_NAME = 32;

/** A register name out of a name of the source that is not in `used`, to which it is added. */
export function freshName(wanted: string, used: Set<string>): string {
  const plain = wanted.replace(/[^A-Za-z0-9_]/g, "_").replace(/^(?=\d)/, "_") || "_";
  let name = plain.slice(0, MAX_NAME);
  for (let n = 2; used.has(name); n++) {
    const suffix = `_${n}`;
    name = plain.slice(0, MAX_NAME - suffix.length) + suffix;
  }
  used.add(name);
  return name;
}

export class Frame {
  readonly c: Compilation;
  readonly lower: Lowering;
  /** Null for main. */
  readonly fn: string | null;
  readonly items: Item[] = [];
  /** What comes before the first statement: tables of the source that this function reads. */
  readonly prelude: Item[] = [];
  readonly jumps: Jumps[] = [];
  /** Registers that hold the evidence ids of a call, by the variable that holds its result. */
  readonly evidence = new Map<ts.Symbol, string>();
  /** Functions that this one calls or spawns. */
  readonly calls = new Set<string>();
  /** Canonical ids of the capabilities called, and the outputs driven. */
  readonly capabilities = new Set<string>();
  readonly outputs = new Set<string>();
  readonly #places = new Map<ts.Symbol, Place>();
  readonly #used = new Set<string>();
  readonly #free: string[] = [];
  readonly #taken: string[] = [];

  constructor(c: Compilation, lower: Lowering, fn: string | null) {
    this.c = c;
    this.lower = lower;
    this.fn = fn;
  }

  emit(node: ts.Node, op: string, fields: Fields = {}): void {
    this.items.push(operation(op, this.c.positionOf(node), fields));
  }

  /** JUMP, JZ, JNZ, and TRY with its handler. */
  jump(node: ts.Node, op: "JUMP" | "JZ" | "JNZ" | "TRY", target: Label): void {
    this.items.push(operation(op, this.c.positionOf(node), {}, target));
  }

  place(label: Label): void {
    this.items.push(label);
  }

  /** Where a variable of the source is; a variable that was not met before gets a register. */
  placeOf(symbol: ts.Symbol): Place {
    const known = this.#places.get(symbol);
    if (known !== undefined) return known;
    const name = this.hidden(symbol.name);
    const table = tableOf(this.c, symbol);
    if (table !== null) {
      const position = this.c.positionOf(table.node);
      this.prelude.push(operation("PUSH", position, { value: { lit: table.value } }));
      this.prelude.push(operation("STORE", position, { reg: name }));
    }
    return this.bind(symbol, { kind: "register", name });
  }

  bind(symbol: ts.Symbol, place: Place): Place {
    this.#places.set(symbol, place);
    if (place.kind === "register") this.#used.add(place.name);
    return place;
  }

  /** A register for the whole function that no variable of the source has. */
  hidden(wanted: string): string {
    return freshName(wanted, this.#used);
  }

  /** A register until the end of the statement. */
  temporary(): string {
    const name = this.#free.pop() ?? this.hidden("tmp");
    this.#taken.push(name);
    return name;
  }

  /** Runs one statement's worth of expressions; the temporaries it took are free afterwards. */
  scoped(act: () => void): void {
    const mark = this.#taken.length;
    act();
    this.#free.push(...this.#taken.splice(mark).reverse());
  }

  /** Moves the value on the stack into a temporary. */
  keep(node: ts.Node): string {
    const name = this.temporary();
    this.emit(node, "STORE", { reg: name });
    return name;
  }
}
