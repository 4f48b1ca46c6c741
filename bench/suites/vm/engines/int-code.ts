/**
 * A classic small interpreter: two integers per instruction in one array, one loop, one switch, values in one stack, a
 * unit of fuel for each instruction. No types are checked, no memory is charged, no slice can end it: what such a loop
 * costs by itself.
 */
import type { Json, JsonObject } from "../../../../firmware/core/json.ts";
import type { Engine } from "./engine.ts";
import { assemble, type IntProgram, type IntValue } from "./int-code-assembler.ts";

const FUEL = 2_000_000_000;

interface Saved {
  readonly pc: number;
  readonly fp: number;
}

/** Numbers of `INT_OP`, as literals for a jump table. */
function execute(program: IntProgram, payload: JsonObject): Json {
  const { code, constants, keys, functions, registers } = program;
  const memory: IntValue[] = new Array<IntValue>(1024).fill(null);
  const saved: Saved[] = [];
  let fuel = FUEL;
  let fp = 0;
  let sp = registers;
  let pc = 0;
  for (;;) {
    if (--fuel < 0) throw new Error("Out of fuel.");
    const op = code[pc++] as number;
    const a = code[pc++] as number;
    switch (op) {
      case 0:
        memory[sp++] = constants[a] as IntValue;
        break;
      case 1:
        memory[sp++] = memory[fp + a] as IntValue;
        break;
      case 2:
        memory[fp + a] = memory[--sp] as IntValue;
        break;
      case 3:
        memory[sp++] = (payload[constants[a] as string] ?? null) as IntValue;
        break;
      case 4:
      case 5:
      case 6:
      case 7:
      case 8:
      case 9:
        memory[--sp - 1] = binary(op, memory[sp - 1] as IntValue, memory[sp] as IntValue);
        break;
      case 10:
        pc = a;
        break;
      case 11:
      case 12:
        if (!memory[--sp] === (op === 11)) pc = a;
        break;
      case 13: {
        const { entry, params, size } = functions[a] as IntProgram["functions"][number];
        saved.push({ pc, fp });
        fp = sp - params;
        sp = fp + size;
        pc = entry;
        break;
      }
      case 14:
        memory[fp] = memory[sp - 1] as IntValue;
        sp = fp + 1;
        ({ pc, fp } = saved.pop() as Saved);
        break;
      case 15:
        return toJson(memory[sp - 1] as IntValue);
      default:
        sp = container(op, memory, sp, keys[a]);
    }
  }
}

/** Small enough that V8 puts it into the loop. */
function binary(op: number, x: IntValue, y: IntValue): IntValue {
  switch (op) {
    case 4:
      return (x as number) + (y as number);
    case 5:
      return (x as number) - (y as number);
    case 6:
      return (x as number) * (y as number);
    case 7:
      return (x as number) / (y as number);
    case 8:
      return (x as number) < (y as number);
    default:
      return x === y;
  }
}

function makeObject(memory: IntValue[], sp: number, keys: readonly string[]): number {
  const object = new Map<string, IntValue>();
  const base = sp - keys.length;
  for (let i = 0; i < keys.length; i++) object.set(keys[i] as string, memory[base + i] as IntValue);
  memory[base] = object;
  return base + 1;
}

/** What is no plain arithmetic; operands lie on the stack in the order of the instruction's fields. */
function container(op: number, memory: IntValue[], sp: number, keys: readonly string[] = []): number {
  const last = memory[sp - 1] as IntValue;
  switch (op) {
    case 16:
      memory[sp] = [];
      return sp + 1;
    case 17:
      return makeObject(memory, sp, keys);
    case 18:
      (memory[sp - 2] as IntValue[]).push(last);
      return sp - 2;
    case 19: {
      const from = memory[sp - 2];
      const found = from instanceof Map ? from.get(last as string) : (from as IntValue[])[last as number];
      memory[sp - 2] = found ?? null;
      return sp - 1;
    }
    case 20:
      memory[sp - 1] = (last as string).length;
      return sp;
    case 21:
      memory[sp - 2] = (memory[sp - 2] as string) + (last as string);
      return sp - 1;
    case 22:
      memory[sp - 3] = Math.min(Math.max(memory[sp - 3] as number, memory[sp - 2] as number), last as number);
      return sp - 2;
    case 23:
      memory[sp - 3] = (memory[sp - 3] as string).slice(memory[sp - 2] as number, last as number);
      return sp - 2;
    case 24:
      memory[sp - 1] = typeof last;
      return sp;
    default:
      throw new Error(`Failed at operation ${op}.`);
  }
}

function toJson(value: IntValue): Json {
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [key, toJson(item)]));
  return Array.isArray(value) ? value.map(toJson) : value;
}

export const intCodeEngine = (): Engine => ({
  version: "bench/suites/vm/engines/int-code.ts",
  prepare: ({ document }) => {
    const program = assemble(document);
    return { run: (payload) => execute(program, payload), dispose: () => undefined };
  },
  loadOnce: ({ document, payload }) => {
    const text = JSON.stringify(document);
    return () => execute(assemble(JSON.parse(text) as JsonObject), payload);
  },
  compile: null,
  dispose: () => undefined,
});
