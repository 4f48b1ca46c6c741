/** Reads the lowered code for the compiler: one record per instruction, and how control goes on behind it. */

import { STOP } from "../machine/interpreter.ts";
import type { StepSource } from "../steps/step-builder.ts";
import { type LoweredProgram, OP, OP_BITS, OP_MASK, STRIDE } from "../verifier/lowered-program.ts";

export interface Instruction {
  readonly pc: number;
  /** Name in the instruction set; `END` and `ENDFUNC` for the free ends. */
  readonly name: string;
  /** Slot, position or index, see `STRIDE`. */
  readonly a: number;
  readonly b: number;
  readonly pops: number;
  /** Null for what the code words say alone. */
  readonly source: StepSource | null;
}

const NAMES: ReadonlyMap<number, string> = new Map(Object.entries(OP).map(([name, op]) => [op, name]));

/** What only the interpreter does: waiting, tasks, endings, claims. Control leaves compiled code there. */
const INTERPRETED: ReadonlySet<string> = new Set([
  ...["CALL", "CAP", "SLEEP_MS", "JOIN", "SPAWN", "RESPOND", "HALT", "FAIL", "EVIDENCE", "CLAIM", "ELAPSED"],
  "END",
]);

export const isInterpreted = (name: string): boolean => INTERPRETED.has(name);
export const isReturn = (name: string): boolean => name === "RET" || name === "ENDFUNC";
export const isBranch = (name: string): boolean => name === "JZ" || name === "JNZ";

export function instructionAt(program: LoweredProgram, pc: number): Instruction {
  const word = program.code[pc] as number;
  const found = word & OP_MASK;
  const op = found === OP.FUSED ? (program.code[pc + 3] as number) & OP_MASK : found;
  const a = program.code[pc + 1] as number;
  const b = program.code[pc + 2] as number;
  const source = op === OP.STEP ? (program.sources[a] ?? null) : null;
  const name = source === null ? (NAMES.get(op) ?? "") : String(source.instr.op);
  return { pc, name, a, b, pops: word >> OP_BITS, source };
}

/** Marks of places, by instruction number. */
export const MARK = {
  /** Target of a jump, or behind a branch: no block goes on across it. */
  LEADER: 1,
  /** Control comes here again and again: the target of a jump back, the beginning of a frame. */
  HOT: STOP,
  /** A task begins or goes on here after waiting. */
  RESUME: 4,
} as const;

/** Finds the places where blocks begin and where compiled code may be entered. */
export function marksOf(program: LoweredProgram): Uint8Array {
  const { code } = program;
  const marks = new Uint8Array(code.length / STRIDE + 1);
  const mark = (pc: number, bits: number): void => {
    marks[pc / STRIDE] = (marks[pc / STRIDE] ?? 0) | bits;
  };
  for (const { entry } of program.frames) mark(entry, MARK.LEADER | MARK.HOT);
  for (const { handler } of program.regions) mark(handler, MARK.LEADER);
  for (let pc = 0; pc < code.length; pc += STRIDE) {
    const op = (code[pc] as number) & OP_MASK;
    const a = code[pc + 1] as number;
    if (op === OP.JUMP || op === OP.JZ || op === OP.JNZ) {
      mark(a, a <= pc ? MARK.LEADER | MARK.HOT : MARK.LEADER);
      mark(pc + STRIDE, MARK.LEADER);
    } else if (op === OP.STEP && isInterpreted(String(program.sources[a]?.instr.op))) {
      mark(pc + STRIDE, MARK.LEADER | MARK.RESUME);
    }
  }
  return marks;
}
