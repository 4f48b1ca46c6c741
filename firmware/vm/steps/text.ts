/** Text, bytes and hashing (vm.md 4). Order in each: types, bulk work, values, memory. */

import { fromBase64, fromHex, fromUtf8, toBase64, toHex, utf8 } from "../../core/bytes.ts";
import { canonicalize } from "../../core/canonical-json.ts";
import { CodedError } from "../../core/errors.ts";
import { sha256Hex } from "../../core/hash.ts";
import type { Run } from "../machine/run.ts";
import { vmError } from "../machine/trap.ts";
import { CRC_PRESETS, crcOf, readCrcParams } from "../values/crc.ts";
import { toJson } from "../values/json-values.ts";
import { parseNumber, toFixedHalfEven } from "../values/number-text.ts";
import { pack, packedSize, unpack } from "../values/pack.ts";
import { parsePackFormat } from "../values/pack-format.ts";
import { noteTextSize, textSize } from "../values/text-size.ts";
import {
  arrayBytes,
  MAX_MEMBERS,
  scalarBytes,
  sizeOf,
  typeName,
  utf8Length,
  type Value,
} from "../values/values.ts";
import type { Step } from "../verifier/lowered-program.ts";
import { evaluate } from "./evaluate.ts";
import { needNumber } from "./number.ts";
import { NULL_OPERAND, type StepMaker } from "./step-builder.ts";

function needText(value: Value): string {
  if (typeof value !== "string") throw vmError("type_mismatch");
  return value;
}

function needBytes(value: Value): Uint8Array {
  if (!(value instanceof Uint8Array)) throw vmError("type_mismatch");
  return value;
}

function needIndex(value: Value): number {
  const n = needNumber(value);
  if (!Number.isInteger(n)) throw vmError("index_range");
  return n;
}

export function codePoints(text: string): number {
  if (textSize(text) === text.length) return text.length;
  let count = 0;
  for (const _ of text) count++;
  return count;
}

const concatenate: Step = (run, task) => {
  const b = task.pop();
  const a = task.pop();
  const texts = typeof a === "string" && typeof b === "string";
  if (!texts && !(a instanceof Uint8Array && b instanceof Uint8Array)) throw vmError("type_mismatch");
  const size = sizeOf(a) + sizeOf(b as string | Uint8Array);
  run.work(size);
  run.made(size);
  if (texts) {
    const joined = a + b;
    noteTextSize(joined, size);
    return task.push(joined);
  }
  const joined = new Uint8Array(size);
  joined.set(a as Uint8Array);
  joined.set(b as Uint8Array, a.length);
  task.push(joined);
};

const find: Step = (run, task) => {
  const needle = task.pop();
  const hay = task.pop();
  const texts = typeof hay === "string" && typeof needle === "string";
  if (!texts && !(hay instanceof Uint8Array && needle instanceof Uint8Array)) throw vmError("type_mismatch");
  const size = sizeOf(needle as string | Uint8Array);
  run.work(sizeOf(hay) * Math.ceil(Math.max(1, size) / 8));
  if (size > 64) throw vmError("bad_operand");
  if (!texts) return task.push(Buffer.from(hay as Uint8Array).indexOf(needle as Uint8Array));
  const at = hay.indexOf(needle);
  task.push(at <= 0 ? at : codePoints(hay.slice(0, at)));
};

const toNumber: Step = (run, task) => {
  const text = needText(task.pop());
  run.work(utf8Length(text));
  const value = parseNumber(text);
  if (value === null) throw vmError("bad_number");
  task.push(value);
};

const hash: Step = (run, task) => {
  const text = canonicalize(toJson(task.pop()));
  run.work(utf8Length(text));
  run.made(64);
  task.push(sha256Hex(text));
};

export const textSteps: Readonly<Record<string, Step>> = {
  CONCAT: concatenate,
  FIND: find,
  TO_NUM: toNumber,
  HASH: hash,
  TYPE: (_run, task) => task.push(typeName(task.pop())),
};

function slicedText(text: string, start: number, end: number | null): string | null {
  const points = [...text];
  const last = end ?? points.length;
  return start < 0 || start > last || last > points.length ? null : points.slice(start, last).join("");
}

function sliced<T extends { readonly length: number; slice(start: number, end: number): T }>(
  list: T,
  start: number,
  end: number | null,
): T {
  const last = end ?? list.length;
  if (start < 0 || start > last || last > list.length) throw vmError("index_range");
  return list.slice(start, last);
}

const slice: StepMaker = ({ operand }) => {
  const from = operand("start") ?? NULL_OPERAND;
  const to = operand("end");
  return (run, task) => {
    const startValue = evaluate(run, task, from);
    const endValue = to === null ? null : evaluate(run, task, to);
    const value = task.pop();
    const isArray = Array.isArray(value);
    if (!isArray && typeof value !== "string" && !(value instanceof Uint8Array))
      throw vmError("type_mismatch");
    needNumber(startValue);
    if (endValue !== null) needNumber(endValue);
    run.work(isArray ? 16 * value.length : sizeOf(value));
    const start = needIndex(startValue);
    const end = endValue === null ? null : needIndex(endValue);
    if (isArray) {
      const part = sliced(value, start, end);
      run.allocate(arrayBytes(part.length));
      return task.push(part);
    }
    const part = typeof value === "string" ? slicedText(value, start, end) : sliced(value, start, end);
    if (part === null) throw vmError("index_range");
    run.made(sizeOf(part));
    task.push(part);
  };
};

