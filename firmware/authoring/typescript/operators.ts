/** Operators on numbers, words and text. */
import type ts from "typescript";
import type { Frame } from "./frame.ts";

/** Binary operators of numbers with their instruction. */
export const NUMBER_OPERATORS: Readonly<Record<string, string>> = {
  "-": "SUB",
  "*": "MUL",
  "/": "DIV",
  "%": "MOD",
  "&": "BAND",
  "|": "BOR",
  "^": "BXOR",
  "<<": "SHL",
  ">>": "SAR",
  ">>>": "SHR",
};

/** The instruction of a binary operator for the types of its operands; reports and gives null if they do not fit. */
export function instructionOf(
  frame: Frame,
  operator: string,
  left: ts.Expression,
  right: ts.Expression,
): string | null {
  const { c } = frame;
  if (operator === "+") {
    if (c.isNumber(left) && c.isNumber(right)) return "ADD";
    if (c.isText(left) && c.isText(right)) return "CONCAT";
    const hint = "Write toText(number) or a template for text, toNumber(text) for numbers.";
    c.report(left, "mixed_addition", "+ takes two numbers or two texts.", hint);
    return null;
  }
  const op = Object.hasOwn(NUMBER_OPERATORS, operator) ? NUMBER_OPERATORS[operator] : undefined;
  if (op === undefined) {
    c.report(left, "not_supported", `There is no operator ${operator}.`);
    return null;
  }
  if (c.isNumber(left) && c.isNumber(right)) return op;
  c.report(
    left,
    "number_required",
    `${operator} takes two numbers.`,
    "Narrow the value, or write asNumber(value).",
  );
  return null;
}

/** Arithmetic, bits, concatenation and ??; comparisons and logic are conditions. */
export function pushBinary(frame: Frame, node: ts.BinaryExpression): void {
  const operator = node.operatorToken.getText(frame.c.source);
  const op = instructionOf(frame, operator, node.left, node.right);
  frame.lower.push(frame, node.left);
  frame.lower.push(frame, node.right);
  frame.emit(node, op ?? "POP");
}

export function pushUnary(frame: Frame, node: ts.PrefixUnaryExpression): void {
  const { c } = frame;
  const { SyntaxKind } = c.ts;
  if (!c.isNumber(node.operand))
    c.report(
      node.operand,
      "number_required",
      "This operator takes a number.",
      "Write toNumber(text) for text.",
    );
  frame.lower.push(frame, node.operand);
  if (node.operator === SyntaxKind.MinusToken) frame.emit(node, "NEG");
  else if (node.operator === SyntaxKind.TildeToken) frame.emit(node, "BNOT");
}
