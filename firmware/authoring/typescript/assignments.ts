/** Assignments, compound assignments, ++ and --. */
import type ts from "typescript";
import type { Json } from "../../core/json.ts";
import type { Compilation } from "./compilation.ts";
import type { Frame } from "./frame.ts";
import { operandsOf, registerOf } from "./operands.ts";
import { instructionOf } from "./operators.ts";

/** What is assigned to: a register, or a member of something. */
type Target =
  | { readonly kind: "register"; readonly name: string }
  | { readonly kind: "member"; readonly oid: Json; readonly key: Json };

function checkIndex(c: Compilation, node: ts.ElementAccessExpression): void {
  const type = c.typeOf(node.expression);
  if (c.isArray(type) ? c.isNumber(node.argumentExpression) : c.isText(node.argumentExpression)) return;
  c.report(
    node,
    "bad_index",
    "This cannot be assigned to.",
    "Index arrays with numbers, objects with texts.",
  );
}

/** @param later what is evaluated between the target and the assignment. */
function targetOf(frame: Frame, expression: ts.Expression, later: readonly ts.Expression[]): Target {
  const { c } = frame;
  const node = c.bare(expression);
  if (c.ts.isPropertyAccessExpression(node)) {
    const [oid] = operandsOf(frame, [node.expression], later);
    return { kind: "member", oid: oid ?? null, key: node.name.text };
  }
  if (c.ts.isElementAccessExpression(node)) {
    checkIndex(c, node);
    const [oid, key] = operandsOf(frame, [node.expression, node.argumentExpression], later);
    return { kind: "member", oid: oid ?? null, key: key ?? null };
  }
  const symbol = c.ts.isIdentifier(node) ? c.symbolOf(node) : null;
  const isFixed = symbol !== null && c.isCaught(symbol);
  const name = isFixed ? null : registerOf(frame, node);
  if (name === null)
    c.report(node, "bad_target", "This cannot be assigned to.", "Assign to a variable or a member.");
  return { kind: "register", name: name ?? "_" };
}

/** The value on the stack goes into the target, and stays on the stack if it is wanted. */
function store(frame: Frame, node: ts.Expression, target: Target, wanted: boolean): void {
  if (target.kind === "register") {
    if (wanted) frame.emit(node, "DUP");
    frame.emit(node, "STORE", { reg: target.name });
    return;
  }
  const value = frame.keep(node);
  frame.emit(node, "SETK", { oid: target.oid, key: target.key, value: `reg:${value}` });
  if (wanted) frame.emit(node, "LOAD", { reg: value });
}

function load(frame: Frame, node: ts.Expression, target: Target): void {
  if (target.kind === "register") frame.emit(node, "LOAD", { reg: target.name });
  else frame.emit(node, "GETK", { oid: target.oid, key: target.key });
}

function assign(frame: Frame, node: ts.BinaryExpression, wanted: boolean): void {
  const target = targetOf(frame, node.left, [node.right]);
  if (target.kind === "member" && !wanted) {
    const [value] = operandsOf(frame, [node.right]);
    frame.emit(node, "SETK", { oid: target.oid, key: target.key, value: value ?? null });
    return;
  }
  frame.lower.push(frame, node.right);
  store(frame, node, target, wanted);
}

function compound(frame: Frame, node: ts.BinaryExpression, operator: string, wanted: boolean): void {
  const op = instructionOf(frame, operator, node.left, node.right);
  const target = targetOf(frame, node.left, [node.right]);
  load(frame, node.left, target);
  frame.lower.push(frame, node.right);
  frame.emit(node, op ?? "POP");
  store(frame, node, target, wanted);
}

/** Compiles an assignment; false if the node is none. */
export function pushAssignment(frame: Frame, node: ts.Expression, wanted: boolean): boolean {
  const { ts, source } = frame.c;
  if (!ts.isBinaryExpression(node)) return false;
  const { kind } = node.operatorToken;
  if (kind < ts.SyntaxKind.FirstAssignment || kind > ts.SyntaxKind.LastAssignment) return false;
  if (kind === ts.SyntaxKind.EqualsToken) assign(frame, node, wanted);
  else compound(frame, node, node.operatorToken.getText(source).slice(0, -1), wanted);
  return true;
}

function stepOf(
  c: Compilation,
  node: ts.Expression,
): { readonly operand: ts.Expression; readonly op: string } | null {
  const { ts } = c;
  if (!ts.isPrefixUnaryExpression(node) && !ts.isPostfixUnaryExpression(node)) return null;
  const { PlusPlusToken, MinusMinusToken } = ts.SyntaxKind;
  if (node.operator !== PlusPlusToken && node.operator !== MinusMinusToken) return null;
  return { operand: node.operand, op: node.operator === PlusPlusToken ? "ADD" : "SUB" };
}

/** Compiles ++ and --; false if the node is neither. */
export function pushStep(frame: Frame, node: ts.Expression, wanted: boolean): boolean {
  const { c } = frame;
  const step = stepOf(c, node);
  if (step === null) return false;
  if (!c.isNumber(step.operand))
    c.report(step.operand, "number_required", "++ and -- take a number.", "Narrow the value first.");
  const target = targetOf(frame, step.operand, []);
  load(frame, node, target);
  const keepsOld = wanted && c.ts.isPostfixUnaryExpression(node);
  if (keepsOld) frame.emit(node, "DUP");
  frame.emit(node, "PUSH", { value: 1 });
  frame.emit(node, step.op);
  store(frame, node, target, wanted && !keepsOld);
  return true;
}
