/** Comparisons a claim may state about its own value (evidence.md 9, checks 6 and 7). */
import { canonicalize } from "../core/canonical-json.ts";
import type { Json } from "../core/json.ts";

/** Numbers within 1e-9 of the larger magnitude (at least 1); everything else by canonical form. */
export function sameValue(a: Json, b: Json): boolean {
  if (typeof a === "number" && typeof b === "number") {
    return Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a), Math.abs(b));
  }
  return canonicalize(a) === canonicalize(b);
}

const ORDER: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  lt: (a, b) => a < b,
  le: (a, b) => a <= b,
  gt: (a, b) => a > b,
  ge: (a, b) => a >= b,
};

/**
 * False for an unknown operator or operands of the wrong type: a predicate that cannot be judged does not
 * hold.
 */
export function predicateHolds(op: unknown, value: Json, operand: Json): boolean {
  switch (op) {
    case "eq":
      return sameValue(value, operand);
    case "ne":
      return !sameValue(value, operand);
    case "one_of":
      return Array.isArray(operand) && operand.some((choice) => sameValue(value, choice as Json));
    case "between": {
      const [low, high] = Array.isArray(operand) && operand.length === 2 ? operand : [];
      const numeric = typeof value === "number" && typeof low === "number" && typeof high === "number";
      return numeric && low <= value && value <= high;
    }
    default: {
      const compare = typeof op === "string" && Object.hasOwn(ORDER, op) ? ORDER[op] : undefined;
      return (
        compare !== undefined &&
        typeof value === "number" &&
        typeof operand === "number" &&
        compare(value, operand)
      );
    }
  }
}
