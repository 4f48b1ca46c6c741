/**
 * The instruction set `isa` 1 (vm.md 4), the one place it is written: fields with their kinds as types, stack effect, how
 * control goes on, and which fields people write without their names. Verifier, builder, text form and docs read it.
 */

/** Kinds of fields; the verifier says what each may hold. */
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

/** A kind ending in `?` is optional; members of a pair are written as optional. */
export type Fields = { readonly [field: string]: FieldKind | `${FieldKind}?` };
export type Flow = "next" | "jump" | "branch" | "end";

interface Extra {
  /** Fields that the text form writes without a name, in this order; default: the required ones. */
  readonly positional?: readonly string[];
  /** Exactly one of the two. */
  readonly either?: readonly [string, string];
  /** At most one of the two. */
  readonly atMostOne?: readonly [string, string];
  readonly flow?: Flow;
}

export interface InstructionSpec<F extends Fields = Fields, E extends Extra = Extra> {
  readonly pops: number;
  readonly pushes: number;
  readonly fields: F;
  readonly extra: E;
}

const op = <const F extends Fields, const E extends Extra>(
  pops: number,
  pushes: number,
  fields: F,
  extra: E,
): InstructionSpec<F, E> => ({ pops, pushes, fields, extra });

const unary = op(1, 1, {}, {});
const binary = op(2, 1, {}, {});
const format = op(1, 1, { format: "format" }, {});
const coding = op(1, 1, { as: "encoding" }, {});
const keyed = { oid: "operand", key: "operand" } as const;
const target = { label: "name?", to: "target?" } as const;
const jump = { positional: ["label"], either: ["label", "to"], flow: "jump" } as const;
const branch = { ...jump, flow: "branch" } as const;
const end = { flow: "end" } as const;
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
} as const;

