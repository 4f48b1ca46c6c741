/**
 * Walks the lowered code of one task until it blocks, ends or reaches `run.stopAt`. The hot operations work on local
 * variables; everything else is a `Step`. A failure leaves `task.pc` at the instruction that failed.
 */
import { LAST_FREE_OP, OP, STRIDE, type Step } from "./lowered-program.ts";
import type { Run, Task } from "./run.ts";
import { coldStep } from "./steps.ts";
import { vmError } from "./trap.ts";
import { truthy, type Value } from "./values.ts";

/** @throws Trap; the machine looks for a handler. */
export function interpret(run: Run, task: Task): void {
  const { code, constants, steps: extended } = run.program;
  const memory = task.memory;
  let { steps, stopAt } = run;
  let { pc, sp, fp, floor } = task;
  for (;;) {
    const op = code[pc] as number;
    const a = code[pc + 1] as number;
    if (op > LAST_FREE_OP) {
      if (steps >= stopAt) break;
      steps++;
      if (sp - (code[pc + 3] as number) < floor) underflow(run, task, pc, sp, steps);
    }
    // Numbers of OP, as literals for a jump table. What is not plain goes to its step with the stack untouched.
    let plain = true;
    switch (op) {
      case 2: // PUSH_CONST
        memory[sp++] = constants[a] as Value;
        break;
      case 3: // PUSH_REG
        memory[sp++] = memory[fp + a] as Value;
        break;
      case 4: // STORE
        memory[fp + a] = memory[--sp] as Value;
        break;
      case 5: // POP
        sp--;
        break;
      case 22: // NOP
        break;
      case 6: // DUP
        memory[sp] = memory[sp - 1] as Value;
        sp++;
        break;
      case 19: // JUMP
        pc = a - STRIDE;
        break;
      case 20: // JZ
      case 21: // JNZ
        if (truthy(memory[--sp] as Value) === (op === 21)) pc = a - STRIDE;
        break;
      default: {
        const result = op > 8 && op < 19 ? arithmetic(op, memory[sp - 2], memory[sp - 1]) : null;
        plain = result !== null;
        if (plain) memory[--sp - 1] = result;
      }
    }
    if (plain) {
      pc += STRIDE;
      continue;
    }
    save(run, task, pc, sp, steps);
    task.next = pc + STRIDE;
    (op === OP.STEP ? (extended[a] as Step) : coldStep(op))(run, task);
    if (task.state !== "ready") return;
    ({ next: pc, sp, fp, floor } = task);
    steps = run.steps;
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

/** ADD to NE of two numbers; null for other types and for a number that is not finite. −0 does not exist. */
function arithmetic(op: number, x: Value | undefined, y: Value | undefined): number | boolean | null {
  if (typeof x !== "number" || typeof y !== "number") return null;
  const result = compute(op, x, y);
  return typeof result === "number" && result - result !== 0 ? null : result;
}

function compute(op: number, x: number, y: number): number | boolean {
  switch (op) {
    case 9:
      return x + y;
    case 10:
      return x - y;
    case 11:
      return x * y + 0;
    case 12:
      return x / y + 0;
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
