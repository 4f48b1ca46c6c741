/** Values of generated programs: registers and references as objects, so that text is always text. */
import { toHex } from "../../core/bytes.ts";
import type { Json } from "../../core/json.ts";
import { PROGRAM_LIMITS } from "../../core/limits.ts";
import { isReference, isRegister } from "../text/references.ts";
import { BuilderError } from "./errors.ts";

/** Main code, a function or a body: what has registers and labels of its own. */
export interface FrameOwner {
  readonly fn: string | null;
}

/** A register of one frame; usable as an operand there. */
export class Register {
  readonly name: string;
  readonly owner: FrameOwner;

  /** @throws BuilderError `bad_value` unless it is a name of letters, digits and `_`. */
  constructor(name: string, owner: FrameOwner) {
    if (!isRegister(name)) {
      const remedy = "letters, digits and _, at most 32, no digit first.";
      throw new BuilderError("bad_value", `${JSON.stringify(name)} is no name of a register.`, remedy);
    }
    this.name = name;
    this.owner = owner;
  }
}

/** Payload, trigger, a constant, or a literal that stands as it is. */
export class Reference {
  readonly json: Json;

  constructor(json: Json) {
    this.json = json;
  }
}

/** What an operand field takes (vm.md 3.1). A string is text, whatever it looks like. */
export type Operand =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | Register
  | Reference
  | readonly Operand[]
  | { readonly [key: string]: Operand };

/** Objects with one of these members alone mean something else to the machine (vm.md 3.1). */
const SPECIAL = new Set(["lit", "payload", "bytes"]);

/** The JSON of an operand. @throws BuilderError `wrong_frame`, `bad_value`, `special_object`. */
export function operandJson(value: Operand, owner: FrameOwner, depth = 1): Json {
  if (depth > PROGRAM_LIMITS.operandDepth) {
    throw new BuilderError("bad_value", "An operand nests too deep.", "16 levels are the most.");
  }
  if (value instanceof Register) return `reg:${registerIn(value, owner)}`;
  if (value instanceof Reference) return value.json;
  if (value instanceof Uint8Array) return { bytes: toHex(value) };
  if (typeof value === "string") return isReference(value) ? { lit: value } : value;
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new BuilderError("bad_value", `${value} is no number of a program.`, "give a finite number.");
  }
  if (value === null || typeof value !== "object") return value;
  if (isOperandList(value)) return value.map((item) => operandJson(item, owner, depth + 1));
  const members = Object.entries(value);
  const [only] = members;
  if (only !== undefined && members.length === 1 && SPECIAL.has(only[0])) {
    const remedy = "wrap it with lit() if it has no references, or add a member.";
    throw new BuilderError(
      "special_object",
      `An object with the member ${only[0]} alone means something else to the machine.`,
      remedy,
    );
  }
  return Object.fromEntries(members.map(([key, item]) => [key, operandJson(item, owner, depth + 1)]));
}

const isOperandList = (value: Operand): value is readonly Operand[] => Array.isArray(value);

/** The name of a register in its frame. @throws BuilderError `wrong_frame`. */
export function registerIn(register: Register, owner: FrameOwner): string {
  if (register.owner === owner) return register.name;
  throw new BuilderError(
    "wrong_frame",
    `The register ${register.name} belongs to another function or body.`,
    "hand its value over as an argument.",
  );
}

/** Plain JSON, copied: later changes of what was handed in do not reach the program. */
export function plain(value: unknown): Json {
  const text = JSON.stringify(value);
  if (text === undefined) {
    throw new BuilderError("bad_value", "A field holds no JSON.", "give text, number, list or object.");
  }
  return JSON.parse(text) as Json;
}
