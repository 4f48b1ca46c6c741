/** Operands (vm.md 3.1): what an instruction can read by itself, without a value on the stack. */
import type ts from "typescript";
import type { Json, JsonObject } from "../../core/json.ts";
import { PROGRAM_LIMITS } from "../../core/limits.ts";
import { assignedIn } from "./assigned.ts";
import type { Compilation } from "./compilation.ts";
import { constantOf } from "./constants.ts";
import type { Frame } from "./frame.ts";

/** Levels of literals written into one operand; deeper parts go through registers. */
const WRITTEN_LEVELS = PROGRAM_LIMITS.operandDepth - 4;
/** An object with only this member would be read as something else. */
const SPECIAL = new Set(["lit", "payload", "bytes"]);

/** Text that would be read as a reference is marked as literal. */
const isReference = (text: string): boolean => /^(?:reg:|const:|\$\.)/.test(text);

/** A constant as an operand. */
export function literalOperand(value: Json): Json {
  if (typeof value === "string") return isReference(value) ? { lit: value } : value;
  if (value !== null && typeof value === "object") {
    const { $bytes } = value as JsonObject;
    return typeof $bytes === "string" ? { bytes: $bytes } : { lit: value };
  }
  return value;
}

/** Members of a path from main's input, outermost first; null for other expressions. */
function payloadPath(frame: Frame, node: ts.Expression): readonly string[] | null {
  const { c } = frame;
  const { ts } = c;
  const path: string[] = [];
  let at = c.bare(node);
  for (;;) {
    if (ts.isPropertyAccessExpression(at)) path.unshift(at.name.text);
    else if (ts.isElementAccessExpression(at)) {
      const key = constantOf(c, at.argumentExpression);
      if (typeof key !== "string") return null;
      path.unshift(key);
    } else break;
    at = c.bare(at.expression);
  }
  const symbol = ts.isIdentifier(at) ? c.symbolOf(at) : null;
  if (symbol === null || path.length === 0 || !(symbol.flags & ts.SymbolFlags.Variable)) return null;
  if (c.libraryName(at) !== null) return null;
  return frame.placeOf(symbol).kind === "payload" ? path : null;
}

const escaped = (key: string): string => key.replaceAll("~", "~0").replaceAll("/", "~1");

function inputOperand(frame: Frame, node: ts.Expression): Json | null {
  const { c } = frame;
  if (c.ts.isPropertyAccessExpression(node) && c.libraryName(node.expression) === "trigger")
    return `$.trigger.${node.name.text}`;
  if (!c.ts.isPropertyAccessExpression(node) && !c.ts.isElementAccessExpression(node)) return null;
  if (!isScalarType(c, c.typeOf(node))) return null;
  const path = payloadPath(frame, node);
  if (path === null) return null;
  return path.length === 1
    ? `$.payload.${path[0]}`
    : { payload: path.map((key) => `/${escaped(key)}`).join("") };
}

/** Values without identity: reading them twice gives the same. */
export function isScalarType(c: Compilation, type: ts.Type): boolean {
  const { NumberLike, StringLike, BooleanLike, Null } = c.ts.TypeFlags;
  const parts = type.isUnion() ? type.types : [type];
  return parts.every(
    (part) => (part.flags & (NumberLike | StringLike | BooleanLike | Null)) !== 0 || c.isBytes(part),
  );
}

/** `faultOf(caught)` is the caught value itself. */
function caughtRegister(frame: Frame, call: ts.CallExpression): string | null {
  const { c } = frame;
  const [caught] = call.arguments;
  if (c.libraryName(call.expression) !== "faultOf" || !caught) return null;
  const bare = c.bare(caught);
  const symbol = c.ts.isIdentifier(bare) ? c.symbolOf(bare) : null;
  if (symbol === null || !c.isCaught(symbol)) return null;
  return registerOf(frame, bare);
}

/** The register of a variable, null for everything else. */
export function registerOf(frame: Frame, node: ts.Expression): string | null {
  const { c } = frame;
  const bare = c.bare(node);
  if (c.ts.isCallExpression(bare)) return caughtRegister(frame, bare);
  if (!c.ts.isIdentifier(bare) || c.libraryName(bare) !== null) return null;
  const symbol = c.symbolOf(bare);
  if (symbol === null || !(symbol.flags & c.ts.SymbolFlags.Variable)) return null;
  const place = frame.placeOf(symbol);
  return place.kind === "register" ? place.name : null;
}

