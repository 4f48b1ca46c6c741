/** Between JSON and values: copies in, copies out, and how much memory a copy takes (vm.md 3, 7). */
import { fromHex, toHex } from "../../core/bytes.ts";
import { isJsonObject, type Json, type JsonObject } from "../../core/json.ts";
import { vmError } from "../machine/trap.ts";
import type { ShapeTable } from "./objects.ts";
import {
  arrayBytes,
  BYTES_KEY,
  checkValueBytes,
  MAX_KEY_BYTES,
  MAX_MEMBERS,
  MAX_VALUE_DEPTH,
  memberBytes,
  OBJECT_BYTES,
  scalarBytes,
  sizeOf,
  TaskHandle,
  utf8Length,
  type Value,
  VmObject,
} from "./values.ts";

/** Bytes taken so far by one copy. `texts` says whether text and bytes are new (a call result) or shared (free). */
export interface Tally {
  bytes: number;
  readonly texts: boolean;
  readonly valueBytes: number;
  /** Where the objects of the copy get their shapes. */
  readonly shapes: ShapeTable;
}

export const tally = (
  run: {
    readonly limits: { readonly valueBytes: number };
    readonly program: { readonly shapes: ShapeTable };
  },
  texts = false,
): Tally => ({ bytes: 0, texts, valueBytes: run.limits.valueBytes, shapes: run.program.shapes });

/** The octets of `{"$bytes":"<hex>"}`, or null for anything else. */
export function bytesOf(json: Json): Uint8Array | null {
  if (!isJsonObject(json)) return null;
  const keys = Object.keys(json);
  const hex = json[BYTES_KEY];
  if (keys.length !== 1 || keys[0] !== BYTES_KEY || typeof hex !== "string") return null;
  return hex.length % 2 === 0 && /^[0-9a-f]*$/.test(hex) ? fromHex(hex) : null;
}

function text<T extends string | Uint8Array>(value: T, into: Tally): T {
  if (into.texts) {
    const size = sizeOf(value);
    checkValueBytes(size, into.valueBytes);
    into.bytes += scalarBytes(size);
  }
  return value;
}

function checkKey(key: string): void {
  if (utf8Length(key) > MAX_KEY_BYTES) throw vmError("key_too_long");
  if (key === BYTES_KEY) throw vmError("reserved_key");
}

/** A value that shares nothing with the JSON. @throws Trap of vm.md 3. */
export function fromJson(json: Json, into: Tally, depth = 0): Value {
  if (json === null || typeof json === "boolean") return json;
  if (typeof json === "number") return json + 0;
  if (typeof json === "string") return text(json, into);
  const bytes = bytesOf(json);
  if (bytes !== null) return text(bytes, into);
  if (depth > MAX_VALUE_DEPTH) throw vmError("value_too_deep");
  if (Array.isArray(json)) {
    if (json.length > MAX_MEMBERS) throw vmError("container_too_large");
    into.bytes += arrayBytes(json.length);
    const out: Value[] = [];
    for (const item of json as readonly Json[]) out.push(fromJson(item, into, depth + 1));
    return out;
  }
  const object = json as JsonObject;
  const keys = Object.keys(object).sort();
  if (keys.length > MAX_MEMBERS) throw vmError("container_too_large");
  into.bytes += OBJECT_BYTES;
  const out = new VmObject(into.shapes.empty, []);
  for (const key of keys) {
    checkKey(key);
    into.bytes += memberBytes(key);
    out.set(key, fromJson(object[key] ?? null, into, depth + 1));
  }
  return out;
}

/** Adds a member even when it is named `__proto__`. */
export function setMember(object: Record<string, Json>, key: string, value: Json): void {
  if (key === "__proto__") {
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  } else object[key] = value;
}

/** JSON that shares nothing with the value. @throws Trap `value_too_deep`, `not_serialisable`, `reserved_key`. */
export function toJson(value: Value, depth = 0): Json {
  if (value === null || typeof value !== "object") return value;
  if (value instanceof Uint8Array) return { [BYTES_KEY]: toHex(value) };
  if (value instanceof TaskHandle) throw vmError("not_serialisable");
  if (depth > MAX_VALUE_DEPTH) throw vmError("value_too_deep");
  if (Array.isArray(value)) return value.map((item) => toJson(item, depth + 1));
  const out: Record<string, Json> = {};
  for (const [slot, key] of value.keys().entries()) {
    checkKey(key);
    setMember(out, key, toJson(value.slots[slot] as Value, depth + 1));
  }
  return out;
}

/** A copy for another task; text and bytes are immutable and shared. @throws Trap of vm.md 3. */
export function copyValue(value: Value, into: Tally, depth = 0): Value {
  if (value === null || typeof value !== "object" || value instanceof Uint8Array) return value;
  if (value instanceof TaskHandle) throw vmError("not_serialisable");
  if (depth > MAX_VALUE_DEPTH) throw vmError("value_too_deep");
  if (Array.isArray(value)) {
    into.bytes += arrayBytes(value.length);
    return value.map((item) => copyValue(item, into, depth + 1));
  }
  into.bytes += OBJECT_BYTES;
  const out = new VmObject(into.shapes.empty, []);
  for (const [slot, key] of value.keys().entries()) {
    into.bytes += memberBytes(key);
    out.set(key, copyValue(value.slots[slot] as Value, into, depth + 1));
  }
  return out;
}
