/** Writes the instructions of one block. */
import type { LoweredFrame, LoweredProgram } from "../verifier/lowered-program.ts";
import type { BlockWriter, Known } from "./block-writer.ts";
import { built } from "./emit-container.ts";
import { emitData } from "./emit-data.ts";
import { numberEmitters } from "./emit-number.ts";
import { type Instruction, isReturn } from "./instructions.ts";
import { ANY } from "./kinds.ts";
import type { Block } from "./region.ts";

/** What the writer of a function knows beyond one block. */
export interface Surroundings {
  readonly program: LoweredProgram;
  /** For a function called directly by compiled code: RET gives the value. Else the interpreter returns. */
  readonly isDirect: boolean;
  /** The function to call for a frame, if it has a direct one; its part as text. */
  direct(callee: LoweredFrame): string | null;
  /** Slots of the frame at work. */
  readonly frame: LoweredFrame;
}

/** How the code of a block ends. */
export type BlockEnd =
  | { readonly kind: "jump" }
  | { readonly kind: "branch"; readonly value: Known; readonly onTrue: boolean }
  | { readonly kind: "left" };

function emitPlain(writer: BlockWriter, { name, a, b }: Instruction): boolean {
  switch (name) {
    case "PUSH_REG":
      writer.pushKnown({ ...writer.register(a) });
      return true;
    case "PUSH_INPUT":
      writer.pushKnown(writer.input(b));
      return true;
    case "STORE":
      writer.store(a, writer.pop());
      return true;
    case "POP":
      writer.pop();
      return true;
    case "DUP":
    case "OVER": {
      const value = writer.stack.at(name === "DUP" ? -1 : -2);
      if (value !== undefined) writer.pushKnown(value);
      return true;
    }
    case "SWAP": {
      const top = writer.pop();
      const below = writer.pop();
      writer.pushKnown(top);
      writer.pushKnown(below);
      return true;
    }
    default:
      return name === "NOP";
  }
}

/** Calls a compiled function. Its frame is charged; if it leaves, so does this one. */
function emitCall(writer: BlockWriter, { source }: Instruction, around: Surroundings): boolean {
  const callee = source?.callee ?? null;
  const target = callee === null ? null : around.direct(callee);
  if (source === null || callee === null || target === null) return false;
  const values = new Map<number, string>();
  for (const { slot, value } of source.bindings) {
    const known = writer.operand(value);
    if (known === null) return false;
    values.set(slot, known.text);
  }
  const floor = around.frame.registers + writer.stack.length;
  const given = Array.from({ length: callee.registers }, (_, slot) => values.get(slot) ?? "null");
  writer.line(`if (depth >= run.limits.callDepth || !R.charge(run, ${callee.bytes})) ${writer.exit()}`);
  writer.line("R.shared.fuel = fuel;");
  const result = writer.compute(
    `${target}.call(run, task, fp + ${floor}, depth + 1${given.map((g) => `, ${g}`).join("")})`,
    ANY,
  );
  writer.line(`if (${result.text} === undefined) ${writer.leaveBehind()}`);
  writer.line("fuel = R.shared.fuel;");
  writer.line(`run.memory -= ${callee.bytes};`);
  writer.pushKnown(result);
  return true;
}

/** RET and ENDFUNC of a direct function. */
function emitReturn(writer: BlockWriter, { name, source }: Instruction, program: LoweredProgram): boolean {
  const operand =
    name === "RET" ? (source?.operand("value") ?? null) : { kind: "literal" as const, value: null };
  const top = name === "RET" && operand === null ? (writer.stack.at(-1) ?? writer.literal(null)) : null;
  const made = operand === null ? null : built(writer, operand, program);
  if (made !== null && made.bytes > 0) writer.line(`if (!R.charge(run, ${made.bytes})) ${writer.exit()}`);
  const value = operand === null ? top : made?.known;
  if (value === null || value === undefined) return false;
  writer.line("R.shared.fuel = fuel;");
  writer.line(`return ${value.text};`);
  return true;
}

function emitInstruction(writer: BlockWriter, instruction: Instruction, around: Surroundings): boolean {
  if (emitPlain(writer, instruction)) return true;
  const { name } = instruction;
  if (name === "PUSH_CONST") {
    writer.pushKnown(writer.literal(around.program.constants[instruction.a] ?? null));
    return true;
  }
  if (name === "CALLF") return emitCall(writer, instruction, around);
  const emit = Object.hasOwn(numberEmitters, name) ? numberEmitters[name] : undefined;
  if (emit === undefined) return emitData(writer, instruction, around.program);
  emit(writer, instruction);
  return true;
}

/** Instructions charged together: up to one after which the fuel has to be looked at again. */
function segmentAt(instructions: readonly Instruction[], from: number, bulk: ReadonlySet<number>): number {
  let steps = 0;
  for (const { name, pc } of instructions.slice(from)) {
    if (name !== "ENDFUNC") steps++;
    if (bulk.has(pc) || name === "CALLF") break;
  }
  return steps;
}

/**
 * @param bulk positions after which a new segment of steps begins.
 * @returns how control goes on; `left` if the code has left the function on every path.
 */
export function emitBlock(
  writer: BlockWriter,
  { instructions, end }: Block,
  around: Surroundings,
  bulk: ReadonlySet<number>,
): BlockEnd {
  let charged = 0;
  for (const [i, instruction] of instructions.entries()) {
    const { name, pc } = instruction;
    if (charged === 0) {
      charged = segmentAt(instructions, i, bulk);
      writer.segment(pc, charged);
    }
    writer.begin(pc);
    writer.refund = charged;
    if (name !== "ENDFUNC") charged--;
    if (name === "JUMP") return { kind: "jump" };
    if (name === "JZ" || name === "JNZ")
      return { kind: "branch", value: writer.pop(), onTrue: name === "JNZ" };
    if (isReturn(name)) {
      if (!around.isDirect || !emitReturn(writer, instruction, around.program)) writer.line(writer.exit());
      return { kind: "left" };
    }
    if (!emitInstruction(writer, instruction, around)) {
      writer.line(writer.exit());
      return { kind: "left" };
    }
  }
  writer.begin(end);
  writer.refund = 0;
  return { kind: "jump" };
}
