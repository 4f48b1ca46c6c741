/** The grammar of operands and text references (vm.md 3.1), read by the verifier and by the lowering alike. */
import { fromHex } from "../../core/bytes.ts";
import { isJsonObject, type Json, type JsonObject, member } from "../../core/json.ts";
import { PROGRAM_LIMITS } from "../../core/limits.ts";
import { bytesOf } from "../values/json-values.ts";
import { BYTES_KEY } from "../values/values.ts";

export type Operand =
  | { readonly kind: "literal"; readonly value: null | boolean | number | string | Uint8Array }
  | { readonly kind: "register"; readonly name: string }
  /** `path` null: the whole; one element for `$.payload.k`; the tokens of a JSON pointer. */
  | { readonly kind: "input"; readonly of: "payload" | "trigger"; readonly path: readonly string[] }
  | { readonly kind: "copy"; readonly json: Json }
  | { readonly kind: "array"; readonly items: readonly Operand[] }
  | { readonly kind: "object"; readonly keys: readonly string[]; readonly items: readonly Operand[] };

export type OperandProblem =
  | "bad_operand"
  | "operand_too_deep"
  | "literal_range"
  | "unknown_const"
  | "bad_register";

export interface OperandContext {
  readonly constants: JsonObject;
  readonly problem: (code: OperandProblem) => void;
}

export const MAX_OPERAND_DEPTH = PROGRAM_LIMITS.operandDepth;
const REGISTER = /^[A-Za-z_][A-Za-z0-9_]{0,31}$/;
const NULL: Operand = { kind: "literal", value: null };

export const isRegisterName = (name: string): boolean => REGISTER.test(name);

/** `x` or `reg:x` as it is written where a register is named. */
export const registerName = (written: string): string =>
  written.startsWith("reg:") ? written.slice(4) : written;

/** Finite, and an integer only within ±(2^53−1). */
const inRange = (n: number): boolean =>
  Number.isFinite(n) && (!Number.isInteger(n) || Number.isSafeInteger(n));

/** Walks without recursion: a text reference may hold JSON of any depth. */
function literalProblem(json: Json): OperandProblem | null {
  const open: { readonly value: Json; readonly depth: number }[] = [{ value: json, depth: 1 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, depth } = next;
    if (typeof value === "number" && !inRange(value)) return "literal_range";
    if (value === null || typeof value !== "object") continue;
    if (depth > MAX_OPERAND_DEPTH) return "operand_too_deep";
    if (bytesOf(value) !== null) continue;
    if (Object.hasOwn(value, BYTES_KEY)) return "bad_operand";
    for (const item of Object.values(value)) open.push({ value: item as Json, depth: depth + 1 });
  }
  return null;
}

function literal(json: Json, context: OperandContext): Operand {
  const problem = literalProblem(json);
  if (problem !== null) {
    context.problem(problem);
    return NULL;
  }
  const bytes = bytesOf(json);
  if (bytes !== null) return { kind: "literal", value: bytes };
  if (typeof json === "number") return { kind: "literal", value: json + 0 };
  if (json === null || typeof json !== "object") return { kind: "literal", value: json };
  return { kind: "copy", json };
}

/** A reference by prefix, or null if the text is none. */
function reference(text: string, context: OperandContext): Operand | null {
  if (text.startsWith("reg:")) {
    const name = text.slice(4);
    if (!isRegisterName(name)) context.problem("bad_register");
    return { kind: "register", name };
  }
  for (const of of ["payload", "trigger"] as const) {
    const prefix = `$.${of}`;
    if (text === prefix) return { kind: "input", of, path: [] };
    if (text.startsWith(`${prefix}.`)) return { kind: "input", of, path: [text.slice(prefix.length + 1)] };
  }
  if (text.startsWith("const:")) {
    const value = member(context.constants, text.slice(6));
    if (value === undefined) {
      context.problem("unknown_const");
      return NULL;
    }
    return literal(value, context);
  }
  return null;
}

function pointer(text: Json, context: OperandContext): Operand {
  if (typeof text !== "string" || (text !== "" && !text.startsWith("/")) || /~(?![01])/.test(text)) {
    context.problem("bad_operand");
    return NULL;
  }
  const tokens = text.split("/").slice(1);
  const path = tokens.map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
  return { kind: "input", of: "payload", path };
}

function single(object: JsonObject, context: OperandContext): Operand | null {
  const keys = Object.keys(object);
  if (keys.length !== 1) return null;
  const value = object[keys[0] ?? ""] ?? null;
  switch (keys[0]) {
    case "lit":
      return literal(value, context);
    case "payload":
      return pointer(value, context);
    case "bytes": {
      if (typeof value === "string" && value.length % 2 === 0 && /^[0-9a-f]*$/.test(value)) {
        return { kind: "literal", value: fromHex(value) };
      }
      context.problem("bad_operand");
      return NULL;
    }
  }
  return null;
}

/** Reads one operand; problems are reported to the context and the operand becomes null. */
export function parseOperand(json: Json, context: OperandContext, depth = 1): Operand {
  if (typeof json === "string") {
    const found = reference(json, context);
    if (found !== null) return found;
    if (json.startsWith("$.")) context.problem("bad_operand");
    return { kind: "literal", value: json };
  }
  if (json === null || typeof json !== "object") return literal(json, context);
  if (depth > MAX_OPERAND_DEPTH) {
    context.problem("operand_too_deep");
    return NULL;
  }
  if (Array.isArray(json)) {
    const items = (json as readonly Json[]).map((item) => parseOperand(item, context, depth + 1));
    return { kind: "array", items };
  }
  if (!isJsonObject(json)) return NULL;
  const special = single(json, context);
  if (special !== null) return special;
  const keys = Object.keys(json).sort();
  if (keys.includes(BYTES_KEY)) context.problem("bad_operand");
  return {
    kind: "object",
    keys,
    items: keys.map((key) => parseOperand(json[key] ?? null, context, depth + 1)),
  };
}

/** PUSH `ref` and positional text arguments: a reference, else JSON, else the text itself. */
export function parseTextReference(text: string, context: OperandContext): Operand {
  const found = reference(text, context);
  if (found !== null) return found;
  let json: Json;
  try {
    json = JSON.parse(text) as Json;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { kind: "literal", value: text };
  }
  return literal(json, context);
}

/** The JSON of an operand that holds no reference, undefined if it is computed at run time. */
export function literalOf(operand: Operand): Json | undefined {
  switch (operand.kind) {
    case "literal":
      return operand.value instanceof Uint8Array
        ? { [BYTES_KEY]: Buffer.from(operand.value).toString("hex") }
        : operand.value;
    case "copy":
      return operand.json;
    case "array": {
      const items = operand.items.map(literalOf);
      return items.some((item) => item === undefined) ? undefined : (items as Json[]);
    }
    case "object": {
      const items = operand.items.map(literalOf);
      if (items.some((item) => item === undefined)) return undefined;
      return Object.fromEntries(operand.keys.map((key, i) => [key, items[i] as Json]));
    }
    default:
      return undefined;
  }
}

/** Names of all registers an operand reads. */
export function registersOf(operand: Operand): readonly string[] {
  if (operand.kind === "register") return [operand.name];
  return operand.kind === "array" || operand.kind === "object" ? operand.items.flatMap(registersOf) : [];
}
