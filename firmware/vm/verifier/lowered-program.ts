/**
 * The form that runs: integer-coded instructions with registers as slots, labels as positions and constants interned.
 * It is the seam between verifier and executor; the interpreter walks it, a compiler may translate it.
 */
import type { Json } from "../../core/json.ts";
import type { Execute } from "../machine/executor.ts";
import type { Run, Task } from "../machine/run.ts";
import type { StepSource } from "../steps/step-builder.ts";
import type { ShapeTable } from "../values/objects.ts";
import type { Value } from "../values/values.ts";

/**
 * Words per instruction: operation and, above OP_BITS, how many values it needs on the stack; its operand (slot,
 * position, index); a second one (of calls the slot for evidence ids plus one, 0 for none); what `fuse` notes.
 */
export const STRIDE = 4;
export const OP_BITS = 8;
export const OP_MASK = 0xff;

/** Operations the interpreter does itself; all others are a `Step` behind `STEP`. */
export const OP = {
  /** Free: end of main code or of a body, end of a function. */
  END: 0,
  ENDFUNC: 1,
  PUSH_CONST: 2,
  PUSH_REG: 3,
  STORE: 4,
  POP: 5,
  DUP: 6,
  SWAP: 7,
  OVER: 8,
  ADD: 9,
  SUB: 10,
  MUL: 11,
  DIV: 12,
  LT: 13,
  LE: 14,
  GT: 15,
  GE: 16,
  EQ: 17,
  NE: 18,
  JUMP: 19,
  JZ: 20,
  JNZ: 21,
  NOP: 22,
  STEP: 23,
  /** A value of payload or trigger; the second operand is its number, the first the step for containers. */
  PUSH_INPUT: 24,
  /** A push that begins a sequence, see `fuse`. */
  FUSED: 25,
} as const;
export const LAST_FREE_OP = OP.ENDFUNC;

/** An operand with its names resolved. */
export type LoweredOperand =
  | { readonly kind: "literal"; readonly value: Value }
  | { readonly kind: "slot"; readonly slot: number }
  | { readonly kind: "input"; readonly input: number }
  | { readonly kind: "copy"; readonly json: Json }
  | { readonly kind: "array"; readonly items: readonly LoweredOperand[]; readonly bytes: number }
  | {
      readonly kind: "object";
      readonly keys: readonly string[];
      readonly items: readonly LoweredOperand[];
      /** Of the container and its keys in the memory model, the members' own not counted. */
      readonly bytes: number;
      /** Whether a key is above its limit, which is an error when it is reached. */
      readonly hasLongKey: boolean;
    };

/** A place in payload or trigger, looked up once per run. */
export interface InputPath {
  readonly of: "payload" | "trigger";
  readonly path: readonly string[];
  /** A path of one key that no object inherits; null for others. */
  readonly ownKey: string | null;
}

/**
 * One instruction beyond the integer-coded ones. It works on the task's own stack. A step that moves the task sets
 * `task.next`, a step that blocks or ends it sets `task.state`; else the machine goes on behind it.
 */
export type Step = (run: Run, task: Task) => void;

export interface LoweredFrame {
  readonly unit: string;
  readonly fn: string | null;
  readonly entry: number;
  readonly registers: number;
  /** By slot. */
  readonly registerNames: readonly string[];
  readonly maxStack: number;
  /** Bytes of one frame in the memory model. */
  readonly bytes: number;
}

export interface Place {
  readonly unit: string;
  readonly index: number;
  readonly fn: string | null;
}

export interface LoweredRegion {
  readonly handler: number;
  /** Stack depth at TRY. */
  readonly depth: number;
}

export interface LoweredProgram {
  readonly code: Int32Array;
  readonly constants: readonly Value[];
  readonly steps: readonly Step[];
  /** What each step was made from; the compiler reads it. */
  readonly sources: readonly StepSource[];
  readonly shapes: ShapeTable;
  /** Code made so far; every run of the program finds what earlier ones have compiled. */
  readonly executors: { compiled: Execute | null; tiered: Execute | null };
  readonly inputs: readonly InputPath[];
  /** The first is main code. */
  readonly frames: readonly LoweredFrame[];
  /** By instruction number (`pc / STRIDE`): index of the innermost region, −1 outside. */
  readonly regionOf: readonly number[];
  readonly regions: readonly LoweredRegion[];
  /** Where the instruction at a position stands in the document. */
  placeOf(pc: number): Place | null;
}