const split: StepMaker = ({ instr }) => {
  const separator = String(instr.sep);
  return (run, task) => {
    const text = needText(task.pop());
    run.work(utf8Length(text));
    const parts = text.split(separator);
    if (parts.length > MAX_MEMBERS) throw vmError("container_too_large");
    run.allocate(parts.reduce((sum, part) => sum + scalarBytes(utf8Length(part)), arrayBytes(parts.length)));
    task.push(parts);
  };
};

function numberText(value: Value, digits: number | null): string {
  if (value === null || typeof value === "boolean") return String(value);
  const n = needNumber(value);
  if (digits === null) return JSON.stringify(n);
  if (Math.abs(n) >= 1e15) throw vmError("bad_number");
  return toFixedHalfEven(n, digits);
}

const toText: StepMaker = ({ instr }) => {
  const digits = typeof instr.digits === "number" ? instr.digits : null;
  return (run, task) => {
    const text = numberText(task.pop(), digits);
    run.work(text.length);
    run.made(text.length);
    task.push(text);
  };
};

function base64Size(text: string): number {
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  return Math.max(0, Math.floor((text.length * 3) / 4) - padding);
}

/** Per encoding: octets of the result, and the conversion; both directions are strict. */
const encodings = {
  utf8: { encodedSize: utf8Length, encode: utf8, decodedSize: (n: number) => n, decode: fromUtf8 },
  ascii: {
    encodedSize: utf8Length,
    encode: (text: string) => (utf8Length(text) === text.length ? utf8(text) : null),
    decodedSize: (n: number) => n,
    decode: (bytes: Uint8Array) => (bytes.every((b) => b < 128) ? fromUtf8(bytes) : null),
  },
  hex: {
    encodedSize: (text: string) => text.length >> 1,
    encode: fromHex,
    decodedSize: (n: number) => 2 * n,
    decode: toHex,
  },
  base64: {
    encodedSize: base64Size,
    encode: fromBase64,
    decodedSize: (n: number) => 4 * Math.ceil(n / 3),
    decode: toBase64,
  },
} as const;

function converted<T>(convert: () => T | null): T {
  let result: T | null;
  try {
    result = convert();
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    throw vmError("bad_encoding");
  }
  if (result === null) throw vmError("bad_encoding");
  return result;
}

const encode: StepMaker = ({ instr }) => {
  const encoding = encodings[instr.as as keyof typeof encodings];
  return (run, task) => {
    const text = needText(task.pop());
    run.work(utf8Length(text) + encoding.encodedSize(text));
    const bytes = converted(() => encoding.encode(text));
    run.made(bytes.length);
    task.push(bytes);
  };
};

const decode: StepMaker = ({ instr }) => {
  const encoding = encodings[instr.as as keyof typeof encodings];
  return (run, task) => {
    const bytes = needBytes(task.pop());
    run.work(bytes.length + encoding.decodedSize(bytes.length));
    const text = converted(() => encoding.decode(bytes));
    run.made(utf8Length(text));
    task.push(text);
  };
};

const packStep: StepMaker = ({ instr }) => {
  const format = parsePackFormat(instr.format) ?? [];
  return (run, task) => {
    const values = task.pop();
    if (!Array.isArray(values)) throw vmError("type_mismatch");
    const size = packedSize(format, values);
    run.work(size);
    const bytes = pack(format, values, size);
    run.made(size);
    task.push(bytes);
  };
};

function chargeParts(run: Run, parts: readonly Value[]): void {
  const texts = parts.reduce(
    (sum: number, p) => sum + (p instanceof Uint8Array ? scalarBytes(p.length) : 0),
    0,
  );
  run.allocate(arrayBytes(parts.length) + texts);
}

const unpackStep: StepMaker = ({ instr }) => {
  const format = parsePackFormat(instr.format) ?? [];
  return (run, task) => {
    const bytes = needBytes(task.pop());
    run.work(bytes.length);
    const parts = unpack(format, bytes);
    chargeParts(run, parts);
    task.push(parts);
  };
};

const crc: StepMaker = ({ instr }) => {
  const params = CRC_PRESETS.get(String(instr.preset)) ?? readCrcParams(instr.params);
  return (run, task) => {
    const bytes = needBytes(task.pop());
    run.work(bytes.length);
    if (params === null) throw vmError("bad_operand");
    task.push(crcOf(bytes, params));
  };
};

export const textMakers: Readonly<Record<string, StepMaker>> = {
  SLICE: slice,
  SPLIT: split,
  TO_STR: toText,
  ENCODE: encode,
  DECODE: decode,
  PACK: packStep,
  UNPACK: unpackStep,
  CRC: crc,
};
