/** Phase C: names, literals, jumps, regions, capabilities and outputs (vm.md 6). */
import type { Json, JsonObject } from "../../core/json.ts";
import { PROGRAM_LIMITS } from "../../core/limits.ts";
import type { CapabilitySignature, CapabilityView } from "../capability-view.ts";
import { INSTRUCTIONS } from "../instruction-set.ts";
import type { ProgramDocument } from "../types.ts";
import { readCrcParams } from "../values/crc.ts";
import { parsePackFormat } from "../values/pack-format.ts";
import {
  type Binding,
  type CallArguments,
  type InstructionOperands,
  operandsOf,
} from "./instruction-operands.ts";
import type { Issue } from "./issues.ts";
import { isRegisterName, literalOf, type Operand, registerName, registersOf } from "./operands.ts";
import type { Unit } from "./verify-shape.ts";

export const MAX_REGISTERS = PROGRAM_LIMITS.registers;
const RESERVED_STATUS: ReadonlySet<unknown> = new Set([403, 412, 428, 429]);

/** Registers of one frame: main code or a body (`fn` null), or a function. */
export interface FrameDraft {
  readonly unit: Unit;
  readonly fn: string | null;
  /** Name → slot, in order of appearance. */
  readonly registers: Map<string, number>;
  readonly stored: Set<string>;
  readonly reads: { readonly name: string; readonly index: number }[];
}

/** A covered region; `start` is the TRY, `end` the ENDTRY, `handler` the index of its label. */
export interface TryRegion {
  readonly unit: Unit;
  readonly start: number;
  end: number;
  handler: number;
}

export const frameKey = (unit: string, fn: string | null): string => `${unit}#${fn ?? ""}`;

/** What phases C, D and the lowering share about one program. */
export class Analysis {
  readonly document: ProgramDocument;
  readonly view: CapabilityView;
  readonly root: Unit;
  readonly frames = new Map<string, FrameDraft>();
  readonly regions: TryRegion[] = [];
  readonly issues: Issue[] = [];
  /** Canonical ids of the document's list, in its order. */
  readonly capabilities: readonly string[];
  readonly constants: JsonObject;
  /** What phase C has read, by instruction; the lowering goes on from there. */
  readonly operands = new Map<JsonObject, InstructionOperands>();

  constructor(document: ProgramDocument, view: CapabilityView, root: Unit) {
    this.document = document;
    this.view = view;
    this.root = root;
    this.constants = document.constants ?? {};
    const ids = (document.capabilities ?? []).map((id) => view.resolve(id)?.id ?? id);
    this.capabilities = [...new Set(ids)];
  }

  frame(unit: Unit, fn: string | null): FrameDraft {
    const key = frameKey(unit.path, fn);
    let frame = this.frames.get(key);
    if (!frame) {
      frame = { unit, fn, registers: new Map(), stored: new Set(), reads: [] };
      this.frames.set(key, frame);
      for (const name of (fn === null ? null : unit.functions.get(fn)?.params) ?? []) {
        frame.registers.set(name, frame.registers.size);
        frame.stored.add(name);
      }
    }
    return frame;
  }
}

/** The index a jump leads to, or the problem. `to` may be the end of main code; a FUNC means after its ENDFUNC. */
export function jumpTarget(unit: Unit, index: number, instr: JsonObject): number | string {
  const from = unit.functionOf[index] ?? null;
  let to = typeof instr.label === "string" ? unit.labels.get(instr.label) : Number(instr.to);
  if (to === undefined) return "unknown_label";
  if (!Number.isInteger(to) || to < 0 || to > unit.list.length) return "jump_target";
  while (unit.list[to]?.op === "FUNC" && typeof instr.label !== "string") {
    if (from !== null) return "jump_crosses_function";
    to = (unit.functions.get(String(unit.list[to]?.name))?.end ?? to) + 1;
  }
  return (unit.functionOf[to] ?? null) === from ? to : "jump_crosses_function";
}

class NameCheck {
  readonly #analysis: Analysis;
  readonly #unit: Unit;
  readonly #index: number;
  readonly #instr: JsonObject;
  readonly #frame: FrameDraft;

