/** Findings of the verifier, said at the lines of the source (vm.md 6). */
import type { Issue } from "../vm/index.ts";
import type { Diagnostic, Origin, SourcePosition } from "./types.ts";

type Said = readonly [message: string, hint: string | null];

/** Every code of vm.md 6. */
const SAID: Readonly<Record<string, Said>> = {
  format_unsupported: ["The format of the document is not known here.", "format is imu.program/1."],
  isa_unsupported: ["The instruction set of the document is not known here.", "isa is 1."],
  document_too_large: ["The document is too large or too deep.", "256 KiB and 24 levels are the most."],
  unknown_field: ["A field is unknown.", "docs/programs.md lists the fields."],
  missing_field: ["A field is missing.", "docs/programs.md lists the fields."],
  bad_field: ["A field has a value that it cannot have.", "docs/programs.md says what each field holds."],
  empty_program: ["The program has no instruction.", null],
  duplicate_output: ["An output is listed twice.", null],
  limits_invalid: [
    "A limit is unknown or no whole number that it may be.",
    "docs/programs.md lists the limits.",
  ],
  unknown_capability: ["There is no such capability.", "imuctl capabilities lists them."],
  unknown_opcode: ["There is no such instruction.", "docs/programs.md lists the instructions."],
  func_nested: ["A function begins inside a function or a body.", "functions stand in the main list only."],
  func_unbalanced: ["FUNC and ENDFUNC do not match.", null],
  duplicate_func: ["A function of this name is there already.", null],
  duplicate_label: ["A label of this name is there already.", null],
  spawn_too_deep: ["Bodies nest too deep.", "four levels are the most."],
  too_many_instructions: ["The program has too many instructions.", "4096 are the most, bodies included."],
  unknown_label: ["There is no label of this name in this list.", null],
  jump_target: ["The jump leads out of its list.", null],
  jump_crosses_function: ["The jump enters or leaves a function.", null],
  unknown_func: ["There is no function of this name.", null],
  missing_arg: ["A parameter of the function gets no value.", null],
  unknown_arg: ["The function has no such parameter.", null],
  ret_outside_func: ["RET stands outside of a function.", "HALT ends the program."],
  unknown_const: ["There is no constant of this name.", "declare it with .const or in constants."],
  bad_register: ["This is no name of a register.", "letters, digits and _, at most 32, no digit first."],
  too_many_registers: ["A frame has too many registers.", "128 are the most."],
  bad_operand: ["This is no operand.", "docs/programs.md shows the operands."],
  operand_too_deep: ["The operand nests too deep.", "16 levels are the most."],
  literal_range: ["The number is not finite, or beyond the exact integers.", "±(2^53−1) are the ends."],
  bad_format: ["This is no format of bytes.", 'for example ["u8", "i16be"].'],
  bad_table: ["The table is none.", "2 to 64 points [x, y], x rising."],
  status_reserved: ["A program cannot set this status.", "403, 412, 428 and 429 belong to the daemon."],
  try_unbalanced: ["TRY and ENDTRY do not match.", null],
  try_handler_inside: ["The handler stands inside its own region.", "put its label behind ENDTRY."],
  capability_undeclared: ["The capability is not listed by the program.", "add it to capabilities."],
  output_not_literal: ["The output is computed; it must be a literal name.", null],
  output_undeclared: ["The output is not listed by the program.", "add it to outputs."],
  contract_violation: [
    "The arguments do not meet the contract of the capability.",
    "imuctl capabilities <id>.",
  ],
  stack_underflow: ["The instruction takes more values than there are on the stack.", null],
  stack_depth_mismatch: [
    "Two ways lead here with different depths of the stack.",
    "POP what one of them leaves.",
  ],
  stack_too_deep: ["The stack grows too deep.", "256 values are the most."],
  try_stack: ["The region takes values from below its TRY.", "store them in registers before."],
  register_never_stored: ["The register is read and never stored: it is always null.", null],
  unreachable_code: ["The instruction is never reached.", null],
  falls_off_end: [
    "The program ends without HALT or RESPOND.",
    "that is RESPOND 200 {}, refused without a claim.",
  ],
};

const said = (code: string): Said => (Object.hasOwn(SAID, code) ? SAID[code] : undefined) ?? [code, null];

export interface SourcePlaces {
  readonly origins: readonly Origin[];
  /** Where members of the document were written, as far as it is known. */
  readonly members?: ReadonlyMap<string, SourcePosition>;
  /** For what has no place of its own. */
  readonly start: SourcePosition;
}

/** Errors or warnings of the verifier at their lines, in its order. */
export function issueDiagnostics(issues: readonly Issue[], places: SourcePlaces): readonly Diagnostic[] {
  const origins = new Map(places.origins.map(({ unit, index, position }) => [`${unit}:${index}`, position]));
  return issues.map(({ code, unit, index }) => {
    const [message, hint] = said(code);
    if (unit !== "document") {
      return { position: origins.get(`${unit}:${index}`) ?? places.start, code, message, hint };
    }
    const about = String(index);
    const position = places.members?.get(about) ?? places.members?.get(memberOf(code)) ?? places.start;
    return { position, code, message: about === "" ? message : `${message} (${about})`, hint };
  });
}

/** The member that an issue is about when it names an entry of it. */
const memberOf = (code: string): string =>
  code === "unknown_capability" ? "capabilities" : code === "limits_invalid" ? "limits" : "";
