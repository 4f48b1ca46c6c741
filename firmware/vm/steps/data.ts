/** Arrays and objects (vm.md 4). */

import { vmError } from "../machine/trap.ts";
import {
  arrayBytes,
  BYTES_KEY,
  MAX_KEY_BYTES,
  MAX_MEMBERS,
  memberBytes,
  OBJECT_BYTES,
  sizeOf,
  utf8Length,
  type Value,
  VmObject,
} from "../values/values.ts";
import type { Step } from "../verifier/lowered-program.ts";
import { evaluate } from "./evaluate.ts";
import { needNumber } from "./number.ts";
import { NULL_OPERAND, type StepMaker } from "./step-builder.ts";
import { codePoints } from "./text.ts";

function needKey(value: Value): string {
  if (typeof value !== "string") throw vmError("type_mismatch");
  return value;
}

function position(value: Value, length: number): number {
  const index = needNumber(value);
  if (!Number.isInteger(index) || index < 0 || index >= length) throw vmError("index_range");
  return index;
}

const setMember = (object: VmObject, key: string, value: Value, allocate: (bytes: number) => void): void => {
  if (key === BYTES_KEY) throw vmError("reserved_key");
  if (!object.has(key)) {
    if (utf8Length(key) > MAX_KEY_BYTES) throw vmError("key_too_long");
    if (object.size >= MAX_MEMBERS) throw vmError("container_too_large");
    allocate(memberBytes(key));
  }
  object.set(key, value);
};

const setKey: StepMaker = ({ operand }) => {
  const [oid, key, item] = [operand("oid"), operand("key"), operand("value")].map((o) => o ?? NULL_OPERAND);
  return (run, task) => {
    const container = evaluate(run, task, oid ?? NULL_OPERAND);
    const at = evaluate(run, task, key ?? NULL_OPERAND);
    const value = evaluate(run, task, item ?? NULL_OPERAND);
    if (container instanceof VmObject)
      setMember(container, needKey(at), value, (bytes) => run.allocate(bytes));
    else if (Array.isArray(container)) container[position(at, container.length)] = value;
    else throw vmError("type_mismatch");
  };
};

function read(container: Value, key: Value): Value {
  if (container instanceof VmObject) return container.get(needKey(key)) ?? null;
  if (Array.isArray(container)) return container[position(key, container.length)] ?? null;
  if (container instanceof Uint8Array) return container[position(key, container.length)] ?? null;
  throw vmError("type_mismatch");
}

function has(container: Value, key: Value): boolean {
  if (container instanceof VmObject) return container.has(needKey(key));
  if (!Array.isArray(container) && !(container instanceof Uint8Array)) throw vmError("type_mismatch");
  const index = needNumber(key);
  return Number.isInteger(index) && index >= 0 && index < container.length;
}

/** Steps over (oid, key). */
const keyed =
  (act: (container: Value, key: Value, push: (value: Value) => void) => void): StepMaker =>
  ({ operand }) => {
    const oid = operand("oid") ?? NULL_OPERAND;
    const key = operand("key") ?? NULL_OPERAND;
    return (run, task) => {
      const container = evaluate(run, task, oid);
      act(container, evaluate(run, task, key), (value) => task.push(value));
    };
  };

const remove = (container: Value, key: Value): void => {
  if (!(container instanceof VmObject)) throw vmError("type_mismatch");
  container.delete(needKey(key));
};

const append: StepMaker = ({ operand }) => {
  const oid = operand("oid") ?? NULL_OPERAND;
  const item = operand("value") ?? NULL_OPERAND;
  return (run, task) => {
    const array = evaluate(run, task, oid);
    const value = evaluate(run, task, item);
    if (!Array.isArray(array)) throw vmError("type_mismatch");
    if (array.length >= MAX_MEMBERS) throw vmError("container_too_large");
    run.allocate(16);
    array.push(value);
  };
};

const length: StepMaker = ({ operand }) => {
  const oid = operand("oid") ?? NULL_OPERAND;
  return (run, task) => {
    const value = evaluate(run, task, oid);
    if (typeof value === "string") {
      run.work(sizeOf(value));
      task.push(codePoints(value));
    } else if (value instanceof VmObject) task.push(value.size);
    else if (Array.isArray(value) || value instanceof Uint8Array) task.push(value.length);
    else throw vmError("type_mismatch");
  };
};

const keys: StepMaker = ({ operand }) => {
  const oid = operand("oid") ?? NULL_OPERAND;
  return (run, task) => {
    const object = evaluate(run, task, oid);
    if (!(object instanceof VmObject)) throw vmError("type_mismatch");
    run.work(64 * object.size);
    run.allocate(arrayBytes(object.size));
    task.push([...object.keys()].sort());
  };
};

export const dataSteps: Readonly<Record<string, Step>> = {
  NEW_OBJ: (run, task) => {
    run.allocate(OBJECT_BYTES);
    task.push(new VmObject(run.program.shapes.empty, []));
  },
  NEW_ARR: (run, task) => {
    run.allocate(arrayBytes(0));
    task.push([]);
  },
};

export const dataMakers: Readonly<Record<string, StepMaker>> = {
  SETK: setKey,
  GETK: keyed((container, key, push) => push(read(container, key))),
  HASK: keyed((container, key, push) => push(has(container, key))),
  DELK: keyed(remove),
  APPEND: append,
  LEN: length,
  KEYS: keys,
};