  constructor(analysis: Analysis, unit: Unit, index: number, instr: JsonObject) {
    this.#analysis = analysis;
    this.#unit = unit;
    this.#index = index;
    this.#instr = instr;
    this.#frame = analysis.frame(unit, unit.functionOf[index] ?? null);
  }

  readonly problem = (code: string): void => {
    this.#analysis.issues.push({ code, unit: this.#unit.path, index: this.#index });
  };

  run(): void {
    const instr = this.#instr;
    const operands = operandsOf(instr, { constants: this.#analysis.constants, problem: this.problem });
    this.#analysis.operands.set(instr, operands);
    const all = [
      ...operands.fields.values(),
      ...operands.bindings.map((b) => b.value),
      ...(operands.call?.items ?? []),
    ];
    for (const name of all.flatMap(registersOf)) this.#register(this.#frame, name, "read");
    this.#literals(operands);
    this.#registers();
    if (instr.op === "JUMP" || instr.op === "JZ" || instr.op === "JNZ") {
      const target = jumpTarget(this.#unit, this.#index, instr);
      if (typeof target === "string") this.problem(target);
    }
    if (instr.op === "RET" && this.#frame.fn === null) this.problem("ret_outside_func");
    if (instr.op === "RESPOND" && RESERVED_STATUS.has(instr.status)) this.problem("status_reserved");
    if (instr.op === "CALLF") this.#callee(String(instr.name), operands.bindings);
    if (instr.op === "SPAWN") this.#spawned(operands.bindings);
    if (operands.call) this.#capability(String(instr.op === "CALL" ? instr.fn : instr.name), operands.call);
  }

  #register(frame: FrameDraft, name: string, use: "read" | "stored"): void {
    if (!isRegisterName(name)) return;
    if (!frame.registers.has(name)) {
      frame.registers.set(name, frame.registers.size);
      if (frame.registers.size === MAX_REGISTERS + 1) this.problem("too_many_registers");
    }
    if (use === "stored") frame.stored.add(name);
    else frame.reads.push({ name, index: this.#index });
  }

  #named(written: Json | undefined, frame: FrameDraft, use: "read" | "stored"): void {
    if (typeof written !== "string") return;
    const name = registerName(written);
    if (isRegisterName(name)) this.#register(frame, name, use);
    else this.problem("bad_register");
  }

  #registers(): void {
    const { op, reg, as, evidence, params } = this.#instr;
    if (op === "STORE" || op === "LOAD") this.#named(reg, this.#frame, op === "LOAD" ? "read" : "stored");
    if (op === "SPAWN") this.#named(as, this.#frame, "stored");
    if (op === "CALL" || op === "CAP") this.#named(evidence, this.#frame, "stored");
    if (op === "FUNC" && Array.isArray(params)) {
      if (!params.every((p) => isRegisterName(String(p)))) this.problem("bad_register");
      if (params.length > MAX_REGISTERS) this.problem("too_many_registers");
    }
  }

  #literals({ fields }: InstructionOperands): void {
    const { op, table, format, params } = this.#instr;
    if (op === "INTERP" && !isTable(table)) this.problem("bad_table");
    if ((op === "PACK" || op === "UNPACK") && parsePackFormat(format) === null) this.problem("bad_format");
    if (op === "CRC" && params !== undefined && readCrcParams(params) === null) this.problem("bad_field");
    for (const [name, operand] of fields) {
      const kind = INSTRUCTIONS.get(String(op))?.fields.get(name)?.kind;
      if (kind !== "millis" || operand.kind === "register" || operand.kind === "input") continue;
      const value = literalOf(operand);
      if (typeof value !== "number" || value < 0) this.problem("bad_field");
    }
  }

  #callee(name: string, bindings: readonly Binding[]): void {
    const root = this.#analysis.root;
    const fn = root.functions.get(name);
    if (fn === undefined) {
      this.problem("unknown_func");
      return;
    }
    this.#bind(this.#analysis.frame(root, name), bindings);
    if (fn.params === null) return;
    const given = new Set(bindings.map((binding) => binding.to));
    const params = new Set(fn.params);
    if (fn.params.some((param) => !given.has(param))) this.problem("missing_arg");
    if (bindings.some(({ to }) => !params.has(to))) this.problem("unknown_arg");
  }

  #spawned(bindings: readonly Binding[]): void {
    if (typeof this.#instr.func === "string") {
      this.#callee(this.#instr.func, bindings);
      return;
    }
    const body = this.#unit.bodies.get(this.#index);
    if (body) this.#bind(this.#analysis.frame(body, null), bindings);
  }

