/** Writes values so that `values.ts` reads the same ones. */
import { isJsonObject, type Json } from "../../core/json.ts";
import { isReference, isWord, printReference, quote } from "./references.ts";

const name = (key: string): string => (isWord(key) ? key : quote(key));

/** Plain JSON on one line; names without quotes where they need none. */
export function printJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(printJson).join(", ")}]`;
  if (!isJsonObject(value))
    return typeof value === "string" ? quote(value) : (JSON.stringify(value) ?? "null");
  const members = Object.entries(value).map(([key, item]) => `${name(key)}: ${printJson(item)}`);
  return members.length === 0 ? "{}" : `{ ${members.join(", ")} }`;
}

/** A value that no shorter form has. */
export const printRaw = (value: unknown): string => `@${printJson(value)}`;

function special(key: string, value: Json): string {
  if (key === "lit") {
    return typeof value === "string" && isReference(value) ? quote(value) : `lit:${printJson(value)}`;
  }
  if (typeof value === "string") {
    if (key === "payload") return `pointer:${quote(value)}`;
    if (/^([0-9a-f]{2})*$/.test(value)) return `bytes:${value}`;
  }
  return printRaw({ [key]: value });
}

/** Members of an object whose values are operands. */
export function printMembers(value: { readonly [key: string]: unknown }): string {
  const members = Object.entries(value).map(([key, item]) => `${name(key)}: ${printOperand(item)}`);
  return members.length === 0 ? "{}" : `{ ${members.join(", ")} }`;
}

export function printOperand(value: unknown): string {
  if (typeof value === "string") {
    return isReference(value) ? (printReference(value) ?? printRaw(value)) : quote(value);
  }
  if (Array.isArray(value)) return `[${value.map(printOperand).join(", ")}]`;
  if (!isJsonObject(value)) return printJson(value);
  const [only, ...more] = Object.entries(value);
  const isSpecial = only !== undefined && more.length === 0 && /^(lit|payload|bytes)$/.test(only[0]);
  return isSpecial ? special(only[0], only[1]) : printMembers(value);
}

/** A text reference: well-formed references bare, everything else quoted as it stands. */
export const printTextReference = (text: string): string => printReference(text) ?? quote(text);
