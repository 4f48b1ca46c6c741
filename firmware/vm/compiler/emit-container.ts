/** Operands that build containers, written as expressions (vm.md 3.1), and what they cost in the memory model (vm.md 7). */

import type { ShapeTable } from "../values/objects.ts";
import { MAX_MEMBERS } from "../values/values.ts";
import type { LoweredOperand, LoweredProgram } from "../verifier/lowered-program.ts";
import type { BlockWriter, Known } from "./block-writer.ts";
import { ARRAY, OBJECT } from "./kinds.ts";

/** Containers above this cost bulk steps, which only the interpreter's own step charges. */
const PLAIN_SIZE = 255;
const NESTED = 4;

/** A value and the bytes that are charged for making it. */
export interface Built {
  readonly known: Known;
  readonly bytes: number;
}

/** Bytes of a container with everything in it; null if it is too large, or takes more than registers and literals. */
function bytesOf(operand: LoweredOperand, depth = 0): number | null {
  if (operand.kind === "slot" || operand.kind === "literal") return 0;
  if ((operand.kind !== "array" && operand.kind !== "object") || depth > NESTED) return null;
  if (operand.items.length > MAX_MEMBERS || (operand.kind === "object" && operand.hasLongKey)) return null;
  let bytes = operand.bytes;
  for (const item of operand.items) {
    const inner = bytesOf(item, depth + 1);
    if (inner === null) return null;
    bytes += inner;
  }
  return bytes <= PLAIN_SIZE ? bytes : null;
}

function expression(writer: BlockWriter, operand: LoweredOperand, shapes: ShapeTable): string | null {
  if (operand.kind !== "array" && operand.kind !== "object") return writer.operand(operand)?.text ?? null;
  const shape = operand.kind === "object" ? shapes.of(operand.keys) : null;
  if (operand.kind === "object" && shape === null) return null;
  const items: string[] = [];
  for (const item of operand.items) {
    const text = expression(writer, item, shapes);
    if (text === null) return null;
    items.push(text);
  }
  const list = `[${items.join(", ")}]`;
  return shape === null ? list : `new R.VmObject(${writer.tables.part(shape)}, ${list})`;
}

/**
 * The value of an operand. The text of one with bytes makes a new container each time it stands in the code, so it may
 * stand there once.
 * @returns null if only the interpreter's step can build it.
 */
export function built(writer: BlockWriter, operand: LoweredOperand, program: LoweredProgram): Built | null {
  const bytes = bytesOf(operand);
  if (bytes === null) return null;
  if (bytes === 0) {
    const known = writer.operand(operand);
    return known === null ? null : { known, bytes };
  }
  const text = expression(writer, operand, program.shapes);
  if (text === null) return null;
  return { known: { text, kinds: operand.kind === "array" ? ARRAY : OBJECT, register: -1 }, bytes };
}

/** The operands of fields, in order; an absent one is null. Inputs may be containers, so they are left to the step. */
export function builtAll(
  writer: BlockWriter,
  operands: readonly (LoweredOperand | null)[],
  program: LoweredProgram,
): { readonly values: readonly Known[]; readonly bytes: number } | null {
  const values: Known[] = [];
  let sum = 0;
  for (const operand of operands) {
    const made = built(writer, operand ?? { kind: "literal", value: null }, program);
    if (made === null) return null;
    values.push(made.known);
    sum += made.bytes;
  }
  return sum <= PLAIN_SIZE ? { values, bytes: sum } : null;
}

/** Writes an action that may refuse; what was charged for its operands is given back then. */
export function guarded(writer: BlockWriter, bytes: number, refused: string): void {
  if (bytes > 0) writer.line(`if (!R.charge(run, ${bytes})) ${writer.exit()}`);
  const back = bytes > 0 ? `run.memory -= ${bytes};` : "";
  writer.line(`if (${refused}) { ${back} ${writer.exit()} }`);
}