  #bind(callee: FrameDraft, bindings: readonly Binding[]): void {
    for (const { to } of bindings) this.#named(to, callee, "stored");
    if (new Set(bindings.map((b) => b.to)).size !== bindings.length) this.problem("bad_field");
  }

  #capability(name: string, call: CallArguments): void {
    const signature = this.#analysis.view.resolve(name);
    if (signature === null) {
      this.problem("unknown_capability");
      return;
    }
    if (!this.#analysis.capabilities.includes(signature.id)) this.problem("capability_undeclared");
    const named = nameArguments(signature, call);
    if (named === null) {
      this.problem("contract_violation");
      return;
    }
    const literals: [string, Json][] = [];
    const computed: string[] = [];
    for (const [key, operand] of named) {
      const value = literalOf(operand);
      if (value === undefined) computed.push(key);
      else literals.push([key, value]);
    }
    if (signature.outputParam !== null) this.#output(named.get(signature.outputParam));
    if (signature.checkLiterals(Object.fromEntries(literals), computed) !== null)
      this.problem("contract_violation");
  }

  /** An absent output is a matter of the contract. */
  #output(operand: Operand | undefined): void {
    if (operand === undefined) return;
    if (operand.kind !== "literal" || typeof operand.value !== "string") this.problem("output_not_literal");
    else if (!this.#analysis.document.outputs?.includes(operand.value)) this.problem("output_undeclared");
  }
}

/** Positional arguments by their names; null if there are more than the contract has. */
function nameArguments(
  signature: CapabilitySignature,
  call: CallArguments,
): ReadonlyMap<string, Operand> | null {
  const keys = call.kind === "named" ? call.keys : signature.positional;
  if (call.items.length > keys.length) return null;
  return new Map(call.items.map((item, i): [string, Operand] => [keys[i] ?? "", item]));
}

function isTable(table: Json | undefined): boolean {
  if (!Array.isArray(table) || table.length < 2 || table.length > 64) return false;
  const isPoint = (p: Json): p is readonly [number, number] =>
    Array.isArray(p) && p.length === 2 && p.every((n) => typeof n === "number" && Number.isFinite(n));
  if (!table.every(isPoint)) return false;
  return table.every((p, i) => i === 0 || Number(p[0]) > Number(table[i - 1]?.[0]));
}

function checkRegions(analysis: Analysis, unit: Unit): void {
  const open: TryRegion[] = [];
  const report = (code: string, index: number): void =>
    void analysis.issues.push({ code, unit: unit.path, index });
  const sameFunction = (a: number, b: number): boolean => unit.functionOf[a] === unit.functionOf[b];
  for (const [index, { op, handler }] of unit.list.entries()) {
    if (op === "TRY") {
      const at = unit.labels.get(String(handler));
      if (at === undefined) report("unknown_label", index);
      else if (!sameFunction(at, index)) report("jump_crosses_function", index);
      open.push({ unit, start: index, end: -1, handler: at ?? -1 });
    }
    if (op !== "ENDTRY") continue;
    const top = open.at(-1);
    if (top === undefined || !sameFunction(top.start, index)) report("try_unbalanced", index);
    else {
      open.pop();
      top.end = index;
      analysis.regions.push(top);
      if (top.handler > top.start && top.handler < index) report("try_handler_inside", top.start);
    }
  }
  for (const { start } of open) report("try_unbalanced", start);
}

/** Fills the analysis with frames, regions and all problems of phase C. */
export function checkNames(analysis: Analysis, unit: Unit = analysis.root): void {
  analysis.frame(unit, null);
  for (const [index, instr] of unit.list.entries()) new NameCheck(analysis, unit, index, instr).run();
  checkRegions(analysis, unit);
  for (const body of unit.bodies.values()) checkNames(analysis, body);
}
