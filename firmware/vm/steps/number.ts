/** Arithmetic, comparison, logic and bit operations (vm.md 4). */
import { roundHalfEven } from "../../core/round.ts";
import type { Run, Task } from "../machine/run.ts";
import { vmError } from "../machine/trap.ts";
import { equalValues, sizeOf, truthy, type Value } from "../values/values.ts";
import type { Step } from "../verifier/lowered-program.ts";
import { evaluate } from "./evaluate.ts";
import { NULL_OPERAND, type StepMaker } from "./step-builder.ts";

export function needNumber(value: Value | undefined): number {
  if (typeof value !== "number") throw vmError("type_mismatch");
  return value;
}

function finite(result: number): number {
  if (!Number.isFinite(result)) throw vmError("non_finite");
  return result + 0;
}

function binary(compute: (a: number, b: number) => number): Step {
  return (_run, task) => {
    const b = task.pop();
    const a = task.pop();
    task.push(finite(compute(needNumber(a), needNumber(b))));
  };
}

function unary(compute: (a: number) => number): Step {
  return (_run, task) => task.push(finite(compute(needNumber(task.pop()))));
}

function divide(a: number, b: number): number {
  if (b === 0) throw vmError("div_by_zero");
  return a / b;
}

function safeInteger(n: number): number {
  if (!Number.isInteger(n)) throw vmError("integer_required");
  if (!Number.isSafeInteger(n)) throw vmError("integer_range");
  return n;
}

/** Exact: a − a % b is a multiple of b no farther from zero than a. */
function floorDivision(a: number, b: number): { readonly quotient: number; readonly rest: number } {
  safeInteger(a);
  safeInteger(b);
  if (b === 0) throw vmError("div_by_zero");
  const rest = a % b;
  const quotient = (a - rest) / b;
  return rest !== 0 && rest < 0 !== b < 0 ? { quotient: quotient - 1, rest: rest + b } : { quotient, rest };
}

/** Sizes below this cost no step, so they need not be counted exactly (3 octets per UTF-16 unit at most). */
const FREE_UNITS = 85;

/** W of two strings or two bytes: the smaller size. */
function chargeComparison(run: Run, a: string | Uint8Array, b: string | Uint8Array): void {
  if (Math.min(a.length, b.length) > FREE_UNITS) run.work(Math.min(sizeOf(a), sizeOf(b)));
}

function equality(expected: boolean): Step {
  return (run, task) => {
    const b = task.pop();
    const a = task.pop();
    const texts = typeof a === "string" && typeof b === "string";
    if (texts || (a instanceof Uint8Array && b instanceof Uint8Array)) {
      chargeComparison(run, a as string, b as string);
    }
    task.push(equalValues(a, b) === expected);
  };
}

function ordering(holds: (a: number | string, b: number | string) => boolean): Step {
  return (run, task) => {
    const b = task.pop();
    const a = task.pop();
    if (typeof a === "string" && typeof b === "string") {
      chargeComparison(run, a, b);
      task.push(holds(a, b));
    } else task.push(holds(needNumber(a), needNumber(b)));
  };
}

function logic(combine: (a: boolean, b: boolean) => boolean): Step {
  return (_run, task) => {
    const b = truthy(task.pop());
    task.push(combine(truthy(task.pop()), b));
  };
}

/** The 32-bit word of an integer −2^31 … 2^32−1. */
export function word(value: Value): number {
  const n = needNumber(value);
  if (!Number.isInteger(n)) throw vmError("integer_required");
  if (n < -(2 ** 31) || n >= 2 ** 32) throw vmError("integer_range");
  return n >>> 0;
}

function bits(combine: (a: number, b: number) => number): Step {
  return (_run, task) => {
    const b = task.pop();
    const a = word(task.pop());
    task.push(combine(a, word(b)) >>> 0);
  };
}

