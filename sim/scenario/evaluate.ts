import { CodedError } from "../../firmware/core/errors.ts";
import { roundHalfEven } from "../../firmware/core/round.ts";
import type { Arithmetic, Comparison, Expression, FunctionName } from "./expression.ts";

export type ExpressionValue = number | boolean | string;

/** What an expression may ask. */
export interface ExpressionScope {
  /** The value of `tank1.level`, `policy`, …; undefined for what is not there. */
  value(name: string): ExpressionValue | undefined;
  /** How often an event has happened so far. */
  count(event: string): number;
  /** One scope for each device; inside it, names mean that device first. */
  readonly devices: readonly ExpressionScope[];
}

const wrong = (code: string, message: string): never => {
  throw new CodedError(code, message, { status: 422 });
};

const numberOf = (value: ExpressionValue): number =>
  typeof value === "number" ? value : wrong("expr_type", `${String(value)} is no number.`);
const truth = (value: ExpressionValue): boolean =>
  typeof value === "boolean" ? value : wrong("expr_type", `${String(value)} is neither true nor false.`);

function finite(value: number): number {
  return Number.isFinite(value) ? value : wrong("expr_not_finite", "The result is no finite number.");
}

function calculate(by: Arithmetic, left: number, right: number): number {
  if (by === "+") return finite(left + right);
  if (by === "-") return finite(left - right);
  if (by === "*") return finite(left * right);
  if (right === 0) return wrong("expr_div_zero", "Division by zero.");
  return finite(left / right);
}

function call(name: FunctionName, args: readonly number[]): number {
  const [x = 0, low = 0, high = 0] = args;
  switch (name) {
    case "min":
      return Math.min(...args);
    case "max":
      return Math.max(...args);
    case "round":
      return roundHalfEven(x);
    case "floor":
      return Math.floor(x);
    case "ceil":
      return Math.ceil(x);
    case "abs":
      return Math.abs(x);
    case "clamp":
      return Math.min(Math.max(x, low), high);
  }
}

function compare(by: Comparison, left: ExpressionValue, right: ExpressionValue): boolean {
  if (by === "==" || by === "!=") {
    if (typeof left !== typeof right)
      return wrong("expr_type", `${String(left)} and ${String(right)} cannot be compared.`);
    return (left === right) === (by === "==");
  }
  const [a, b] = [numberOf(left), numberOf(right)];
  if (by === "<") return a < b;
  if (by === ">") return a > b;
  return by === "<=" ? a <= b : a >= b;
}

/** A name that is not there means itself on the right of an equality: `policy == v2`. */
function rightSide(by: Comparison, right: Expression, scope: ExpressionScope): ExpressionValue {
  const isWord = right.op === "name" && /^\w+$/.test(right.name) && (by === "==" || by === "!=");
  return isWord ? (scope.value(right.name) ?? right.name) : evaluate(right, scope);
}

function named(name: string, scope: ExpressionScope): ExpressionValue {
  const value = scope.value(name);
  if (value !== undefined) return value;
  throw new CodedError("expr_unknown_name", `Nothing here is named ${name}.`, {
    status: 422,
    details: { name },
  });
}

/** @throws CodedError `expr_unknown_name` {name}, `expr_type`, `expr_div_zero`, `expr_not_finite`. */
export function evaluate(expression: Expression, scope: ExpressionScope): ExpressionValue {
  switch (expression.op) {
    case "value":
      return expression.value;
    case "name":
      return named(expression.name, scope);
    case "count":
      return scope.count(expression.event);
    case "all":
      return scope.devices.every((device) => truth(evaluate(expression.inner, device)));
    case "any":
      return scope.devices.some((device) => truth(evaluate(expression.inner, device)));
    case "not":
      return !truth(evaluate(expression.inner, scope));
    case "negate":
      return -numberOf(evaluate(expression.inner, scope));
    case "and":
      return truth(evaluate(expression.left, scope)) && truth(evaluate(expression.right, scope));
    case "or":
      return truth(evaluate(expression.left, scope)) || truth(evaluate(expression.right, scope));
    case "compare": {
      const left = evaluate(expression.left, scope);
      return compare(expression.by, left, rightSide(expression.by, expression.right, scope));
    }
    case "math": {
      const left = numberOf(evaluate(expression.left, scope));
      return calculate(expression.by, left, numberOf(evaluate(expression.right, scope)));
    }
    case "call":
      return call(
        expression.name,
        expression.args.map((arg) => numberOf(evaluate(arg, scope))),
      );
    case "if":
      return evaluate(
        truth(evaluate(expression.condition, scope)) ? expression.then : expression.otherwise,
        scope,
      );
  }
}

/** Whether a condition holds. @throws as `evaluate`, and `expr_type` for anything but true and false. */
export function holds(expression: Expression, scope: ExpressionScope): boolean {
  return truth(evaluate(expression, scope));
}
