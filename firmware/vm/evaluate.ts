/** Evaluates operands at run time (vm.md 3.1) and charges the containers they build (vm.md 7). */
import type { Json } from "../core/json.ts";
import { fromJson, type Tally, tally } from "./json-values.ts";
import type { LoweredOperand } from "./lowered-program.ts";
import type { Run, Task } from "./run.ts";
import { vmError } from "./trap.ts";
import {
  arrayBytes,
  MAX_KEY_BYTES,
  MAX_MEMBERS,
  memberBytes,
  OBJECT_BYTES,
  utf8Length,
  type Value,
  VmObject,
} from "./values.ts";

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
      into.bytes += arrayBytes(operand.items.length);
      return operand.items.map((item) => build(run, task, item, into));
    }
    case "object": {
      if (operand.items.length > MAX_MEMBERS) throw vmError("container_too_large");
      into.bytes += OBJECT_BYTES;
      const out = new VmObject(into.shapes.empty, []);
      for (const [i, key] of operand.keys.entries()) {
        if (utf8Length(key) > MAX_KEY_BYTES) throw vmError("key_too_long");
        into.bytes += memberBytes(key);
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

/** A member of JSON by a path of keys and array indexes; absent gives null, −0 gives 0. */
export function lookUp(root: Json, path: readonly string[]): Json {
  const found = find(root, path);
  return typeof found === "number" ? found + 0 : found;
}

function find(root: Json, path: readonly string[]): Json {
  let at: Json = root;
  for (const key of path) {
    if (at === null || typeof at !== "object") return null;
    if (Array.isArray(at)) {
      if (!/^(0|[1-9]\d{0,8})$/.test(key)) return null;
      at = (at as readonly Json[])[Number(key)] ?? null;
    } else at = Object.hasOwn(at, key) ? ((at as Record<string, Json>)[key] ?? null) : null;
  }
  return at;
}
