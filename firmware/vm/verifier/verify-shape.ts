/** Phase B: shape of every instruction, functions, labels and bodies (vm.md 6). Builds the tree of units. */
import { isJsonObject, type Json, type JsonObject } from "../../core/json.ts";
import { PROGRAM_LIMITS } from "../../core/limits.ts";
import { type FieldKind, INSTRUCTIONS } from "../instruction-set.ts";
import { CRC_PRESETS } from "../values/crc.ts";
import type { Issue } from "./issues.ts";

export const MAX_INSTRUCTIONS = PROGRAM_LIMITS.instructions;
export const MAX_BODY_DEPTH = PROGRAM_LIMITS.bodyDepth;

/** One list of instructions: the code of the document or the body of a SPAWN. */
export interface Unit {
  readonly path: string;
  readonly list: readonly JsonObject[];
  /** Name of the function each instruction belongs to, null in main code and bodies. */
  readonly functionOf: (string | null)[];
  readonly functions: Map<
    string,
    { readonly start: number; end: number; readonly params: readonly string[] | null }
  >;
  readonly labels: Map<string, number>;
  readonly bodies: Map<number, Unit>;
}

const isWhole = (v: unknown, least: number, most: number): boolean =>
  Number.isInteger(v) && Number(v) >= least && Number(v) <= most;
const isText = (v: unknown, most: number): boolean =>
  typeof v === "string" && v.length >= 1 && v.length <= most;
const isList = (v: unknown, check: (item: unknown) => boolean): boolean => Array.isArray(v) && v.every(check);
const isBinding = (v: unknown): boolean =>
  isJsonObject(v) && Object.keys(v).length === 2 && typeof v.to === "string" && Object.hasOwn(v, "value");
const isJson = (): boolean => true;
const isMillis = (v: unknown): boolean =>
  typeof v === "number" ? v >= 0 : typeof v === "string" || isJsonObject(v);

const KINDS: Readonly<Record<FieldKind, (value: unknown) => boolean>> = {
  operand: isJson,
  json: isJson,
  // A table, a format and CRC parameters have codes of their own in phase C.
  table: isJson,
  format: isJson,
  crc: isJsonObject,
  millis: isMillis,
  text_reference: (v) => typeof v === "string",
  call_args: (v) => Array.isArray(v) || isJsonObject(v),
  named_args: isJsonObject,
  bindings: (v) => isList(v, isBinding),
  body: (v) => Array.isArray(v) && v.length > 0,
  name: (v) => isText(v, 64),
  params: (v) =>
    isList(v, (p) => typeof p === "string") && new Set(v as string[]).size === (v as string[]).length,
  register: (v) => typeof v === "string",
  target: (v) => typeof v === "number",
  text: (v) => isText(v, 1024),
  nullable_text: (v) => v === null || isText(v, 1024),
  identifier: (v) => isText(v, 128),
  texts: (v) => isList(v, (t) => isText(t, 1024)),
  object: isJsonObject,
  status: (v) => isWhole(v, 200, 499),
  trust: (v) => typeof v === "number" && v >= 0 && v <= 1,
  preset: (v) => typeof v === "string" && CRC_PRESETS.has(v),
  encoding: (v) => v === "utf8" || v === "ascii" || v === "hex" || v === "base64",
  separator: (v) => typeof v === "string" && v.length > 0 && [...v].length <= 8,
  digits: (v) => isWhole(v, 0, 12),
  bit: (v) => isWhole(v, 0, 31),
  bits: (v) => isWhole(v, 1, 32),
};

