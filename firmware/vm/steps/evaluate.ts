/** Evaluates operands at run time (vm.md 3.1) and charges the containers they build (vm.md 7). */
import type { Json } from "../../core/json.ts";
import type { Run, Task } from "../machine/run.ts";
import { vmError } from "../machine/trap.ts";
import { fromJson, setMember, type Tally, tally, toJson } from "../values/json-values.ts";
import { MAX_KEY_BYTES, MAX_MEMBERS, utf8Length, type Value, VmObject } from "../values/values.ts";
import type { InputPath, LoweredOperand } from "../verifier/lowered-program.ts";

function build(run: Run, task: Task, operand: LoweredOperand, into: Tally): Value {
  switch (operand.kind) {
    case "literal":
      return operand.value;
    case "slot":
      return task.memory[task.fp + operand.slot] as Value;
    case "input":
      return fromJson(run.inputs[operand.input] as Json, into);
    case "copy":
      return fromJson(operand.json, into);
    case "array": {
      if (operand.items.length > MAX_MEMBERS) throw vmError("container_too_large");
      into.bytes += operand.bytes;
      return operand.items.map((item) => build(run, task, item, into));
    }
    case "object": {
      if (operand.items.length > MAX_MEMBERS) throw vmError("container_too_large");
      into.bytes += operand.bytes;
      const shape = operand.hasLongKey ? null : into.shapes.of(operand.keys);
      // A list made at once has no spare room, which would double what a small object takes.
      if (shape !== null)
        return new VmObject(
          shape,
          operand.items.map((item) => build(run, task, item, into)),
        );
      const out = new VmObject(into.shapes.empty, []);
      for (let i = 0; i < operand.keys.length; i++) {
        const key = operand.keys[i] as string;
        if (operand.hasLongKey && utf8Length(key) > MAX_KEY_BYTES) throw vmError("key_too_long");
        out.set(key, build(run, task, operand.items[i] as LoweredOperand, into));
      }
      return out;
    }
  }
}

/** @throws Trap of vm.md 3, or of the quota for steps and memory. */
export function evaluate(run: Run, task: Task, operand: LoweredOperand): Value {
  if (operand.kind === "slot") return task.memory[task.fp + operand.slot] as Value;
  if (operand.kind === "literal") return operand.value;
  const into = tally(run);
  const value = build(run, task, operand, into);
  if (into.bytes > 0) {
    run.work(into.bytes);
    run.allocate(into.bytes);
  }
  return value;
}

/**
 * The JSON of an operand, charged as if the value had been built and written. Most bodies are objects of scalars: those
 * take the short way.
 */
export function evaluateJson(run: Run, task: Task, operand: LoweredOperand): Json {
  if (operand.kind !== "object" || operand.hasLongKey || operand.keys.length > MAX_MEMBERS) {
    return toJson(evaluate(run, task, operand));
  }
  const out: Record<string, Json> = {};
  for (let i = 0; i < operand.keys.length; i++) {
    const item = operand.items[i] as LoweredOperand;
    const value =
      item.kind === "slot" ? task.memory[task.fp + item.slot] : item.kind === "literal" ? item.value : out;
    if (typeof value === "object" && value !== null) return toJson(evaluate(run, task, operand));
    setMember(out, operand.keys[i] as string, value as Json);
  }
  run.work(operand.bytes);
  run.allocate(operand.bytes);
  return out;
}

export const inputPath = (of: InputPath["of"], path: readonly string[]): InputPath => {
  const [key] = path;
  return { of, path, ownKey: path.length === 1 && key !== undefined && !INHERITED.has(key) ? key : null };
};

/** The value of an input path. */
export function inputValue(root: Json, { path, ownKey }: InputPath): Json {
  if (ownKey === null || typeof root !== "object" || root === null || Array.isArray(root)) {
    return lookUp(root, path);
  }
  const value = (root as Readonly<Record<string, Json>>)[ownKey];
  if (value === undefined) return null;
  return typeof value === "number" ? value + 0 : value;
}

/** A member of JSON by a path of keys and array indexes; absent gives null, −0 gives 0. */
export function lookUp(root: Json, path: readonly string[]): Json {
  const found = find(root, path);
  return typeof found === "number" ? found + 0 : found;
}

const INHERITED: ReadonlySet<string> = new Set(Object.getOwnPropertyNames(Object.prototype));

/** Only the names that every object inherits need the question whose they are. */
function ownMember(object: Readonly<Record<string, Json>>, key: string): Json {
  const value = object[key];
  if (value === undefined || (INHERITED.has(key) && !Object.hasOwn(object, key))) return null;
  return value;
}

function find(root: Json, path: readonly string[]): Json {
  let at: Json = root;
  for (const key of path) {
    if (at === null || typeof at !== "object") return null;
    if (Array.isArray(at)) {
      if (!/^(0|[1-9]\d{0,8})$/.test(key)) return null;
      at = (at as readonly Json[])[Number(key)] ?? null;
    } else at = ownMember(at as Readonly<Record<string, Json>>, key);
  }
  return at;
}
