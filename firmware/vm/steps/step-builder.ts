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
  /** Filled for CALLF and SPAWN: the frame they start. Frames are numbered before steps are made. */
  readonly callee: () => LoweredFrame;
  readonly slot: (field: string) => number;
  readonly call: () => LoweredCall;
}

export type StepMaker = (source: StepSource) => Step;

export const NULL_OPERAND: LoweredOperand = { kind: "literal", value: null };
