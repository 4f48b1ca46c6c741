/**
 * Marks sequences that the interpreter does in one turn of its loop: two pushes, arithmetic or a comparison of them, and
 * often a STORE or a branch behind. The instructions stay where they are, so jumps into the middle, failures and stops
 * between any two of them find the single ones.
 */
import { OP, OP_BITS, OP_MASK, STRIDE } from "./lowered-program.ts";

/** How a sequence ends; by these numbers the interpreter knows its length. */
export const FUSED = { PUSH: 3, STORE: 4, BRANCH: 5 } as const;

const isPush = (op: number | undefined): boolean => op === OP.PUSH_REG || op === OP.PUSH_CONST;
const isCombining = (op: number): boolean => op >= OP.ADD && op <= OP.NE;

function endOf(combining: number, next: number | undefined): number {
  if (next === OP.STORE) return FUSED.STORE;
  if ((next === OP.JZ || next === OP.JNZ) && combining >= OP.LT) return FUSED.BRANCH;
  return FUSED.PUSH;
}

/** Replaces the operation of the first instruction; the fourth word keeps what it was and how the sequence ends. */
export function fuse(code: Int32Array): Int32Array {
  const op = (pc: number): number | undefined => {
    const word = code[pc];
    if (word === undefined) return undefined;
    return (word & OP_MASK) === OP.FUSED ? (code[pc + 3] as number) & OP_MASK : word & OP_MASK;
  };
  for (let pc = 0; pc < code.length; pc += STRIDE) {
    const second = op(pc + STRIDE);
    const combining = op(pc + 2 * STRIDE);
    if (!isPush(op(pc)) || !(isPush(second) || second === OP.PUSH_INPUT)) continue;
    if (combining === undefined || !isCombining(combining)) continue;
    const end = endOf(combining, op(pc + 3 * STRIDE));
    code[pc + 3] = (op(pc) as number) | (end << OP_BITS);
    code[pc] = OP.FUSED;
  }
  return code;
}
