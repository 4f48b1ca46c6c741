/**
 * The plain way to run such documents: a switch over the instructions as they stand in the JSON, names looked up as they
 * come. It counts steps and knows the instructions of the workloads only: no types, no memory figures, no journal.
 */
import { isJsonObject, type Json, type JsonObject } from "../../../../firmware/core/json.ts";
import type { Engine } from "./engine.ts";

type Value = null | boolean | number | string | Value[] | Map<string, Value>;

interface Frame {
  readonly registers: Record<string, Value>;
  readonly stack: Value[];
  readonly back: number;
}

const STEPS = 2_000_000_000;

class NaiveMachine {
  readonly #code: readonly JsonObject[];
  readonly #constants: JsonObject;
  readonly #labels = new Map<string, number>();
  readonly #payload: JsonObject;
  readonly #frames: Frame[] = [];
  #frame: Frame = { registers: {}, stack: [], back: 0 };
  #pc = 0;
  #steps = 0;

  constructor(document: JsonObject, payload: JsonObject) {
    this.#code = document.code as readonly JsonObject[];
    this.#constants = (document.constants ?? {}) as JsonObject;
    this.#payload = payload;
    for (const [index, { op, name }] of this.#code.entries()) {
      if (op === "LABEL" || op === "FUNC") this.#labels.set(`${op}:${name}`, index);
    }
  }

  run(): Json {
    for (;;) {
      const instruction = this.#code[this.#pc++];
      if (instruction === undefined) throw new Error("Fell off the end.");
      if (++this.#steps > STEPS) throw new Error("Out of steps.");
      const answer = this.#step(instruction);
      if (answer !== undefined) return answer;
    }
  }

  #operand(operand: Json | undefined): Value {
    if (typeof operand === "string") {
      if (operand.startsWith("reg:")) return this.#frame.registers[operand.slice(4)] ?? null;
      if (operand.startsWith("$.payload.")) return (this.#payload[operand.slice(10)] ?? null) as Value;
      return operand.startsWith("const:") ? ((this.#constants[operand.slice(6)] ?? null) as Value) : operand;
    }
    if (!isJsonObject(operand)) return (operand ?? null) as Value;
    return new Map(Object.entries(operand).map(([key, item]) => [key, this.#operand(item)]));
  }

  #pop = (): Value => this.#frame.stack.pop() ?? null;

  #binary(f: (a: number, b: number) => Value): void {
    const b = this.#pop() as number;
    this.#frame.stack.push(f(this.#pop() as number, b));
  }

  #goto(name: Json | undefined): void {
    this.#pc = this.#labels.get(`LABEL:${name}`) ?? this.#code.length;
  }

  #step(i: JsonObject): Json | undefined {
    const { stack, registers } = this.#frame;
    switch (i.op) {
      case "LABEL":
        break;
      case "PUSH":
        stack.push(this.#operand(i.value));
        break;
      case "STORE":
        registers[String(i.reg)] = this.#pop();
        break;
      case "ADD":
        this.#binary((a, b) => a + b);
        break;
      case "SUB":
        this.#binary((a, b) => a - b);
        break;
      case "MUL":
        this.#binary((a, b) => a * b);
        break;
      case "DIV":
        this.#binary((a, b) => a / b);
        break;
      case "LT":
        this.#binary((a, b) => a < b);
        break;
      case "EQ":
        this.#binary((a, b) => a === b);
        break;
      case "JUMP":
        this.#goto(i.label);
        break;
      case "JZ":
        if (!this.#pop()) this.#goto(i.label);
        break;
      case "JNZ":
        if (this.#pop()) this.#goto(i.label);
        break;
      case "RESPOND":
        return toJson(this.#operand(i.body));
      default:
        this.#other(i);
    }
    return undefined;
  }

  #other(i: JsonObject): void {
    const { stack } = this.#frame;
    switch (i.op) {
      case "CLAMP": {
        const [min, max] = [this.#operand(i.min) as number, this.#operand(i.max) as number];
        stack.push(Math.min(Math.max(this.#pop() as number, min), max));
        break;
      }
      case "CONCAT": {
        const tail = this.#pop() as string;
        stack.push((this.#pop() as string) + tail);
        break;
      }
      case "LEN":
        stack.push((this.#operand(i.oid) as string).length);
        break;
      case "SLICE":
        stack.push(
          (this.#pop() as string).slice(this.#operand(i.start) as number, this.#operand(i.end) as number),
        );
        break;
      case "TYPE":
        stack.push(typeof this.#pop());
        break;
      case "NEW_ARR":
        stack.push([]);
        break;
      case "APPEND":
        (this.#operand(i.oid) as Value[]).push(this.#operand(i.value));
        break;
      case "GETK": {
        const [from, key] = [this.#operand(i.oid), this.#operand(i.key)];
        stack.push((from instanceof Map ? from.get(String(key)) : (from as Value[])[Number(key)]) ?? null);
        break;
      }
      default:
        this.#call(i);
    }
  }

  #call(i: JsonObject): void {
    if (i.op === "CALLF") {
      const args = (i.args ?? []) as readonly JsonObject[];
      const registers = Object.fromEntries(args.map(({ to, value }) => [String(to), this.#operand(value)]));
      this.#frames.push(this.#frame);
      this.#frame = { registers, stack: [], back: this.#pc };
      this.#pc = (this.#labels.get(`FUNC:${i.name}`) ?? this.#code.length) + 1;
    } else if (i.op === "RET") {
      const value = i.value === undefined ? this.#pop() : this.#operand(i.value);
      this.#pc = this.#frame.back;
      this.#frame = this.#frames.pop() ?? this.#frame;
      this.#frame.stack.push(value);
    } else throw new Error(`Unknown instruction ${String(i.op)}.`);
  }
}

function toJson(value: Value): Json {
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [key, toJson(item)]));
  return Array.isArray(value) ? value.map(toJson) : value;
}

export const jsonSwitchEngine = (): Engine => ({
  version: "bench/suites/vm/engines/json-switch.ts",
  prepare: ({ document }) => ({
    run: (payload) => new NaiveMachine(document, payload).run(),
    dispose: () => undefined,
  }),
  loadOnce: ({ document, payload }) => {
    const text = JSON.stringify(document);
    return () => new NaiveMachine(JSON.parse(text) as JsonObject, payload).run();
  },
  compile: null,
  dispose: () => undefined,
});
