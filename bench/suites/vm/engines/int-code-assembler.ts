/** Turns the documents of the workloads into the integers of `int-code.ts`. */
import { isJsonObject, type Json, type JsonObject } from "../../../../firmware/core/json.ts";

export type IntValue = null | boolean | number | string | IntValue[] | Map<string, IntValue>;

export interface IntProgram {
  /** Pairs of operation and argument; jumps name the index of a pair's first number. */
  readonly code: Int32Array;
  readonly constants: readonly IntValue[];
  readonly keys: readonly (readonly string[])[];
  readonly functions: readonly { readonly entry: number; readonly params: number; readonly size: number }[];
  readonly registers: number;
}

const NAMES = [
  ..."CONST REG STORE PAYLOAD ADD SUB MUL DIV LT EQ JUMP JZ JNZ CALLF RET RESPOND".split(" "),
  ..."NEW_ARR MAKE_OBJ APPEND GETK LEN CONCAT CLAMP SLICE TYPE FAIL".split(" "),
];
const INT_OP: ReadonlyMap<string, number> = new Map(NAMES.map((name, number) => [name, number]));

/** Fields that are operands, in the order in which they go to the stack. */
const OPERANDS: Readonly<Record<string, readonly string[]>> = {
  PUSH: ["value"],
  RET: ["value"],
  RESPOND: ["body"],
  APPEND: ["oid", "value"],
  GETK: ["oid", "key"],
  LEN: ["oid"],
  CLAMP: ["min", "max"],
  SLICE: ["start", "end"],
};

interface Scope {
  readonly name: string;
  readonly entry: number;
  readonly params: number;
  readonly slots: Map<string, number>;
}

class Assembler {
  readonly #document: JsonObject;
  readonly #code: number[] = [];
  readonly #constants: IntValue[] = [];
  readonly #keys: string[][] = [];
  readonly #labels = new Map<string, number>();
  readonly #jumps: { readonly at: number; readonly label: string }[] = [];
  readonly #calls: { readonly at: number; readonly name: string }[] = [];
  readonly #scopes: Scope[] = [{ name: "", entry: 0, params: 0, slots: new Map() }];

  constructor(document: JsonObject) {
    this.#document = document;
  }

  assemble(): IntProgram {
    for (const instruction of this.#document.code as readonly JsonObject[]) this.#instruction(instruction);
    for (const { at, label } of this.#jumps) this.#code[at] = this.#labels.get(label) ?? this.#code.length;
    const [main, ...functions] = this.#scopes;
    for (const { at, name } of this.#calls) this.#code[at] = functions.findIndex((f) => f.name === name);
    return {
      code: Int32Array.from(this.#code),
      constants: this.#constants,
      keys: this.#keys,
      functions: functions.map(({ entry, params, slots }) => ({ entry, params, size: slots.size })),
      registers: main?.slots.size ?? 0,
    };
  }

  #emit(name: string, argument = 0): number {
    const number = INT_OP.get(name);
    if (number === undefined) throw new Error(`Unknown instruction ${name}.`);
    return this.#code.push(number, argument) - 1;
  }

  #slot(register: string): number {
    const slots = this.#scopes.at(-1)?.slots ?? new Map<string, number>();
    const slot = slots.get(register) ?? slots.size;
    slots.set(register, slot);
    return slot;
  }

  #constant(value: Json | undefined): void {
    this.#emit("CONST", this.#constants.push((value ?? null) as IntValue) - 1);
  }

  #operand(operand: Json | undefined): void {
    if (typeof operand === "string" && operand.startsWith("reg:"))
      this.#emit("REG", this.#slot(operand.slice(4)));
    else if (typeof operand === "string" && operand.startsWith("$.payload.")) {
      this.#emit("PAYLOAD", this.#constants.push(operand.slice(10)) - 1);
    } else if (typeof operand === "string" && operand.startsWith("const:")) {
      this.#constant((this.#document.constants as JsonObject)[operand.slice(6)]);
    } else if (isJsonObject(operand)) {
      for (const item of Object.values(operand)) this.#operand(item);
      this.#emit("MAKE_OBJ", this.#keys.push(Object.keys(operand)) - 1);
    } else this.#constant(operand);
  }

  #instruction(instruction: JsonObject): void {
    const name = String(instruction.op);
    const label = String(instruction.name);
    if (name === "LABEL") this.#labels.set(label, this.#code.length);
    else if (name === "FUNC") {
      const params = (instruction.params ?? []) as readonly string[];
      const slots = new Map(params.map((param, slot) => [param, slot]));
      this.#scopes.push({ name: label, entry: this.#code.length, params: params.length, slots });
    } else if (name === "STORE") this.#emit(name, this.#slot(String(instruction.reg)));
    else if (name === "JUMP" || name === "JZ" || name === "JNZ") {
      this.#jumps.push({ at: this.#emit(name), label: String(instruction.label) });
    } else if (name === "CALLF") {
      for (const { value } of (instruction.args ?? []) as readonly JsonObject[]) this.#operand(value);
      this.#calls.push({ at: this.#emit(name), name: label });
    } else if (name !== "ENDFUNC") {
      for (const field of OPERANDS[name] ?? []) {
        if (instruction[field] !== undefined) this.#operand(instruction[field]);
      }
      if (name !== "PUSH") this.#emit(name);
    }
  }
}

/** The instructions of the workloads only; functions follow the main code, arguments come in the order of `params`. */
export const assemble = (document: JsonObject): IntProgram => new Assembler(document).assemble();
