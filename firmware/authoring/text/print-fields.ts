/** Writes fields so that `fields.ts` reads the same values. */
import { isJsonObject } from "../../core/json.ts";
import type { FieldKind } from "../../vm/index.ts";
import { printJson, printMembers, printOperand, printRaw, printTextReference } from "./print-values.ts";
import { isRegister, isWord, quote } from "./references.ts";

type Writer = (value: unknown) => string | null;

export const printName = (text: string): string => (isWord(text) ? text : quote(text));

const name: Writer = (value) => (typeof value === "string" ? printName(value) : null);
const text: Writer = (value) => (typeof value === "string" ? quote(value) : null);

const register: Writer = (value) => {
  if (typeof value !== "string") return null;
  if (isRegister(value)) return `%${value}`;
  const isPrefixed = value.startsWith("reg:") && isRegister(value.slice(4));
  return isPrefixed ? value : quote(value);
};

const params: Writer = (value) =>
  Array.isArray(value) && value.every((item) => typeof item === "string")
    ? `(${value.map(register).join(", ")})`
    : null;

const isBinding = (value: unknown): value is { readonly to: string; readonly value: unknown } =>
  isJsonObject(value) &&
  typeof value.to === "string" &&
  Object.hasOwn(value, "value") &&
  Object.keys(value).length === 2;

const bindings: Writer = (value) =>
  Array.isArray(value) && value.every(isBinding)
    ? `(${value.map((item) => `${register(item.to)} = ${printOperand(item.value)}`).join(", ")})`
    : null;

const named: Writer = (value) => (isJsonObject(value) ? printMembers(value) : null);

/** Positional arguments that are texts are text references, so a literal keeps its mark. */
function positional(item: unknown): string {
  if (typeof item === "string") return printTextReference(item);
  const isLiteral = isJsonObject(item) && typeof item.lit === "string" && Object.keys(item).length === 1;
  return isLiteral ? `lit:${printJson(item.lit)}` : printOperand(item);
}

const callArguments: Writer = (value) => {
  if (!Array.isArray(value)) return named(value);
  return `[${value.map(positional).join(", ")}]`;
};

const number: Writer = (value) => (typeof value === "number" ? printJson(value) : null);

const WRITERS: Readonly<Record<Exclude<FieldKind, "body">, Writer>> = {
  operand: printOperand,
  millis: printOperand,
  text_reference: (value) => (typeof value === "string" ? printTextReference(value) : null),
  call_args: callArguments,
  named_args: named,
  bindings,
  params,
  register,
  name,
  text,
  identifier: name,
  preset: name,
  encoding: name,
  separator: text,
  nullable_text: (value) => (value === null ? "null" : text(value)),
  target: number,
  status: number,
  trust: number,
  digits: number,
  bit: number,
  bits: number,
  texts: printJson,
  json: printJson,
  object: printJson,
  table: printJson,
  format: printJson,
  crc: printJson,
};

/** A value its kind does not have is written as raw JSON, so that every document has a text. */
export const printField = (kind: Exclude<FieldKind, "body">, value: unknown): string =>
  WRITERS[kind](value) ?? printRaw(value);
