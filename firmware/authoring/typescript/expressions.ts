/** Expressions: one value on the stack, or only their effect. */
import type ts from "typescript";
import { pushAssignment, pushStep } from "./assignments.ts";
import { Label } from "./code.ts";
import { isCondition, pushCondition } from "./conditions.ts";
import { constantOf } from "./constants.ts";
import type { Frame } from "./frame.ts";
import { isScalarType, literalOperand, membersOf, operandsOf, plainOperand } from "./operands.ts";
import { pushBinary, pushUnary } from "./operators.ts";

/** A plain operand on the stack. */
function pushPlain(frame: Frame, node: ts.Expression): boolean {
  const operand = plainOperand(frame, node);
  if (operand === undefined) return false;
  if (typeof operand === "string" && operand.startsWith("reg:"))
    frame.emit(node, "LOAD", { reg: operand.slice(4) });
  else frame.emit(node, "PUSH", { value: operand });
  return true;
}

/** `.length`, a member, an item. */
export function pushMember(
  frame: Frame,
  node: ts.PropertyAccessExpression | ts.ElementAccessExpression,
): void {
  const { c } = frame;
  const { ts } = c;
  const type = c.typeOf(node.expression);
  if (c.checker.getSignaturesOfType(c.typeOf(node), ts.SignatureKind.Call).length > 0) {
    c.report(node, "function_value", "Functions are not values here.", "Call it.");
    return;
  }
  if (ts.isPropertyAccessExpression(node)) {
    const sized = node.name.text === "length" ? c.sized(type) : "none";
    if (sized === "some")
      c.report(
        node,
        "mixed_length",
        "Only some of these values have this length.",
        "Narrow the value first.",
      );
    const [oid] = operandsOf(frame, [node.expression]);
    if (sized === "all") frame.emit(node, "LEN", { oid: oid ?? null });
    else frame.emit(node, "GETK", { oid: oid ?? null, key: node.name.text });
    return;
  }
  checkIndex(frame, node);
  const [oid, key] = operandsOf(frame, [node.expression, node.argumentExpression]);
  frame.emit(node, "GETK", { oid: oid ?? null, key: key ?? null });
}

/** Arrays and bytes are read by number, objects by text. */
export function checkIndex(frame: Frame, node: ts.ElementAccessExpression): void {
  const { c } = frame;
  const type = c.typeOf(node.expression);
  const wantsNumber = c.isArray(type) || c.isBytes(type);
  const fits = wantsNumber ? c.isNumber(node.argumentExpression) : c.isText(node.argumentExpression);
  if (fits) return;
  const hint = wantsNumber
    ? "Index with a number."
    : "Use a text as the key; take part of a text with slice.";
  c.report(node.argumentExpression, "bad_index", "This cannot be indexed that way.", hint);
}

function pushChoice(frame: Frame, node: ts.ConditionalExpression): void {
  const [otherwise, end] = [new Label(), new Label()];
  frame.lower.branch(frame, node.condition, otherwise, false);
  pushExpression(frame, node.whenTrue);
  frame.jump(node, "JUMP", end);
  frame.place(otherwise);
  pushExpression(frame, node.whenFalse);
  frame.place(end);
}

/** Text made of its parts; numbers, booleans and null are written as JSON writes them. */
function pushTemplate(frame: Frame, node: ts.TemplateExpression): void {
  let parts = 0;
  const joined = (): void => {
    if (++parts > 1) frame.emit(node, "CONCAT");
  };
  const text = (part: ts.TemplateHead | ts.TemplateMiddle | ts.TemplateTail): void => {
    if (part.text === "") return;
    frame.emit(part, "PUSH", { value: literalOperand(part.text) });
    joined();
  };
  text(node.head);
  for (const span of node.templateSpans) {
    pushText(frame, span.expression);
    joined();
    text(span.literal);
  }
}

function pushText(frame: Frame, node: ts.Expression): void {
  const { c } = frame;
  const constant = constantOf(c, node);
  pushExpression(frame, node);
  if (typeof constant === "string" || c.isText(node)) return;
  const { NumberLike, BooleanLike, Null } = c.ts.TypeFlags;
  if (c.isAll(c.typeOf(node), NumberLike | BooleanLike | Null)) frame.emit(node, "TO_STR");
  else
    c.report(
      node,
      "not_text",
      "Only text, numbers, booleans and null are put into text.",
      "Narrow the value first.",
    );
}

/** An array or object literal: one operand builds it where possible. */
function pushLiteral(frame: Frame, node: ts.ObjectLiteralExpression | ts.ArrayLiteralExpression): void {
  const { c } = frame;
  if (c.ts.isObjectLiteralExpression(node) && membersOf(c, node) === undefined) {
    c.report(node, "not_supported", "This literal has more than plain members.", "Write name: value.");
    return;
  }
  const members = c.ts.isObjectLiteralExpression(node) ? (membersOf(c, node) ?? []) : node.elements;
  if (members.length === 0) {
    frame.emit(node, c.ts.isObjectLiteralExpression(node) ? "NEW_OBJ" : "NEW_ARR");
    return;
  }
  const [operand] = operandsOf(frame, [node]);
  if (typeof operand === "string") frame.emit(node, "LOAD", { reg: operand.slice(4) });
  else frame.emit(node, "PUSH", { value: operand ?? null });
}

/** @throws nothing: what is no expression of the language is reported. */
export function pushExpression(frame: Frame, expression: ts.Expression): void {
  const { c } = frame;
  const { ts } = c;
  const node = c.bare(expression);
  if (pushPlain(frame, node)) return;
  if (ts.isCallExpression(node)) {
    if (frame.lower.call(frame, node) === "nothing") frame.emit(node, "PUSH", { value: null });
  } else if (ts.isPropertyAccessExpression(node) || ts.isElementAccessExpression(node))
    pushMember(frame, node);
  else if (ts.isConditionalExpression(node)) pushChoice(frame, node);
  else if (ts.isTemplateExpression(node)) pushTemplate(frame, node);
  else if (ts.isObjectLiteralExpression(node) || ts.isArrayLiteralExpression(node)) pushLiteral(frame, node);
  else if (ts.isTypeOfExpression(node)) {
    c.report(
      node,
      "bad_typeof",
      "typeof is compared at once.",
      'Write typeof x === "number", "string" or "boolean".',
    );
  } else if (pushAssignment(frame, node, true) || pushStep(frame, node, true)) return;
  else if (isCondition(c, node)) pushCondition(frame, node);
  else if (ts.isBinaryExpression(node)) pushBinary(frame, node);
  else if (ts.isPrefixUnaryExpression(node)) pushUnary(frame, node);
  else if (ts.isNumericLiteral(node)) {
    const hint = "Integers are exact to 2^53; write a larger number as text or bytes.";
    c.report(node, "number_range", "This number cannot be written exactly.", hint);
  } else if (ts.isIdentifier(node))
    c.report(node, "function_value", "Functions are not values here.", "Call it.");
  else c.report(node, "not_supported", "This is no expression of the language.");
}

/** Executes for the effect; a value that nobody wants is dropped. */
export function discardExpression(frame: Frame, expression: ts.Expression): void {
  const { c } = frame;
  const node = c.bare(expression);
  if (plainOperand(frame, node) !== undefined && isScalarType(c, c.typeOf(node))) return;
  if (pushAssignment(frame, node, false) || pushStep(frame, node, false)) return;
  if (c.ts.isCallExpression(node)) {
    if (frame.lower.call(frame, node) === "value") frame.emit(node, "POP");
    return;
  }
  pushExpression(frame, node);
  frame.emit(node, "POP");
}