export const INSTRUCTION_TABLE = {
  LABEL: op(0, 0, { name: "name" }, {}),
  FUNC: op(0, 0, { name: "name", params: "params?" }, { positional: ["name", "params"] }),
  ENDFUNC: op(0, 0, {}, end),
  PUSH: op(
    0,
    1,
    { value: "operand?", ref: "text_reference?" },
    { positional: ["value"], either: ["value", "ref"] },
  ),
  POP: op(1, 0, {}, {}),
  DUP: op(1, 2, {}, {}),
  SWAP: op(2, 2, {}, {}),
  OVER: op(2, 3, {}, {}),
  STORE: op(1, 0, { reg: "register" }, {}),
  LOAD: op(0, 1, { reg: "register" }, {}),
  ADD: binary,
  SUB: binary,
  MUL: binary,
  DIV: binary,
  MIN: binary,
  MAX: binary,
  MOD: binary,
  IDIV: binary,
  NEG: unary,
  ABS: unary,
  FLOOR: unary,
  CEIL: unary,
  TRUNC: unary,
  ROUND: unary,
  SQRT: unary,
  CLAMP: op(1, 1, { min: "operand", max: "operand" }, {}),
  INTERP: op(1, 1, { table: "table" }, {}),
  EQ: binary,
  NE: binary,
  LT: binary,
  LE: binary,
  GT: binary,
  GE: binary,
  AND: binary,
  OR: binary,
  NOT: unary,
  BAND: binary,
  BOR: binary,
  BXOR: binary,
  BNOT: unary,
  SHL: binary,
  SHR: binary,
  SAR: binary,
  SEXT: op(1, 1, { bits: "bits" }, {}),
  BITGET: op(1, 1, { bit: "bit" }, {}),
  BITSET: op(2, 1, { bit: "bit" }, {}),
  CONCAT: binary,
  SLICE: op(1, 1, { start: "operand", end: "operand?" }, { positional: ["start", "end"] }),
  FIND: binary,
  SPLIT: op(1, 1, { sep: "separator" }, {}),
  TO_STR: op(1, 1, { digits: "digits?" }, { positional: ["digits"] }),
  TO_NUM: unary,
  ENCODE: coding,
  DECODE: coding,
  PACK: format,
  UNPACK: format,
  CRC: op(
    1,
    1,
    { preset: "preset?", params: "crc?" },
    { positional: ["preset"], either: ["preset", "params"] },
  ),
  HASH: unary,
  TYPE: unary,
  NEW_OBJ: op(0, 1, {}, {}),
  NEW_ARR: op(0, 1, {}, {}),
  SETK: op(0, 0, { ...keyed, value: "operand" }, {}),
  GETK: op(0, 1, keyed, {}),
  HASK: op(0, 1, keyed, {}),
  DELK: op(0, 0, keyed, {}),
  APPEND: op(0, 0, { oid: "operand", value: "operand" }, {}),
  LEN: op(0, 1, { oid: "operand" }, {}),
  KEYS: op(0, 1, { oid: "operand" }, {}),
  JUMP: op(0, 0, target, jump),
  JZ: op(1, 0, target, branch),
  JNZ: op(1, 0, target, branch),
  CALLF: op(0, 1, { name: "name", args: "bindings?" }, { positional: ["name", "args"] }),
  RET: op(0, 0, { value: "operand?" }, { positional: ["value"], flow: "end" }),
  TRY: op(0, 0, { handler: "name" }, {}),
  ENDTRY: op(0, 0, {}, {}),
  FAIL: op(0, 0, { reason: "identifier", message: "text?", details: "operand?" }, end),
  HALT: op(0, 0, {}, end),
  SLEEP_MS: op(0, 0, { ms: "millis" }, {}),
  ELAPSED: op(0, 1, {}, {}),
  SPAWN: op(
    0,
    0,
    { as: "register", body: "body?", func: "name?", args: "bindings?" },
    { positional: ["as", "args"], either: ["body", "func"] },
  ),
  JOIN: op(
    0,
    1,
    { task: "operand", timeout_s: "millis?", timeout_ms: "millis?" },
    { atMostOne: ["timeout_s", "timeout_ms"] },
  ),
  CALL: op(0, 1, { fn: "text", args: "call_args?", evidence: "register?" }, { positional: ["fn", "args"] }),
  CAP: op(
    0,
    1,
    { name: "text", args: "named_args?", evidence: "register?" },
    { positional: ["name", "args"] },
  ),
  EVIDENCE: op(0, 0, { claim: "identifier", ...claimFields }, {}),
  CLAIM: op(
    0,
    0,
    { id: "identifier?", text: "text?", about: "text?", ...claimFields },
    { positional: ["id"], either: ["text", "about"] },
  ),
  RESPOND: op(0, 0, { status: "status?", body: "operand?" }, { positional: ["status", "body"], flow: "end" }),
} as const satisfies Readonly<Record<string, InstructionSpec>>;

export type OpName = keyof typeof INSTRUCTION_TABLE;

const SPECS: ReadonlyMap<string, InstructionSpec> = new Map(
  Object.entries<InstructionSpec>(INSTRUCTION_TABLE),
);

/** Undefined for a word that is no instruction, `__proto__` and `constructor` among them. */
export const instructionSpec = (name: string): InstructionSpec | undefined => SPECS.get(name);

export const INSTRUCTION_NAMES: readonly string[] = [...SPECS.keys()];

export const positionalFields = ({ fields, extra }: InstructionSpec): readonly string[] =>
  extra.positional ?? Object.keys(fields).filter((name) => !isOptional(fields[name] ?? "json?"));

export const isOptional = (kind: string): boolean => kind.endsWith("?");

/** The kind of a field by its name, null if the instruction has no such field. */
export function fieldKind({ fields }: InstructionSpec, name: string): FieldKind | null {
  const kind = Object.hasOwn(fields, name) ? fields[name] : undefined;
  return kind === undefined ? null : (kind.replace("?", "") as FieldKind);
}

/** Declarations cost no step and have no place at run time. */
export const isDeclaration = (name: string): boolean =>
  name === "LABEL" || name === "FUNC" || name === "ENDFUNC";
