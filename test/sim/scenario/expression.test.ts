import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type ExpressionScope,
  type ExpressionValue,
  evaluate,
  holds,
} from "../../../sim/scenario/evaluate.ts";
import { namesIn, parseExpression } from "../../../sim/scenario/expression.ts";

/** A scope of fixed values; devices have their own and see the others too. */
function scopeOf(
  values: Readonly<Record<string, ExpressionValue>>,
  devices: readonly Readonly<Record<string, ExpressionValue>>[] = [],
): ExpressionScope {
  const own = (
    of: Readonly<Record<string, ExpressionValue>>,
    inner: readonly ExpressionScope[],
  ): ExpressionScope => ({
    value: (name) => (Object.hasOwn(of, name) ? of[name] : undefined),
    count: (event) => Number(of[`count ${event}`] ?? 0),
    devices: inner,
  });
  return own(
    values,
    devices.map((device) => own({ ...values, ...device }, [])),
  );
}

const world = scopeOf({ "tank1.level": 0.5, policy: "v1", x: 2, on: true, "count rolled_back": 3 }, [
  { policy: "v2", "room.t": 4 },
  { policy: "v2", "room.t": 9 },
]);
const value = (text: string): ExpressionValue => evaluate(parseExpression(text), world);

/** Code of what happens. */
function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return String((error as { readonly code?: unknown }).code);
  }
  return "none";
}

describe("an expression", () => {
  test.each<[string, ExpressionValue]>([
    ["1 + 2 * 3 - 4 / 2", 5],
    ["8 - 3 - 2", 3],
    ["-x + 1", -1],
    ["--x", 2],
    [".5 * 2", 1],
    ["round(2.5) + round(3.5)", 6],
    ["max(0.2, 1 - 0.8*x)", 0.2],
    ["clamp(7, 0, 5) + floor(1.9) + ceil(0.1) + abs(-2)", 9],
    ["tank1.level < 0.95", true],
    ["not tank1.level < 0.95", false],
    ["x > 1 or x < 0 and x > 5", true],
    ["1 if x > 5 else 2 if x > 1 else 3", 2],
    ["policy == v1", true],
    ["policy != 'v1'", false],
    ["on == true and on", true],
    ["all devices policy == v2", true],
    ["all devices room.t < 8", false],
    ["any devices room.t < 8 and tank1.level > 0", true],
    ["not (any devices room.t > 10)", true],
    ["count(rolled_back) >= 3 and count('other') == 0", true],
    ["on or nowhere", true],
    ["1 if on else nowhere", 1],
  ])("%s is %s", (text, expected) => {
    expect(value(text)).toBe(expected);
  });

  test.each([
    ["1 - * 2", "expr_parse"],
    ["1 < 2 < 3", "expr_parse"],
    ["(1", "expr_parse"],
    ["1 if 2", "expr_parse"],
    ["1 +", "expr_parse"],
    ["a and and", "expr_parse"],
    ["'open", "expr_parse"],
    ["1e3", "expr_parse"],
    ["count(1)", "expr_parse"],
    ["a; b", "expr_parse"],
    ["", "expr_parse"],
    ["eval(1)", "expr_unknown_name"],
    ["constructor(1)", "expr_unknown_name"],
    ["abs(1, 2)", "expr_arity"],
    ["min()", "expr_arity"],
    [`${"(".repeat(16)}x${")".repeat(16)}`, "none"],
    [`${"(".repeat(17)}x${")".repeat(17)}`, "expr_too_deep"],
    [Array(33).fill("x").join("+"), "expr_too_many_nodes"],
    [Array(32).fill("x").join("+"), "none"],
    [`x${" ".repeat(256)}`, "expr_too_long"],
  ])("%s: %s when parsed", (text, code) => {
    expect(codeOf(() => parseExpression(text))).toBe(code);
  });

  test.each([
    ["1 / (x - x)", "expr_div_zero"],
    ["1 + on", "expr_type"],
    ["on < 1", "expr_type"],
    ["on == 1", "expr_type"],
    ["not 1", "expr_type"],
    ["nowhere > 1", "expr_unknown_name"],
    ["constructor == 1", "expr_unknown_name"],
    ["nowhere.at.all == v2", "expr_unknown_name"],
    ["all devices room.t", "expr_type"],
  ])("%s: %s when evaluated", (text, code) => {
    expect(codeOf(() => value(text))).toBe(code);
  });

  test("a number too large is not finite", () => {
    const scope = scopeOf({ big: 1e300 });
    expect(codeOf(() => evaluate(parseExpression("big * big"), scope))).toBe("expr_not_finite");
  });

  test("a condition is true or false", () => {
    expect(codeOf(() => holds(parseExpression("1"), world))).toBe("expr_type");
    expect(holds(parseExpression("x == 2"), world)).toBe(true);
  });

  test("tells its names", () => {
    expect(namesIn(parseExpression("x - pump-001.policy - x-1.5 + relay.17"))).toEqual([
      "x",
      "pump-001.policy",
      "relay.17",
    ]);
    expect(namesIn(parseExpression("cold-room-001.air.t"))).toEqual(["cold-room-001.air.t"]);
    const text = "min(a.b, 1) < c and (all devices d == e) or count(f) > room@unit-001.t - a.b";
    expect(namesIn(parseExpression(text))).toEqual(["a.b", "c", "d", "e", "room@unit-001.t"]);
  });

  test("arithmetic is JavaScript's", () => {
    const number = fc.integer({ min: -999, max: 999 });
    fc.assert(
      fc.property(
        number,
        number,
        number,
        fc.constantFrom("+", "-", "*"),
        fc.constantFrom("+", "-", "*"),
        (a, b, c, f, g) => {
          const text = `${a} ${f} ${b} ${g} ${c}`;
          const expected: unknown = new Function(`return ${a} ${f} (${b}) ${g} (${c})`)();
          expect(evaluate(parseExpression(text), world)).toBe(Number(expected) + 0);
        },
      ),
    );
  });

  test("any text is parsed or refused with a code, and never anything else", () => {
    const part = fc.constantFrom(
      "1",
      "x",
      "(",
      ")",
      "and",
      "not",
      "if",
      "else",
      "<",
      "-",
      "min",
      ",",
      "all",
      "devices",
      "'a'",
      "@",
      " ",
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 30 }), (parts) => {
        expect(codeOf(() => parseExpression(parts.join(" ")))).toMatch(/^(none|expr_\w+)$/);
      }),
    );
  });
});
