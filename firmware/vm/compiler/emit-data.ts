/** Objects, arrays and texts in JavaScript (vm.md 4, 7); what is not written here goes through the interpreter's steps. */

import { arrayBytes, OBJECT_BYTES } from "../values/values.ts";
import type { LoweredProgram } from "../verifier/lowered-program.ts";
import type { BlockWriter, Known } from "./block-writer.ts";
import { built, builtAll, guarded } from "./emit-container.ts";
import { emitPure } from "./emit-pure.ts";
import type { Instruction } from "./instructions.ts";
import { ANY, ARRAY, BYTES, isOnly, NUMBER, OBJECT, TEXT, WORD } from "./kinds.ts";

type EmitData = (writer: BlockWriter, instruction: Instruction, program: LoweredProgram) => boolean;

const fieldsOf = (writer: BlockWriter, { source }: Instruction, fields: string[], program: LoweredProgram) =>
  builtAll(
    writer,
    fields.map((field) => source?.operand(field) ?? null),
    program,
  );

/** Reads stand in the code itself, so that the engine learns at each place what comes there. */
function reading(writer: BlockWriter, oid: Known, key: Known): string {
  const { text } = oid;
  if (isOnly(key.kinds, NUMBER)) {
    const isArray = isOnly(oid.kinds, ARRAY)
      ? ""
      : `!Array.isArray(${text}) ? R.element(${text}, ${key.text}) : `;
    return `${isArray}${text}[${key.text}]`;
  }
  const site = writer.tables.site();
  if (!isOnly(key.kinds, TEXT)) return `R.get(${text}, ${key.text}, ${site})`;
  const isObject = isOnly(oid.kinds, OBJECT) ? "" : `${text} instanceof R.VmObject && `;
  return `${isObject}${text}.shape === ${site}.shape ? ${text}.slots[${site}.slot] : R.member(${text}, ${key.text}, ${site})`;
}

const getKey: EmitData = (writer, instruction, program) => {
  const made = fieldsOf(writer, instruction, ["oid", "key"], program);
  const [oid, key] = made?.values ?? [];
  if (made?.bytes !== 0 || oid === undefined || key === undefined) return false;
  const result = writer.compute(reading(writer, oid, key), isOnly(oid.kinds, BYTES) ? WORD : ANY);
  writer.needDefined(result);
  writer.pushKnown(result);
  return true;
};

const setKey: EmitData = (writer, instruction, program) => {
  const made = fieldsOf(writer, instruction, ["oid", "key", "value"], program);
  const [oid, key, value] = made?.values ?? [];
  if (!made || oid === undefined || key === undefined || value === undefined) return false;
  const site = writer.tables.site();
  const call = isOnly(key.kinds, NUMBER)
    ? `R.setElement(${oid.text}, ${key.text}, ${value.text})`
    : `R.${isOnly(key.kinds, TEXT) ? "setMember" : "set"}(run, ${oid.text}, ${key.text}, ${value.text}, ${site})`;
  guarded(writer, made.bytes, `!${call}`);
  return true;
};

const append: EmitData = (writer, instruction, program) => {
  const made = fieldsOf(writer, instruction, ["oid", "value"], program);
  const [oid, value] = made?.values ?? [];
  if (!made || oid === undefined || value === undefined) return false;
  guarded(writer, made.bytes, `!R.append(run, ${oid.text}, ${value.text})`);
  return true;
};

const length: EmitData = (writer, instruction, program) => {
  const made = fieldsOf(writer, instruction, ["oid"], program);
  const [oid] = made?.values ?? [];
  if (made?.bytes !== 0 || oid === undefined) return false;
  const result = writer.compute(`R.length(run, fuel, ${oid.text})`, WORD);
  writer.needDefined(result);
  writer.takeBulk();
  writer.pushKnown(result);
  return true;
};

const concatenate: EmitData = (writer) => {
  const b = writer.pop();
  const a = writer.pop();
  const result = writer.compute(`R.concat(run, fuel, ${a.text}, ${b.text})`, TEXT | BYTES);
  writer.needDefined(result);
  writer.takeBulk();
  writer.pushKnown(result);
  return true;
};

const clamp: EmitData = (writer, instruction, program) => {
  const made = fieldsOf(writer, instruction, ["min", "max"], program);
  const [least, most] = made?.values ?? [];
  if (made?.bytes !== 0 || least === undefined || most === undefined) return false;
  const value = writer.pop();
  for (const known of [least, most, value]) writer.needNumber(known);
  const isFixed = typeof least.literal === "number" && typeof most.literal === "number";
  if (!isFixed || Number(least.literal) > Number(most.literal)) {
    writer.line(`if (${least.text} > ${most.text}) ${writer.exit()}`);
  }
  writer.pushKnown(writer.compute(`Math.min(Math.max(${value.text}, ${least.text}), ${most.text})`, NUMBER));
  return true;
};

const newContainer =
  (bytes: number, write: (writer: BlockWriter, program: LoweredProgram) => string, kinds: number): EmitData =>
  (writer, _instruction, program) => {
    writer.line(`if (!R.charge(run, ${bytes})) ${writer.exit()}`);
    writer.pushKnown(writer.compute(write(writer, program), kinds));
    return true;
  };

const push: EmitData = (writer, { source }, program) => {
  const operand = source?.operand("value") ?? source?.operand("ref") ?? null;
  const made = operand === null ? null : built(writer, operand, program);
  if (made === null || made.bytes === 0) return false;
  writer.line(`if (!R.charge(run, ${made.bytes})) ${writer.exit()}`);
  writer.pushKnown(writer.compute(made.known.text, made.known.kinds));
  return true;
};

const type: EmitData = (writer) => {
  const value = writer.pop();
  writer.pushKnown(writer.compute(`R.typeName(${value.text})`, TEXT));
  return true;
};

const EMITTERS: Readonly<Record<string, EmitData>> = {
  PUSH: push,
  GETK: getKey,
  SETK: setKey,
  APPEND: append,
  LEN: length,
  CONCAT: concatenate,
  CLAMP: clamp,
  TYPE: type,
  NEW_OBJ: newContainer(
    OBJECT_BYTES,
    (writer, { shapes }) => `new R.VmObject(${writer.tables.part(shapes.empty)}, [])`,
    OBJECT,
  ),
  NEW_ARR: newContainer(arrayBytes(0), () => "[]", ARRAY),
};

/** False: the instruction is left to the interpreter. */
export function emitData(writer: BlockWriter, instruction: Instruction, program: LoweredProgram): boolean {
  const emit = Object.hasOwn(EMITTERS, instruction.name) ? EMITTERS[instruction.name] : undefined;
  if (emit?.(writer, instruction, program) === true) return true;
  return emitPure(writer, instruction);
}