function shift(combine: (a: number, by: number) => number): Step {
  return (_run, task) => {
    const by = task.pop();
    const a = word(task.pop());
    const n = needNumber(by);
    if (!Number.isInteger(n) || n < 0 || n > 31) throw vmError("shift_range");
    task.push(combine(a, n));
  };
}

/** Steps that need nothing but the stack. */
export const numberSteps: Readonly<Record<string, Step>> = {
  ADD: binary((a, b) => a + b),
  SUB: binary((a, b) => a - b),
  MUL: binary((a, b) => a * b),
  DIV: binary(divide),
  MIN: binary((a, b) => Math.min(a, b)),
  MAX: binary((a, b) => Math.max(a, b)),
  MOD: binary((a, b) => floorDivision(a, b).rest),
  IDIV: binary((a, b) => floorDivision(a, b).quotient),
  NEG: unary((a) => -a),
  ABS: unary(Math.abs),
  FLOOR: unary(Math.floor),
  CEIL: unary(Math.ceil),
  TRUNC: unary(Math.trunc),
  ROUND: unary(roundHalfEven),
  SQRT: unary(Math.sqrt),
  EQ: equality(true),
  NE: equality(false),
  LT: ordering((a, b) => a < b),
  LE: ordering((a, b) => a <= b),
  GT: ordering((a, b) => a > b),
  GE: ordering((a, b) => a >= b),
  AND: logic((a, b) => a && b),
  OR: logic((a, b) => a || b),
  NOT: (_run, task) => task.push(!truthy(task.pop())),
  BAND: bits((a, b) => a & b),
  BOR: bits((a, b) => a | b),
  BXOR: bits((a, b) => a ^ b),
  BNOT: (_run, task) => task.push(~word(task.pop()) >>> 0),
  SHL: shift((a, by) => (a << by) >>> 0),
  SHR: shift((a, by) => a >>> by),
  SAR: shift((a, by) => a >> by),
};

const clamp: StepMaker = ({ operand }) => {
  const least = operand("min") ?? NULL_OPERAND;
  const most = operand("max") ?? NULL_OPERAND;
  return (run, task) => {
    const min = needNumber(evaluate(run, task, least));
    const max = needNumber(evaluate(run, task, most));
    const x = needNumber(task.pop());
    if (min > max) throw vmError("bad_operand");
    task.push(Math.min(Math.max(x, min), max));
  };
};

const interpolate: StepMaker = ({ instr }) => {
  const table = instr.table as readonly (readonly [number, number])[];
  const first = table[0] ?? [0, 0];
  const last = table.at(-1) ?? first;
  return (_run: Run, task: Task) => {
    const x = needNumber(task.pop());
    if (x <= first[0]) return task.push(first[1] + 0);
    if (x >= last[0]) return task.push(last[1] + 0);
    const next = table.findIndex((point) => point[0] > x);
    const [x0, y0] = table[next - 1] ?? first;
    const [x1, y1] = table[next] ?? last;
    task.push(x === x0 ? y0 + 0 : finite(y0 + ((x - x0) * (y1 - y0)) / (x1 - x0)));
  };
};

const signExtend: StepMaker = ({ instr }) => {
  const unused = 32 - Number(instr.bits);
  return (_run, task) => task.push((word(task.pop()) << unused) >> unused);
};

const bitGet: StepMaker = ({ instr }) => {
  const bit = Number(instr.bit);
  return (_run, task) => task.push((word(task.pop()) >>> bit) & 1);
};

const bitSet: StepMaker = ({ instr }) => {
  const mask = 1 << Number(instr.bit);
  return (_run, task) => {
    const flag = truthy(task.pop());
    const w = word(task.pop());
    task.push((flag ? w | mask : w & ~mask) >>> 0);
  };
};

export const numberMakers: Readonly<Record<string, StepMaker>> = {
  CLAMP: clamp,
  INTERP: interpolate,
  SEXT: signExtend,
  BITGET: bitGet,
  BITSET: bitSet,
};
