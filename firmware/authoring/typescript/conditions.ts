/** Conditions: comparisons and logic, as jumps where a jump is wanted and as a boolean where a value is. */
import type ts from "typescript";
import type { Json } from "../../core/json.ts";
import { Label } from "./code.ts";
import type { Compilation } from "./compilation.ts";
import { constantOf } from "./constants.ts";
import type { Frame } from "./frame.ts";
import { operandsOf, plainOperand } from "./operands.ts";

const COMPARISONS: Readonly<Record<string, string>> = {
  "===": "EQ",
  "!==": "NE",
  "<": "LT",
  "<=": "LE",
  ">": "GT",
  ">=": "GE",
};

const operatorOf = (c: Compilation, node: ts.Node): string | null =>
  c.ts.isBinaryExpression(node) ? node.operatorToken.getText(c.source) : null;

const isLogic = (operator: string | null): operator is "&&" | "||" => operator === "&&" || operator === "||";

/** What this file compiles: comparisons, in, &&, ||, ?? and !. */
export function isCondition(c: Compilation, node: ts.Node): boolean {
  const operator = operatorOf(c, node);
  if (operator !== null)
    return (
      isLogic(operator) || operator === "??" || operator === "in" || Object.hasOwn(COMPARISONS, operator)
    );
  return c.ts.isPrefixUnaryExpression(node) && node.operator === c.ts.SyntaxKind.ExclamationToken;
}

function requireBoolean(c: Compilation, node: ts.Expression): void {
  if (c.isBoolean(node)) return;
  const hint = c.isNumber(node)
    ? "Write x !== 0."
    : c.isText(node)
      ? 'Write text !== "".'
      : "Write value !== null, list.length > 0, or compare it.";
  c.report(node, "boolean_required", "A condition is a boolean.", hint);
}

/** `typeof x === "…"` with the three names that mean the same here and in JavaScript. */
function pushTypeTest(frame: Frame, node: ts.BinaryExpression): boolean {
  const { c } = frame;
  const tested = c.bare(node.left);
  if (!c.ts.isTypeOfExpression(tested)) return false;
  const name = constantOf(c, node.right);
  if (name !== "number" && name !== "string" && name !== "boolean")
    c.report(
      node.right,
      "bad_typeof",
      "typeof tells numbers, strings and booleans.",
      "Write isArray, isObject, isBytes or x === null.",
    );
  frame.lower.push(frame, tested.expression);
  frame.emit(tested, "TYPE");
  frame.emit(node.right, "PUSH", { value: name ?? null });
  return true;
}

function checkOrder(c: Compilation, { left, right }: ts.BinaryExpression): void {
  if (c.isNumber(left) && c.isNumber(right)) return;
  if (c.isText(left) && c.isText(right)) return;
  c.report(
    left,
    "mixed_comparison",
    "Only two numbers or two texts have an order.",
    "Narrow the value, or write asNumber(value).",
  );
}

function pushComparison(frame: Frame, node: ts.BinaryExpression, operator: string): void {
  const { c } = frame;
  if (operator === "in") {
    const [key, oid] = operandsOf(frame, [node.left, node.right]);
    if (!c.isText(node.left) || c.isArray(c.typeOf(node.right)))
      c.report(node.left, "bad_index", "in asks an object for a key.", 'Write "key" in object.');
    frame.emit(node, "HASK", { oid: oid ?? null, key: key ?? null });
    return;
  }
  if (!operator.endsWith("==")) checkOrder(c, node);
  if (!(operator.endsWith("==") && pushTypeTest(frame, node))) {
    frame.lower.push(frame, node.left);
    frame.lower.push(frame, node.right);
  }
  frame.emit(node, COMPARISONS[operator] ?? "EQ");
}