function checkFields(instr: JsonObject, report: (code: string) => void): void {
  const spec = typeof instr.op === "string" ? INSTRUCTIONS.get(instr.op) : undefined;
  if (!spec) {
    report(Object.hasOwn(instr, "op") ? "unknown_opcode" : "missing_field");
    return;
  }
  for (const [name, { kind, required }] of spec.fields) {
    if (!Object.hasOwn(instr, name)) {
      if (required) report("missing_field");
    } else if (!KINDS[kind](instr[name])) report("bad_field");
  }
  for (const { names, optional } of spec.either) {
    const present = names.filter((name) => Object.hasOwn(instr, name)).length;
    if (present === 2) report("bad_field");
    else if (present === 0 && !optional) report("missing_field");
  }
  for (const name of Object.keys(instr)) {
    if (name === "note") {
      if (typeof instr.note !== "string" || instr.note.length > 200) report("bad_field");
    } else if (name !== "op" && !spec.fields.has(name)) report("unknown_field");
  }
}

interface Work {
  count: number;
  readonly issues: Issue[];
}

function declare(
  unit: Unit,
  index: number,
  instr: JsonObject,
  open: { name: string | null },
  isBody: boolean,
): string[] {
  const problems: string[] = [];
  const name = typeof instr.name === "string" ? instr.name : null;
  if (instr.op === "LABEL" && name !== null) {
    if (unit.labels.has(name)) problems.push("duplicate_label");
    else unit.labels.set(name, index);
  } else if (instr.op === "FUNC" && name !== null) {
    if (open.name !== null || isBody) problems.push("func_nested");
    else if (unit.functions.has(name)) problems.push("duplicate_func");
    const params = Array.isArray(instr.params) ? (instr.params as readonly string[]) : null;
    if (open.name === null && !isBody) {
      if (!unit.functions.has(name)) unit.functions.set(name, { start: index, end: -1, params });
      open.name = name;
    }
  } else if (instr.op === "ENDFUNC") {
    const opened = open.name === null ? undefined : unit.functions.get(open.name);
    if (opened === undefined) problems.push("func_unbalanced");
    else if (opened.end < 0) opened.end = index;
    unit.functionOf[index] = open.name;
    open.name = null;
  }
  return problems;
}

function buildUnit(path: string, list: readonly Json[], depth: number, work: Work): Unit {
  const unit: Unit = {
    path,
    list: list.map((instr) => (isJsonObject(instr) ? instr : {})),
    functionOf: [],
    functions: new Map(),
    labels: new Map(),
    bodies: new Map(),
  };
  const open: { name: string | null } = { name: null };
  let openedAt = -1;
  for (const [index, instr] of unit.list.entries()) {
    if (++work.count > MAX_INSTRUCTIONS) return unit;
    const report = (code: string): void => void work.issues.push({ code, unit: path, index });
    if (isJsonObject(list[index])) checkFields(instr, report);
    else report("bad_field");
    const before = open.name;
    unit.functionOf[index] = open.name;
    for (const problem of declare(unit, index, instr, open, depth > 0)) report(problem);
    if (before === null && open.name !== null) openedAt = index;
    if (instr.op === "FUNC") unit.functionOf[index] = open.name;
    if (instr.op === "SPAWN" && Array.isArray(instr.body)) {
      if (depth >= MAX_BODY_DEPTH) report("spawn_too_deep");
      else unit.bodies.set(index, buildUnit(`${path}/${index}/body`, instr.body, depth + 1, work));
    }
  }
  if (open.name !== null) work.issues.push({ code: "func_unbalanced", unit: path, index: openedAt });
  return unit;
}

/** The tree of units and all problems of phase B. Bodies nest at most four deep, so the recursion is bounded. */
export function checkShape(code: readonly Json[]): {
  readonly root: Unit;
  readonly issues: readonly Issue[];
} {
  const work: Work = { count: 0, issues: [] };
  const root = buildUnit("code", code, 0, work);
  if (work.count > MAX_INSTRUCTIONS) {
    return { root, issues: [{ code: "too_many_instructions", unit: "document", index: "code" }] };
  }
  return { root, issues: work.issues };
}

/** The unit and all bodies inside it, outermost first. */
export function* unitsOf(root: Unit): Generator<Unit> {
  yield root;
  for (const body of root.bodies.values()) yield* unitsOf(body);
}
