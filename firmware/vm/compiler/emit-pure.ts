/**
 * Runs a step of the interpreter from compiled code. The step is made once more with its registers numbered from zero,
 * so that it finds them in the helper's own memory in place of a task.
 */

import { makeStep } from "../steps/steps.ts";
import type { LoweredOperand } from "../verifier/lowered-program.ts";
import type { BlockWriter, Known } from "./block-writer.ts";
import type { Instruction } from "./instructions.ts";
import { ANY, ARRAY, BOOLEAN, BYTES, type Kinds, NULL, NUMBER, OBJECT, TEXT } from "./kinds.ts";
import type { PureStep } from "./runtime.ts";

/** What the helper carries: registers read and stack values taken together. */
const MAX_VALUES = 4;

interface PureKind {
  readonly fields: readonly string[];
  readonly pushes: 0 | 1;
  readonly result: Kinds;
}

const one = (result: Kinds, ...fields: string[]): PureKind => ({ fields, pushes: 1, result });

/** Steps that work on values alone, with the fields that hold operands. */
const PURE: Readonly<Record<string, PureKind>> = {
  PUSH: one(ANY, "value", "ref"),
  CLAMP: one(NUMBER, "min", "max"),
  INTERP: one(NUMBER),
  SLICE: one(TEXT | BYTES | ARRAY, "start", "end"),
  SPLIT: one(ARRAY),
  FIND: one(NUMBER),
  TO_STR: one(TEXT),
  TO_NUM: one(NUMBER),
  ENCODE: one(BYTES),
  DECODE: one(TEXT),
  PACK: one(BYTES),
  UNPACK: one(ARRAY),
  CRC: one(NUMBER),
  HASH: one(TEXT),
  KEYS: one(ARRAY, "oid"),
  HASK: one(BOOLEAN, "oid", "key"),
  GETK: one(ANY, "oid", "key"),
  LEN: one(NUMBER, "oid"),
  SETK: { fields: ["oid", "key", "value"], pushes: 0, result: NULL },
  DELK: { fields: ["oid", "key"], pushes: 0, result: NULL },
  APPEND: { fields: ["oid", "value"], pushes: 0, result: NULL },
};

/** Numbers the registers of operands in the order they appear. */
class Renumbering {
  readonly slots: number[] = [];

  of(operand: LoweredOperand): LoweredOperand {
    switch (operand.kind) {
      case "slot": {
        const known = this.slots.indexOf(operand.slot);
        return { kind: "slot", slot: known >= 0 ? known : this.slots.push(operand.slot) - 1 };
      }
      case "array":
        return { ...operand, items: operand.items.map((item) => this.of(item)) };
      case "object":
        return { ...operand, items: operand.items.map((item) => this.of(item)) };
      default:
        return operand;
    }
  }
}

const kindsOfOperand = (operand: LoweredOperand | null): Kinds =>
  operand?.kind === "array" ? ARRAY : operand?.kind === "object" ? OBJECT : ANY;

/** Writes the call of the step. False if it takes more values than the helper carries, or is none of these steps. */
export function emitPure(writer: BlockWriter, { name, pops, source }: Instruction): boolean {
  const kind = Object.hasOwn(PURE, name) ? PURE[name] : undefined;
  if (kind === undefined || source === null) return false;
  const renumbering = new Renumbering();
  const operands = new Map<string, LoweredOperand>();
  for (const field of kind.fields) {
    const operand = source.operand(field);
    if (operand !== null) operands.set(field, renumbering.of(operand));
  }
  const { slots } = renumbering;
  if (slots.length + pops > MAX_VALUES) return false;
  const step = makeStep({ ...source, operand: (field) => operands.get(field) ?? null });
  const plan: PureStep = { step, registers: slots.length, pushes: kind.pushes };
  const values: Known[] = slots.map((slot) => writer.register(slot));
  const taken: Known[] = [];
  for (let i = 0; i < pops; i++) taken.unshift(writer.pop());
  const texts = [...values, ...taken].map(({ text }) => text);
  while (texts.length < MAX_VALUES) texts.push("null");
  const count = slots.length + pops;
  const part = writer.tables.part(plan);
  const pushed =
    name === "PUSH" ? kindsOfOperand(source.operand("value") ?? source.operand("ref")) : kind.result;
  const result = writer.compute(`R.pure(run, fuel, ${part}, ${count}, ${texts.join(", ")})`, pushed);
  writer.needDefined(result);
  writer.takeBulk();
  if (kind.pushes === 1) writer.pushKnown(result);
  return true;
}