function pushLogic(frame: Frame, node: ts.BinaryExpression, operator: "&&" | "||"): void {
  const { c } = frame;
  requireBoolean(c, node.left);
  requireBoolean(c, node.right);
  const right = c.bare(node.right);
  const isFree = plainOperand(frame, right) !== undefined;
  frame.lower.push(frame, node.left);
  if (isFree) {
    frame.lower.push(frame, right);
    frame.emit(node, operator === "&&" ? "AND" : "OR");
    return;
  }
  const [decided, end] = [new Label(), new Label()];
  frame.jump(node, operator === "&&" ? "JZ" : "JNZ", decided);
  frame.lower.push(frame, node.right);
  frame.jump(node, "JUMP", end);
  frame.place(decided);
  frame.emit(node, "PUSH", { value: operator === "||" });
  frame.place(end);
}

function pushDefault(frame: Frame, node: ts.BinaryExpression): void {
  const end = new Label();
  frame.lower.push(frame, node.left);
  frame.emit(node, "DUP");
  frame.emit(node, "PUSH", { value: null });
  frame.emit(node, "EQ");
  frame.jump(node, "JZ", end);
  frame.emit(node, "POP");
  frame.lower.push(frame, node.right);
  frame.place(end);
}

/** A condition as a value. */
export function pushCondition(frame: Frame, node: ts.Expression): void {
  const { c } = frame;
  if (c.ts.isPrefixUnaryExpression(node)) {
    requireBoolean(c, node.operand);
    frame.lower.push(frame, node.operand);
    frame.emit(node, "NOT");
    return;
  }
  if (!c.ts.isBinaryExpression(node)) return;
  const operator = operatorOf(c, node);
  if (isLogic(operator)) pushLogic(frame, node, operator);
  else if (operator === "??") pushDefault(frame, node);
  else pushComparison(frame, node, operator ?? "===");
}

/** The operand that a comparison with 0, "" or a boolean tests, and whether it is true when the operand is false. */
function truthTest(
  c: Compilation,
  node: ts.Expression,
): { readonly of: ts.Expression; readonly inverted: boolean } | null {
  const operator = operatorOf(c, node);
  if (!c.ts.isBinaryExpression(node) || (operator !== "===" && operator !== "!==")) return null;
  const value: Json | undefined = constantOf(c, node.right);
  const fits =
    (value === 0 && c.isNumber(node.left)) ||
    (value === "" && c.isText(node.left)) ||
    (typeof value === "boolean" && c.isBoolean(node.left));
  if (!fits || c.ts.isTypeOfExpression(c.bare(node.left))) return null;
  return { of: node.left, inverted: (operator === "===") !== (value === true) };
}

function branchLogic(frame: Frame, node: ts.BinaryExpression, target: Label, when: boolean): void {
  const isAnd = operatorOf(frame.c, node) === "&&";
  if (isAnd !== when) {
    frame.lower.branch(frame, node.left, target, when);
    frame.lower.branch(frame, node.right, target, when);
    return;
  }
  const past = new Label();
  frame.lower.branch(frame, node.left, past, !when);
  frame.lower.branch(frame, node.right, target, when);
  frame.place(past);
}

/** Jumps to `target` if the condition is `when`; else control goes on. No boolean is made for it. */
export function branchOn(frame: Frame, expression: ts.Expression, target: Label, when: boolean): void {
  const { c } = frame;
  const node = c.bare(expression);
  requireBoolean(c, node);
  const constant = constantOf(c, node);
  if (constant !== undefined) {
    if (constant === when) frame.jump(node, "JUMP", target);
    return;
  }
  if (c.ts.isPrefixUnaryExpression(node) && node.operator === c.ts.SyntaxKind.ExclamationToken) {
    frame.lower.branch(frame, node.operand, target, !when);
    return;
  }
  if (c.ts.isBinaryExpression(node) && isLogic(operatorOf(c, node))) {
    branchLogic(frame, node, target, when);
    return;
  }
  const test = truthTest(c, node);
  frame.lower.push(frame, test?.of ?? node);
  const jumpsOnTrue = test === null ? when : when !== test.inverted;
  frame.jump(node, jumpsOnTrue ? "JNZ" : "JZ", target);
}