/** An operand that needs no code before it; undefined if there is none. Registers are read when the instruction runs. */
export function plainOperand(frame: Frame, node: ts.Expression): Json | undefined {
  const constant = constantOf(frame.c, node);
  if (constant !== undefined) return literalOperand(constant);
  const register = registerOf(frame, node);
  if (register !== null) return `reg:${register}`;
  return inputOperand(frame, frame.c.bare(node)) ?? undefined;
}

type Member = readonly [key: string, value: ts.Expression];

/** Members of an object literal; undefined if it has others than plain ones. */
export function membersOf(c: Compilation, node: ts.ObjectLiteralExpression): readonly Member[] | undefined {
  const members: Member[] = [];
  for (const property of node.properties) {
    const { name } = property;
    if (!name || !("text" in name)) return undefined;
    if (c.ts.isPropertyAssignment(property)) members.push([name.text, property.initializer]);
    else if (c.ts.isShorthandPropertyAssignment(property)) members.push([name.text, property.name]);
    else return undefined;
  }
  return members;
}

/** Makes operands of one instruction, from left to right. */
class OperandMaker {
  readonly #frame: Frame;

  constructor(frame: Frame) {
    this.#frame = frame;
  }

  /** @param later what is evaluated after this and before the instruction runs. */
  make(node: ts.Expression, later: readonly ts.Expression[], level = 1): Json {
    const frame = this.#frame;
    const { ts } = frame.c;
    const bare = frame.c.bare(node);
    const plain = plainOperand(frame, bare);
    if (plain !== undefined) return this.#isChanged(bare, later) ? this.#kept(node) : plain;
    if (level < WRITTEN_LEVELS && ts.isArrayLiteralExpression(bare))
      return bare.elements.map((item, i) =>
        this.make(item, [...bare.elements.slice(i + 1), ...later], level + 1),
      );
    if (level < WRITTEN_LEVELS && ts.isObjectLiteralExpression(bare)) {
      const members = membersOf(frame.c, bare);
      if (members !== undefined) return this.#object(bare, members, later, level);
    }
    return this.#kept(node);
  }

  #object(
    node: ts.ObjectLiteralExpression,
    members: readonly Member[],
    later: readonly ts.Expression[],
    level: number,
  ): Json {
    const [first] = members;
    if (members.length === 1 && first && SPECIAL.has(first[0])) return this.#special(node, first);
    const values = members.map(([, value]) => value);
    const made = members.map(([key, value], i): [string, Json] => [
      key,
      this.make(value, [...values.slice(i + 1), ...later], level + 1),
    ]);
    return Object.fromEntries(made);
  }

  /** `{payload: x}` as an operand would mean a pointer, so this object is made step by step. */
  #special(node: ts.ObjectLiteralExpression, [key, value]: Member): Json {
    const constant = constantOf(this.#frame.c, value);
    if (constant !== undefined) return { lit: { [key]: constant } };
    const operand = this.make(value, []);
    this.#frame.emit(node, "NEW_OBJ");
    const name = this.#frame.keep(node);
    this.#frame.emit(node, "SETK", { oid: `reg:${name}`, key, value: operand });
    return `reg:${name}`;
  }

  #kept(node: ts.Expression): Json {
    this.#frame.lower.push(this.#frame, node);
    return `reg:${this.#frame.keep(node)}`;
  }

  #isChanged(node: ts.Expression, later: readonly ts.Expression[]): boolean {
    const { c } = this.#frame;
    const symbol = c.ts.isIdentifier(node) ? c.symbolOf(node) : null;
    return symbol !== null && later.some((other) => assignedIn(c, other).has(symbol));
  }
}

/**
 * Operands of one instruction. What needs code is computed into temporaries, in the order of the nodes.
 * @param later what is evaluated after them and before the instruction runs.
 */
export function operandsOf(
  frame: Frame,
  nodes: readonly ts.Expression[],
  later: readonly ts.Expression[] = [],
): readonly Json[] {
  const maker = new OperandMaker(frame);
  return nodes.map((node, i) => maker.make(node, [...nodes.slice(i + 1), ...later]));
}
