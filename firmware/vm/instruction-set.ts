/** The instruction set `isa` 1 (vm.md 4): fields with their kinds, stack effect and how control goes on. */
export type FieldKind =
  | "operand"
  | "millis"
  | "text_reference"
  | "call_args"
  | "named_args"
  | "bindings"
  | "body"
  | "name"
  | "params"
  | "register"
  | "target"
  | "text"
  | "nullable_text"
  | "identifier"
  | "texts"
  | "json"
  | "object"
  | "status"
  | "trust"
  | "table"
  | "format"
  | "preset"
  | "crc"
  | "encoding"
  | "separator"
  | "digits"
  | "bit"
  | "bits";

export interface FieldSpec {
  readonly kind: FieldKind;
  readonly required: boolean;
}

export type Flow = "next" | "jump" | "branch" | "end";

export interface OpSpec {
  readonly fields: ReadonlyMap<string, FieldSpec>;
  /** Exactly one of the two fields (at most one when `optional`). */
  readonly either: readonly { readonly names: readonly [string, string]; readonly optional: boolean }[];
  readonly pops: number;
  readonly pushes: number;
  readonly flow: Flow;
}

interface Extra {
  readonly either?: readonly [string, string];
  readonly atMostOne?: readonly [string, string];
  readonly flow?: Flow;
}

/** A field kind ending in `?` is optional. Members of an `either` pair are written as optional. */
function op(pops: number, pushes: number, fields: Record<string, string> = {}, extra: Extra = {}): OpSpec {
  const specs = Object.entries(fields).map(([name, kind]): [string, FieldSpec] => {
    const required = !kind.endsWith("?");
    return [name, { kind: (required ? kind : kind.slice(0, -1)) as FieldKind, required }];
  });
  return {
    fields: new Map(specs),
    either: [
      ...(extra.either ? [{ names: extra.either, optional: false }] : []),
      ...(extra.atMostOne ? [{ names: extra.atMostOne, optional: true }] : []),
    ],
    pops,
    pushes,
    flow: extra.flow ?? "next",
  };
}

const claimFields = {
  type: "text?",
  schema: "object?",
  value: "operand?",
  sources: "texts?",
  evidence: "operand?",
  from: "json?",
  predicate: "json?",
  group: "nullable_text?",
  quantile: "nullable_text?",
  minTrust: "trust?",
};
const jump = { label: "name?", to: "target?" };
const either = ["label", "to"] as const;
const unary = op(1, 1);
const binary = op(2, 1);

const table: Record<string, OpSpec> = {
  LABEL: op(0, 0, { name: "name" }),
  FUNC: op(0, 0, { name: "name", params: "params?" }),
  ENDFUNC: op(0, 0, {}, { flow: "end" }),
  PUSH: op(0, 1, { value: "operand?", ref: "text_reference?" }, { either: ["value", "ref"] }),
  POP: op(1, 0),
  DUP: op(1, 2),
  SWAP: op(2, 2),
  OVER: op(2, 3),
  STORE: op(1, 0, { reg: "register" }),
  LOAD: op(0, 1, { reg: "register" }),
  CLAMP: op(1, 1, { min: "operand", max: "operand" }),
  INTERP: op(1, 1, { table: "table" }),
  SEXT: op(1, 1, { bits: "bits" }),
  BITGET: op(1, 1, { bit: "bit" }),
  BITSET: op(2, 1, { bit: "bit" }),
  SLICE: op(1, 1, { start: "operand", end: "operand?" }),
  SPLIT: op(1, 1, { sep: "separator" }),
  TO_STR: op(1, 1, { digits: "digits?" }),
  ENCODE: op(1, 1, { as: "encoding" }),
  DECODE: op(1, 1, { as: "encoding" }),
  PACK: op(1, 1, { format: "format" }),
  UNPACK: op(1, 1, { format: "format" }),
  CRC: op(1, 1, { preset: "preset?", params: "crc?" }, { either: ["preset", "params"] }),
  NEW_OBJ: op(0, 1),
  NEW_ARR: op(0, 1),
  SETK: op(0, 0, { oid: "operand", key: "operand", value: "operand" }),
  GETK: op(0, 1, { oid: "operand", key: "operand" }),
  HASK: op(0, 1, { oid: "operand", key: "operand" }),
  DELK: op(0, 0, { oid: "operand", key: "operand" }),
  APPEND: op(0, 0, { oid: "operand", value: "operand" }),
  LEN: op(0, 1, { oid: "operand" }),
  KEYS: op(0, 1, { oid: "operand" }),
  JUMP: op(0, 0, jump, { either, flow: "jump" }),
  JZ: op(1, 0, jump, { either, flow: "branch" }),
  JNZ: op(1, 0, jump, { either, flow: "branch" }),
  CALLF: op(0, 1, { name: "name", args: "bindings?" }),
  RET: op(0, 0, { value: "operand?" }, { flow: "end" }),
  TRY: op(0, 0, { handler: "name" }),
  ENDTRY: op(0, 0),
  FAIL: op(0, 0, { reason: "identifier", message: "text?", details: "operand?" }, { flow: "end" }),
  HALT: op(0, 0, {}, { flow: "end" }),
  SLEEP_MS: op(0, 0, { ms: "millis" }),
  ELAPSED: op(0, 1),
  SPAWN: op(
    0,
    0,
    { as: "register", body: "body?", func: "name?", args: "bindings?" },
    { either: ["body", "func"] },
  ),
  JOIN: op(
    0,
    1,
    { task: "operand", timeout_s: "millis?", timeout_ms: "millis?" },
    { atMostOne: ["timeout_s", "timeout_ms"] },
  ),
  CALL: op(0, 1, { fn: "text", args: "call_args?", evidence: "register?" }),
  CAP: op(0, 1, { name: "text", args: "named_args?", evidence: "register?" }),
  EVIDENCE: op(0, 0, { claim: "identifier", ...claimFields }),
  CLAIM: op(
    0,
    0,
    { id: "identifier?", text: "text?", about: "text?", ...claimFields },
    { either: ["text", "about"] },
  ),
  RESPOND: op(0, 0, { status: "status?", body: "operand?" }, { flow: "end" }),
};
for (const name of [
  "NEG",
  "ABS",
  "FLOOR",
  "CEIL",
  "TRUNC",
  "ROUND",
  "SQRT",
  "NOT",
  "BNOT",
  "TO_NUM",
  "HASH",
  "TYPE",
]) {
  table[name] = unary;
}
for (const name of [
  ...[
    "ADD",
    "SUB",
    "MUL",
    "DIV",
    "MIN",
    "MAX",
    "MOD",
    "IDIV",
    "EQ",
    "NE",
    "LT",
    "LE",
    "GT",
    "GE",
    "AND",
    "OR",
  ],
  ...["BAND", "BOR", "BXOR", "SHL", "SHR", "SAR", "CONCAT", "FIND"],
]) {
  table[name] = binary;
}

export const INSTRUCTIONS: ReadonlyMap<string, OpSpec> = new Map(Object.entries(table));

/** Declarations cost no step and do not exist in the lowered code. */
export const isDeclaration = (name: string): boolean =>
  name === "LABEL" || name === "FUNC" || name === "ENDFUNC";
