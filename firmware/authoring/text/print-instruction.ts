/** Writes one instruction on one line, so that `instructions.ts` reads the same one. */
import { CodedError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { fieldKind, type InstructionSpec, instructionSpec, positionalFields } from "../../vm/index.ts";
import { printField, printName } from "./print-fields.ts";
import { printJson } from "./print-values.ts";

export class PrintError extends CodedError<"not_printable"> {}

/** A document with a shape that has no text: the verifier refuses it as well. */
export function notPrintable(what: string): never {
  throw new PrintError("not_printable", `The document has no text form: ${what}.`, {
    status: 422,
    details: { remedy: "imuctl program check says what is wrong with it." },
  });
}

/** The fields that stand without their names: those at the front, as far as they are there. */
function unnamed(spec: InstructionSpec, instr: JsonObject): readonly string[] {
  const names = positionalFields(spec);
  const end = names.findIndex((name) => !Object.hasOwn(instr, name));
  return end < 0 ? names : names.slice(0, end);
}

function fieldText(op: string, spec: InstructionSpec, name: string, instr: JsonObject): string {
  const value = instr[name] ?? null;
  if (name === "note") return printJson(value);
  const isCapability = (op === "CALL" && name === "fn") || (op === "CAP" && name === "name");
  if (isCapability && typeof value === "string") return printName(value);
  const kind = fieldKind(spec, name);
  if (kind === null || kind === "body") return notPrintable(`${op} has no field ${name}`);
  return printField(kind, value);
}

/** Without the body of a SPAWN. @throws PrintError `not_printable`. */
export function printInstruction(instr: JsonObject): string {
  const { op } = instr;
  const spec = typeof op === "string" ? instructionSpec(op) : undefined;
  if (typeof op !== "string" || spec === undefined) return notPrintable("an instruction is unknown");
  const names = Object.keys(instr).filter((name) => name !== "op");
  if (op === "LABEL" && names.length === 1 && typeof instr.name === "string") {
    return `${printName(instr.name)}:`;
  }
  const stranger = names.find((name) => name !== "note" && fieldKind(spec, name) === null);
  if (stranger !== undefined) return notPrintable(`${op} has no field ${stranger}`);
  const front = unnamed(spec, instr);
  const isNamed = (name: string): boolean =>
    names.includes(name) && !front.includes(name) && spec.fields[name] !== "body?";
  const named = [...Object.keys(spec.fields), "note"].filter(isNamed);
  return joined(op, [
    ...front.map((name) => fieldText(op, spec, name, instr)),
    ...named.map((name) => `${name}=${fieldText(op, spec, name, instr)}`),
  ]);
}

/** Parameters stand directly behind the name of their function. */
function joined(op: string, parts: readonly string[]): string {
  const [first, second, ...rest] = parts;
  const isCall = (op === "FUNC" || op === "CALLF") && second?.startsWith("(");
  const head = isCall ? [`${first}${second}`] : [first, second];
  return [op, ...head.filter((part) => part !== undefined), ...rest].join(" ");
}
