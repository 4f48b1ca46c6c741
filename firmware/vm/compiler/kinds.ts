/** What the compiler knows of a value before it exists: a set of kinds, as bits. */
import { TaskHandle, type Value, VmObject } from "../values/values.ts";

/** An integer from −2^31 to 2^32−1, as the bit operations take it. */
export const WORD = 1;
const OTHER_NUMBER = 2;
export const NUMBER = WORD | OTHER_NUMBER;
export const BOOLEAN = 4;
export const TEXT = 8;
export const NULL = 16;
export const ARRAY = 32;
export const OBJECT = 64;
export const BYTES = 128;
const TASK = 256;
export const SCALAR = NUMBER | BOOLEAN | TEXT | NULL;
export const ANY = SCALAR | ARRAY | OBJECT | BYTES | TASK;

export type Kinds = number;

export const isOnly = (kinds: Kinds, of: Kinds): boolean => (kinds & ~of) === 0;

export const isWord = (value: unknown): boolean =>
  typeof value === "number" && (value >>> 0 === value || (value | 0) === value);

export function kindsOf(value: Value): Kinds {
  if (value === null) return NULL;
  switch (typeof value) {
    case "number":
      return isWord(value) ? WORD : OTHER_NUMBER;
    case "boolean":
      return BOOLEAN;
    case "string":
      return TEXT;
  }
  if (Array.isArray(value)) return ARRAY;
  if (value instanceof VmObject) return OBJECT;
  return value instanceof TaskHandle ? TASK : BYTES;
}
