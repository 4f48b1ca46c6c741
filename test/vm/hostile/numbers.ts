/** Numbers at the edges of doubles, safe integers and words, and the failures beyond them. */
import { type Code, push, type Row, value } from "./rows.ts";

const MAX = 2 ** 53 - 1;
export const numbers: readonly Row[] = [
  value("0 · −1 is 0", [push(0), push(-1), { op: "MUL" }], 0),
  value("0 ÷ −5 is 0", [push(0), push(-5), { op: "DIV" }], 0),
  value("NEG 0 is 0", [push(0), { op: "NEG" }], 0),
  value("−4 MOD 2 is 0", [push(-4), push(2), { op: "MOD" }], 0),
  value("0 IDIV −3 is 0", [push(0), push(-3), { op: "IDIV" }], 0),
  value("1 ÷ (0 · −1) divides by zero", [push(1), push(0), push(-1), { op: "MUL" }, { op: "DIV" }], null),
  value(
    "ROUND, CEIL and TRUNC of −0.5 are 0",
    [push(-0.5), { op: "ROUND" }, push(-0.5), { op: "CEIL" }, { op: "ADD" }],
    0,
  ),
  value(
    "2^53 − 1 + 1 leaves the safe integers and is still a number",
    [push(MAX), push(1), { op: "ADD" }],
    2 ** 53,
  ),
  value("−2^31 and 2^32 − 1 are words", [push(-(2 ** 31)), push(2 ** 32 - 1), { op: "BXOR" }], 2 ** 31 - 1),
  value("BNOT 0 is unsigned", [push(0), { op: "BNOT" }], 2 ** 32 - 1),
  value("1 SHL 31 is unsigned", [push(1), push(31), { op: "SHL" }], 2 ** 31),
  value("2^31 SAR 31 is −1", [push(2 ** 31), push(31), { op: "SAR" }], -1),
  value("the smallest number halves to 0", [push(5e-324), push(2), { op: "DIV" }], 0),
].map((row) => (row.body === null ? { name: row.name, code: row.code, reason: "div_by_zero" } : row));

const failing = (name: string, reason: string, code: Code): Row => ({ name, code, reason });
export const failures: readonly Row[] = [
  failing("a sum beyond the doubles", "non_finite", [push("$.payload"), { op: "DUP" }, { op: "ADD" }]),
  failing("a product beyond the doubles", "non_finite", [push("$.payload"), { op: "DUP" }, { op: "MUL" }]),
  failing("∞ − ∞ on the way", "non_finite", [
    push("$.payload"),
    { op: "DUP" },
    { op: "MUL" },
    { op: "DUP" },
    { op: "SUB" },
  ]),
  failing("√ of a negative", "non_finite", [push(-1), { op: "SQRT" }]),
  failing("0 ÷ 0", "div_by_zero", [push(0), push(0), { op: "DIV" }]),
  failing("2^32 as a word", "integer_range", [push(2 ** 32), push(1), { op: "BAND" }]),
  failing("a half as a word", "integer_required", [push(0.5), { op: "BNOT" }]),
  failing("a shift by 32", "shift_range", [push(1), push(32), { op: "SHL" }]),
  failing("2^53 MOD 2", "integer_range", [push(MAX), push(1), { op: "ADD" }, push(2), { op: "MOD" }]),
  failing("text plus number", "type_mismatch", [push("1"), push(1), { op: "ADD" }]),
  failing("text below number", "type_mismatch", [push("1"), push(1), { op: "LT" }]),
].map((row) => ({ ...row, payload: 1.7976931348623157e308 }));
