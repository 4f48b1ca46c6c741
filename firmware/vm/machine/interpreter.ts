/**
 * The reference: walks the lowered code of one task until it blocks, ends or reaches `run.stopAt`. The hot operations
 * work on local variables; everything else is a `Step`. A failure leaves `task.pc` at the instruction that failed.
 */

import { coldStep } from "../steps/steps.ts";
import { truthy, type Value } from "../values/values.ts";
import { LAST_FREE_OP, OP, OP_BITS, OP_MASK, STRIDE, type Step } from "../verifier/lowered-program.ts";
import type { Run, Task } from "./run.ts";
import { vmError } from "./trap.ts";

/** The mark of a place at which the interpreter gives control back. */
export const STOP = 2;

/**
 * @param marks by instruction number; at one with `STOP` it returns when control comes there by a jump back, a call or
 * a return. Null: nowhere.
 * @throws Trap; the machine looks for a handler.
 */
export function interpret(run: Run, task: Task, marks: Uint8Array | null): void {
  const { code, constants, steps: extended } = run.program;
  const { inputs } = run;
  const memory = task.memory;
  let { steps, stopAt } = run;
  let { pc, sp, fp, floor } = task;
  walk: for (;;) {
    const word = code[pc] as number;
    const a = code[pc + 1] as number;
    const op = word & OP_MASK;
    if (op > LAST_FREE_OP) {
      if (steps >= stopAt) break;
      steps++;
      if (sp - (word >> OP_BITS) < floor) underflow(run, task, pc, sp, steps);
    }
    // Numbers of OP, as literals for a jump table. What is not plain goes to its step with the stack untouched.
    switch (op) {
      case 2: // PUSH_CONST
        memory[sp++] = constants[a] as Value;
        pc += STRIDE;
        continue;
      case 3: // PUSH_REG
        memory[sp++] = memory[fp + a] as Value;
        pc += STRIDE;
        continue;
      case 24: {
        // PUSH_INPUT
        const input = inputs[code[pc + 2] as number];
        if (typeof input === "object" && input !== null) break;
        memory[sp++] = input as Value;
        pc += STRIDE;
        continue;
      }
      case 4: // STORE
        memory[fp + a] = memory[--sp] as Value;
        pc += STRIDE;
        continue;
      case 5: // POP
        sp--;
        pc += STRIDE;
        continue;
      case 6: // DUP
        memory[sp] = memory[sp - 1] as Value;
        sp++;
        pc += STRIDE;
        continue;
      case 9: {
        // ADD
        const y = memory[sp - 1];
        const x = memory[sp - 2];
        if (typeof x !== "number" || typeof y !== "number") break;
        const z = x + y;
        if (z - z !== 0) break;
        memory[--sp - 1] = z;
        pc += STRIDE;
        continue;
      }
      case 10: {
        // SUB
        const y = memory[sp - 1];
        const x = memory[sp - 2];
        if (typeof x !== "number" || typeof y !== "number") break;
        const z = x - y;
        if (z - z !== 0) break;
        memory[--sp - 1] = z;
        pc += STRIDE;
        continue;
      }
      case 11: {
        // MUL; −0 does not exist
        const y = memory[sp - 1];
        const x = memory[sp - 2];
        if (typeof x !== "number" || typeof y !== "number") break;
        const z = x * y + 0;
        if (z - z !== 0) break;
        memory[--sp - 1] = z;
        pc += STRIDE;
        continue;
      }
      case 12: {
        // DIV
        const y = memory[sp - 1];
        const x = memory[sp - 2];
        if (typeof x !== "number" || typeof y !== "number") break;
        const z = x / y + 0;
        if (z - z !== 0) break;
        memory[--sp - 1] = z;
        pc += STRIDE;
        continue;
      }
      case 13: // LT
      case 14: // LE
      case 15: // GT
      case 16: // GE
      case 17: // EQ
      case 18: {
        // NE
        const y = memory[sp - 1];
        const x = memory[sp - 2];
        if (typeof x !== "number" || typeof y !== "number") break;
        memory[--sp - 1] = compare(op, x, y);
        pc += STRIDE;
        continue;
      }
      case 25: {
        // FUSED: all of the sequence, or its first push alone.
        const fused = code[pc + 3] as number;
        const end = fused >> OP_BITS;
        const x = ((fused & OP_MASK) === 3 ? memory[fp + a] : constants[a]) as Value;
        const secondOp = (code[pc + STRIDE] as number) & OP_MASK;
        const second = code[pc + STRIDE + 1] as number;
        // The second may begin a sequence of its own; its kind is then in its fourth word.
        const kind = secondOp === 25 ? (code[pc + STRIDE + 3] as number) & OP_MASK : secondOp;
        const y = (
          kind === 3
            ? memory[fp + second]
            : kind === 2
              ? constants[second]
              : inputs[code[pc + STRIDE + 2] as number]
        ) as Value;
        const combining = (code[pc + 2 * STRIDE] as number) & OP_MASK;
        if (typeof x === "number" && typeof y === "number" && steps + (end === 3 ? 2 : 3) <= stopAt) {
          if (combining < 13) {
            const z =
              combining === 9 ? x + y : combining === 10 ? x - y : combining === 11 ? x * y + 0 : x / y + 0;
            if (z - z === 0) {
              if (end === 4) {
                memory[fp + (code[pc + 3 * STRIDE + 1] as number)] = z;
                steps += 3;
                pc += 4 * STRIDE;
              } else {
                memory[sp++] = z;
                steps += 2;
                pc += 3 * STRIDE;
              }
              continue;
            }
          } else {
            const holds = compare(combining, x, y);
            if (end === 3) {
              memory[sp++] = holds;
              steps += 2;
              pc += 3 * STRIDE;
              continue;
            }
            steps += 3;
            if (end === 4) {
              memory[fp + (code[pc + 3 * STRIDE + 1] as number)] = holds;
              pc += 4 * STRIDE;
              continue;
            }
            if (holds !== (((code[pc + 3 * STRIDE] as number) & OP_MASK) === 21)) {
              pc += 4 * STRIDE;
              continue;
            }
            const target = code[pc + 3 * STRIDE + 1] as number;
            const isBack = target <= pc;
            pc = target;
            if (isBack && marks !== null && ((marks[target / STRIDE] as number) & STOP) !== 0) break walk;
            continue;
          }
        }
        memory[sp++] = x;
        pc += STRIDE;
        continue;
      }
      case 19: {
        // JUMP
        const isBack = a <= pc;
        pc = a;
        if (isBack && marks !== null && ((marks[a / STRIDE] as number) & STOP) !== 0) break walk;
        continue;
      }
      case 20: // JZ
      case 21: {
        // JNZ
        const value = memory[--sp] as Value;
        if ((typeof value === "boolean" ? value : truthy(value)) !== (op === 21)) {
          pc += STRIDE;
          continue;
        }
        const isBack = a <= pc;
        pc = a;
        if (isBack && marks !== null && ((marks[a / STRIDE] as number) & STOP) !== 0) break walk;
        continue;
      }
      case 22: // NOP
        pc += STRIDE;
        continue;
    }
    save(run, task, pc, sp, steps);
    task.next = pc + STRIDE;
    (op === OP.STEP || op === OP.PUSH_INPUT ? (extended[a] as Step) : coldStep(op))(run, task);
    if (task.state !== "ready") return;
    const moved = task.next !== pc + STRIDE;
    ({ next: pc, sp, fp, floor } = task);
    ({ steps, stopAt } = run);
    if (moved && marks !== null && ((marks[pc / STRIDE] as number) & STOP) !== 0) break;
  }
  save(run, task, pc, sp, steps);
}

function save(run: Run, task: Task, pc: number, sp: number, steps: number): void {
  task.pc = pc;
  task.sp = sp;
  run.steps = steps;
}

/** Cannot happen in a verified program; checked all the same. */
function underflow(run: Run, task: Task, pc: number, sp: number, steps: number): never {
  save(run, task, pc, sp, steps);
  throw vmError("stack_underflow");
}

function compare(op: number, x: number, y: number): boolean {
  switch (op) {
    case 13:
      return x < y;
    case 14:
      return x <= y;
    case 15:
      return x > y;
    case 16:
      return x >= y;
    case 17:
      return x === y;
    default:
      return x !== y;
  }
}
