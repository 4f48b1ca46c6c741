/** PACK and UNPACK: values to octets of a bus and back; nothing wraps (vm.md 4.1). */

import { vmError } from "../machine/trap.ts";
import type { PackField } from "./pack-format.ts";
import type { Value } from "./values.ts";

const isValue = (field: PackField): boolean => field.kind !== "pad";

function writeInteger(view: DataView, at: number, field: PackField & { kind: "int" }, value: Value): void {
  if (typeof value !== "number") throw vmError("type_mismatch");
  if (!Number.isInteger(value)) throw vmError("integer_required");
  const span = 2 ** (8 * field.size);
  const least = field.signed ? -span / 2 : 0;
  if (value < least || value >= least + span) throw vmError("integer_range");
  let rest = value < 0 ? value + span : value;
  for (let i = 0; i < field.size; i++) {
    view.setUint8(field.little ? at + i : at + field.size - 1 - i, rest % 256);
    rest = Math.floor(rest / 256);
  }
}

function readInteger(view: DataView, at: number, field: PackField & { kind: "int" }): number {
  let value = 0;
  for (let i = 0; i < field.size; i++) {
    value = value * 256 + view.getUint8(field.little ? at + field.size - 1 - i : at + i);
  }
  const span = 2 ** (8 * field.size);
  return field.signed && value >= span / 2 ? value - span : value;
}

function writeFloat(view: DataView, at: number, field: PackField & { kind: "float" }, value: Value): void {
  if (typeof value !== "number") throw vmError("type_mismatch");
  if (field.size === 8) {
    view.setFloat64(at, value, field.little);
    return;
  }
  if (!Number.isFinite(Math.fround(value))) throw vmError("non_finite");
  view.setFloat32(at, value, field.little);
}

function readFloat(view: DataView, at: number, field: PackField & { kind: "float" }): number {
  const value = field.size === 8 ? view.getFloat64(at, field.little) : view.getFloat32(at, field.little);
  if (!Number.isFinite(value)) throw vmError("non_finite");
  return value + 0;
}

/** Octets PACK gives; `rest` counts what its value holds. @throws Trap `pack_arity`, `type_mismatch`. */
export function packedSize(format: readonly PackField[], values: readonly Value[]): number {
  if (format.filter(isValue).length !== values.length) throw vmError("pack_arity");
  const last = values.at(-1);
  const rest = format.at(-1)?.kind === "rest" && last instanceof Uint8Array ? last.length : 0;
  return format.reduce((sum, field) => sum + field.size, rest);
}

/** @throws Trap `integer_range`, `integer_required`, `non_finite`, `pack_length`, `type_mismatch`. */
export function pack(format: readonly PackField[], values: readonly Value[], size: number): Uint8Array {
  const out = new Uint8Array(size);
  const view = new DataView(out.buffer);
  let at = 0;
  let next = 0;
  for (const field of format) {
    const value = isValue(field) ? (values[next++] as Value) : null;
    if (field.kind === "int") writeInteger(view, at, field, value);
    else if (field.kind === "float") writeFloat(view, at, field, value);
    else if (field.kind !== "pad") {
      if (!(value instanceof Uint8Array)) throw vmError("type_mismatch");
      if (field.kind === "bytes" && value.length !== field.size) throw vmError("pack_length");
      out.set(value, at);
    }
    at += field.size;
  }
  return out;
}

/** @throws Trap `unpack_short`, `unpack_trailing`, `non_finite`. */
export function unpack(format: readonly PackField[], bytes: Uint8Array): Value[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const size = format.reduce((sum, field) => sum + field.size, 0);
  if (bytes.length < size) throw vmError("unpack_short");
  if (bytes.length > size && format.at(-1)?.kind !== "rest") throw vmError("unpack_trailing");
  const out: Value[] = [];
  let at = 0;
  for (const field of format) {
    if (field.kind === "int") out.push(readInteger(view, at, field));
    else if (field.kind === "float") out.push(readFloat(view, at, field));
    else if (field.kind === "bytes") out.push(bytes.slice(at, at + field.size));
    else if (field.kind === "rest") out.push(bytes.slice(at));
    at += field.size;
  }
  return out;
}
