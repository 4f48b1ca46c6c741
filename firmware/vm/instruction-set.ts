/** The instruction set in the form the verifier reads. */
import {
  type FieldKind,
  type Flow,
  fieldKind,
  INSTRUCTION_TABLE,
  type InstructionSpec,
  isOptional,
} from "./instruction-table.ts";

export { type FieldKind, type Flow, isDeclaration } from "./instruction-table.ts";

export interface FieldSpec {
  readonly kind: FieldKind;
  readonly required: boolean;
}

export interface OpSpec {
  readonly fields: ReadonlyMap<string, FieldSpec>;
  /** Exactly one of the two fields (at most one when `optional`). */
  readonly either: readonly { readonly names: readonly [string, string]; readonly optional: boolean }[];
  readonly pops: number;
  readonly pushes: number;
  readonly flow: Flow;
}

function opSpec(spec: InstructionSpec): OpSpec {
  const { pops, pushes, fields, extra } = spec;
  const specs = Object.entries(fields).map(([name, written]): [string, FieldSpec] => [
    name,
    { kind: fieldKind(spec, name) ?? "json", required: !isOptional(written) },
  ]);
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

export const INSTRUCTIONS: ReadonlyMap<string, OpSpec> = new Map(
  Object.entries<InstructionSpec>(INSTRUCTION_TABLE).map(([name, spec]) => [name, opSpec(spec)]),
);
