/** Values of the machine (vm.md 3) and their size in the memory model (vm.md 7). */
import { VALUE_LIMITS } from "../../core/limits.ts";
import { bytesTooLong } from "../machine/trap.ts";
import { VmObject } from "./objects.ts";
import { textSize } from "./text-size.ts";

export type Value = null | boolean | number | string | Uint8Array | Value[] | VmObject | TaskHandle;
export { VmObject };

/** What SPAWN gives. It cannot leave the program (`not_serialisable`). */
export class TaskHandle {
  readonly task: number;
  constructor(task: number) {
    this.task = task;
  }
}

export const MAX_MEMBERS = VALUE_LIMITS.members;
export const MAX_KEY_BYTES = VALUE_LIMITS.keyBytes;
/** Levels below the root. */
export const MAX_VALUE_DEPTH = VALUE_LIMITS.depth;
export const BYTES_KEY = "$bytes";

export const up8 = (n: number): number => Math.ceil(n / 8) * 8;

/** Octets of the UTF-8 form. */
export const utf8Length = (text: string): number => Buffer.byteLength(text, "utf8");

/** Octets of a string or of bytes. */
export const sizeOf = (value: string | Uint8Array): number =>
  typeof value === "string" ? textSize(value) : value.length;

/** Bytes charged for a string or bytes made by an instruction or a call. */
export const scalarBytes = (size: number): number => 16 + up8(size);
export const arrayBytes = (length: number): number => 32 + 16 * length;
export const memberBytes = (key: string): number => 32 + up8(utf8Length(key));
export const OBJECT_BYTES = 32;

export type TypeName = "null" | "boolean" | "number" | "string" | "bytes" | "array" | "object" | "task";

export function typeName(value: Value): TypeName {
  if (value === null) return "null";
  switch (typeof value) {
    case "boolean":
      return "boolean";
    case "number":
      return "number";
    case "string":
      return "string";
  }
  if (Array.isArray(value)) return "array";
  if (value instanceof VmObject) return "object";
  return value instanceof Uint8Array ? "bytes" : "task";
}

/** Nothing, zero or empty is false (vm.md 3). */
export function truthy(value: Value): boolean {
  if (typeof value === "number") return value !== 0;
  if (typeof value === "boolean") return value;
  if (value === null) return false;
  if (typeof value === "string") return value.length > 0;
  if (Array.isArray(value)) return value.length > 0;
  if (value instanceof VmObject) return value.size > 0;
  return value instanceof Uint8Array ? value.length > 0 : true;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

/** Content for text and bytes, identity for containers and tasks (vm.md 4, EQ). */
export function equalValues(a: Value, b: Value): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return equalBytes(a, b);
  if (a instanceof TaskHandle && b instanceof TaskHandle) return a.task === b.task;
  return a === b;
}

/** @throws Trap `value_too_large` above `limit` octets. */
export function checkValueBytes(size: number, limit: number): void {
  if (size > limit) throw bytesTooLong();
}
