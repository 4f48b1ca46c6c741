/** What the lowering hands to the maker of a step: the instruction with all names resolved. */
import type { JsonObject } from "../../core/json.ts";
import type { CapabilitySignature } from "../capability-view.ts";
import type { LoweredFrame, LoweredOperand, Step } from "../verifier/lowered-program.ts";

export interface LoweredBinding {
  readonly slot: number;
  readonly value: LoweredOperand;
}

export interface LoweredCall {
  readonly signature: CapabilitySignature;
  /** Null for positional arguments. */
  readonly keys: readonly string[] | null;
  readonly items: readonly LoweredOperand[];
}

export interface StepSource {
  readonly instr: JsonObject;
  /** The operand of a field, null when the field is absent. */
  readonly operand: (field: string) => LoweredOperand | null;
  readonly bindings: readonly LoweredBinding[];
  /** Of CALLF and SPAWN: the frame they start. */
  readonly callee: LoweredFrame | null;
  /** Of SPAWN: the register that gets the handle. */
  readonly as: number;
  /** Of CALL and CAP. */
  readonly call: LoweredCall | null;
}

/** Looks up operands; apart from its maker, so that nothing else stays alive with a step. */
export const operandsIn =
  (fields: ReadonlyMap<string, LoweredOperand>): StepSource["operand"] =>
  (field) =>
    fields.get(field) ?? null;

/** What the lowering has filled in for an instruction of this kind. */
export function needed<T>(part: T | null): T {
  if (part === null) throw new Error("The lowering fills this in.");
  return part;
}

export type StepMaker = (source: StepSource) => Step;

export const NULL_OPERAND: LoweredOperand = { kind: "literal", value: null };
