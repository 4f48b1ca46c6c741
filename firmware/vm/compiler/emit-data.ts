/** Objects, arrays and texts in JavaScript (vm.md 4, 7); what is not written here goes through the interpreter's steps. */
import type { LoweredOperand, LoweredProgram } from "../lowered-program.ts";
import { arrayBytes, MAX_KEY_BYTES, MAX_MEMBERS, memberBytes, OBJECT_BYTES, utf8Length } from "../values.ts";
import type { BlockWriter, Known } from "./block-writer.ts";
import { emitPure } from "./emit-pure.ts";
import type { Instruction } from "./instructions.ts";
import { ANY, ARRAY, BYTES, isOnly, NUMBER, OBJECT, TEXT, WORD } from "./kinds.ts";

type EmitData = (writer: BlockWriter, instruction: Instruction, program: LoweredProgram) => boolean;

/** Operands of an instruction that build nothing; null if one does. */
function operandsOf(writer: BlockWriter, { source }: Instruction, fields: readonly string[]): Known[] | null {
  const operands = fields.map((field) => source?.operand(field) ?? null);
  if (
    operands.some(
      (operand) => operand?.kind === "copy" || operand?.kind === "array" || operand?.kind === "object",
    )
  ) {
    return null;
  }
  // An input that is a container would be copied and charged.
  const isInput = (operand: LoweredOperand | null): boolean => operand?.kind === "input";
  if (operands.some(isInput)) return null;
  return operands.map(
    (operand) => writer.operand(operand ?? { kind: "literal", value: null }) ?? writer.literal(null),
  );
}

const getKey: EmitData = (writer, instruction) => {
  const [oid, key] = operandsOf(writer, instruction, ["oid", "key"]) ?? [];
  if (oid === undefined || key === undefined) return false;
  const site = writer.tables.site();
  const call = isOnly(key.kinds, NUMBER)
    ? `R.element(${oid.text}, ${key.text})`
    : `R.${isOnly(key.kinds, TEXT) ? "member" : "get"}(${oid.text}, ${key.text}, ${site})`;
  const result = writer.compute(call, isOnly(oid.kinds, BYTES) ? WORD : ANY);
  writer.needDefined(result);
  writer.pushKnown(result);
  return true;
};

const setKey: EmitData = (writer, instruction) => {
  const [oid, key, value] = operandsOf(writer, instruction, ["oid", "key", "value"]) ?? [];
  if (oid === undefined || key === undefined || value === undefined) return false;
  const site = writer.tables.site();
  const call = isOnly(key.kinds, NUMBER)
    ? `R.setElement(${oid.text}, ${key.text}, ${value.text})`
    : `R.${isOnly(key.kinds, TEXT) ? "setMember" : "set"}(run, ${oid.text}, ${key.text}, ${value.text}, ${site})`;
  writer.line(`if (!${call}) ${writer.exit()}`);
  return true;
};

const append: EmitData = (writer, instruction) => {
  const [oid, value] = operandsOf(writer, instruction, ["oid", "value"]) ?? [];
  if (oid === undefined || value === undefined) return false;
  writer.line(`if (!R.append(run, ${oid.text}, ${value.text})) ${writer.exit()}`);
  return true;
};

const length: EmitData = (writer, instruction) => {
  const [oid] = operandsOf(writer, instruction, ["oid"]) ?? [];
  if (oid === undefined) return false;
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

const clamp: EmitData = (writer, instruction) => {
  const [least, most] = operandsOf(writer, instruction, ["min", "max"]) ?? [];
  if (least === undefined || most === undefined) return false;
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

/** Bytes of a container in the model, if all its members are at hand and no bulk step is due. */
function plainBytes(operand: LoweredOperand): number | null {
  if (operand.kind !== "array" && operand.kind !== "object") return null;
  if (
    operand.items.length > MAX_MEMBERS ||
    operand.items.some(({ kind }) => kind !== "slot" && kind !== "literal")
  ) {
    return null;
  }
  if (operand.kind === "array") return arrayBytes(operand.items.length);
  if (operand.keys.some((key) => utf8Length(key) > MAX_KEY_BYTES)) return null;
  return operand.keys.reduce((sum, key) => sum + memberBytes(key), OBJECT_BYTES);
}

const push: EmitData = (writer, { source }, program) => {
  const operand = source?.operand("value") ?? source?.operand("ref") ?? null;
  const bytes = operand === null ? null : plainBytes(operand);
  if (operand === null || bytes === null || bytes >= 256) return false;
  if (operand.kind !== "array" && operand.kind !== "object") return false;
  const shape = operand.kind === "object" ? program.shapes.of(operand.keys) : null;
  if (operand.kind === "object" && shape === null) return false;
  const items = operand.items.map((item) => writer.operand(item)?.text ?? "null").join(", ");
  writer.line(`if (!R.charge(run, ${bytes})) ${writer.exit()}`);
  const made = shape === null ? `[${items}]` : `new R.VmObject(${writer.tables.part(shape)}, [${items}])`;
  writer.pushKnown(writer.compute(made, shape === null ? ARRAY : OBJECT));
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
