/** Reads the operands of one instruction, for the verifier and the lowering (vm.md 3.1, 4). */
import { isJsonObject, type Json, type JsonObject } from "../../core/json.ts";
import { INSTRUCTIONS } from "../instruction-set.ts";
import { type Operand, type OperandContext, parseOperand, parseTextReference } from "./operands.ts";

export interface Binding {
  readonly to: string;
  readonly value: Operand;
}

/** Arguments of CALL and CAP: positional or named. */
export type CallArguments =
  | { readonly kind: "positional"; readonly items: readonly Operand[] }
  | { readonly kind: "named"; readonly keys: readonly string[]; readonly items: readonly Operand[] };

export interface InstructionOperands {
  /** By field name. */
  readonly fields: ReadonlyMap<string, Operand>;
  /** Arguments of CALLF and SPAWN. */
  readonly bindings: readonly Binding[];
  readonly call: CallArguments | null;
}

function callArguments(args: Json, context: OperandContext): CallArguments {
  if (Array.isArray(args)) {
    const items = (args as readonly Json[]).map((item) =>
      typeof item === "string" ? parseTextReference(item, context) : parseOperand(item, context),
    );
    return { kind: "positional", items };
  }
  const named = isJsonObject(args) ? args : {};
  const keys = Object.keys(named).sort();
  return { kind: "named", keys, items: keys.map((key) => parseOperand(named[key] ?? null, context)) };
}

function bindingsOf(args: Json, context: OperandContext): readonly Binding[] {
  return (args as readonly JsonObject[]).map(({ to, value }) => ({
    to: String(to).replace(/^reg:/, ""),
    value: parseOperand(value ?? null, context),
  }));
}

/** Expects an instruction that passed phase B. Problems go to the context. */
export function operandsOf(instr: JsonObject, context: OperandContext): InstructionOperands {
  const fields = new Map<string, Operand>();
  let bindings: readonly Binding[] = [];
  let call: CallArguments | null =
    instr.op === "CALL" || instr.op === "CAP" ? callArguments({}, context) : null;
  for (const [name, { kind }] of INSTRUCTIONS.get(String(instr.op))?.fields ?? []) {
    const value = instr[name];
    if (value === undefined) continue;
    if (kind === "operand" || kind === "millis") fields.set(name, parseOperand(value, context));
    else if (kind === "text_reference") fields.set(name, parseTextReference(String(value), context));
    else if (kind === "bindings") bindings = bindingsOf(value, context);
    else if (kind === "call_args" || kind === "named_args") call = callArguments(value, context);
  }
  return { fields, bindings, call };
}
