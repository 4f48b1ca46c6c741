/**
 * Walks the lowered code of one task until it blocks, ends or reaches `run.stopAt`. The hot operations work on local
 * variables; everything else is a `Step`. A failure leaves `task.pc` at the instruction that failed.
 */
import { LAST_FREE_OP, OP, STRIDE } from "./lowered-program.ts";
import type { Run, Task } from "./run.ts";
import { coldStep } from "./steps.ts";
import { vmError } from "./trap.ts";
import { truthy, type Value } from "./values.ts";

/** @throws Trap; the machine looks for a handler. */
export function interpret(run: Run, task: Task): void {
  const { code, constants, steps: extended } = run.program;
  const memory = task.memory;
  const stopAt = run.stopAt;
  let steps = run.steps;
  let pc = task.pc;
  let sp = task.sp;
  let fp = task.fp;
  let floor = task.floor;
  for (;;) {
    const op = code[pc] as number;
    const a = code[pc + 1] as number;
    const free = op <= LAST_FREE_OP;
    if (!free) {
      if (steps >= stopAt) break;
      steps++;
      if (sp - (code[pc + 3] as number) < floor) {
        task.pc = pc;
        run.steps = steps;
        throw vmError("stack_underflow");
      }
    }
    // The cases are the numbers of OP: literals make this a jump table. A case that does not `continue` is not plain
    // and goes to its step below, which sees the untouched stack.
    switch (op) {
      case 2: // PUSH_CONST
        memory[sp++] = constants[a] as Value;
        pc += 4;
        continue;
      case 3: // PUSH_REG
        memory[sp++] = memory[fp + a] as Value;
        pc += 4;
        continue;
      case 4: // STORE
        memory[fp + a] = memory[--sp] as Value;
        pc += 4;
        continue;
      case 5: // POP
        sp--;
        pc += 4;
        continue;
      case 6: // DUP
        memory[sp] = memory[sp - 1] as Value;
        sp++;
        pc += 4;
        continue;
      case 19: // JUMP
        pc = a;
        continue;
      case 20: // JZ
        pc = truthy(memory[--sp] as Value) ? pc + 4 : a;
        continue;
      case 21: // JNZ
        pc = truthy(memory[--sp] as Value) ? a : pc + 4;
        continue;
      case 22: // NOP
        pc += 4;
        continue;
      case 9:
      case 10:
      case 11:
      case 12:
      case 13:
      case 14:
      case 15:
      case 16:
      case 17:
      case 18: {
        const x = memory[sp - 2];
        const y = memory[sp - 1];
        if (typeof x !== "number" || typeof y !== "number") break;
        const result = arithmetic(op, x, y);
        if (typeof result === "number" && result - result !== 0) break;
        memory[sp - 2] = result;
        sp--;
        pc += 4;
        continue;
      }
    }
    task.pc = pc;
    task.next = pc + STRIDE;
    task.sp = sp;
    run.steps = steps;
    (op === OP.STEP ? (extended[a] as (run: Run, task: Task) => void) : coldStep(op))(run, task);
    if (task.state !== "ready") return;
    ({ next: pc, sp, fp, floor } = task);
    steps = run.steps;
  }
  task.pc = pc;
  task.sp = sp;
  run.steps = steps;
}

/** Two numbers in, a number or a boolean out; −0 does not exist, and a result that is not finite is refused above. */
function arithmetic(op: number, x: number, y: number): number | boolean {
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
