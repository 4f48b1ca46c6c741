/** Every construct of the language, run on the machine and, where both mean the same, as JavaScript. */
import { describe, expect, test } from "vitest";
import type { Json } from "../../../firmware/core/json.ts";
import { evaluated, typescript } from "./support.ts";

/** The same text as JavaScript: types are stripped, `f` is called. */
function asJavaScript(declarations: string, statements: string, expression: string): Json {
  const text = `${declarations}\n${statements}\nresult = ${expression};`;
  const { outputText } = typescript.transpileModule(`let result: unknown;\n(function () {${text}})();`, {
    compilerOptions: { target: typescript.ScriptTarget.ES2022 },
  });
  return new Function(`${outputText}; return result;`)() as Json;
}

type Case = readonly [expression: string, declarations?: string, statements?: string];

/** Expressions over variables, so that nothing is folded away. */
const NUMBERS = "let a = 7; let b = 2; let t = true; let s = 'aé€'; let n: number | null = null; a += 0;";

const TEMPLATE = `\`\${s}-\${a}-\${t}-\${null}.\${a}\``;

const SAME: readonly Case[] = [
  ...["a + b", "a - b", "a * b", "a / b", "a % b", "-a", "+a", "a + b * 3", "(a + b) * 3", "a - b - 1"].map(
    (text): Case => [text, "", NUMBERS],
  ),
  ...["a & b", "a | b", "a ^ b", "a << b", "a >> b", "a >>> b", "(a & 3) | 8"].map(
    (text): Case => [text, "", NUMBERS],
  ),
  ...["a < b", "a <= b", "a > b", "a >= b", "a === b", "a !== b", "s < 'b'", "s === 'aé€'"].map(
    (text): Case => [text, "", NUMBERS],
  ),
  ...[
    "!t",
    "t && a > b",
    "t || a > b",
    "!t && a > b",
    "!(t && a < b)",
    "t && !t || a === 7",
    "t ? a : b",
  ].map((text): Case => [text, "", NUMBERS]),
  ...["n ?? a", "n === null", "n === null ? 1 : 2", "(n ?? a) + 1"].map((text): Case => [text, "", NUMBERS]),
  ...[
    "Math.floor(a / b)",
    "Math.ceil(a / b)",
    "Math.trunc(-a / b)",
    "Math.abs(b - a)",
    "Math.sqrt(b + b)",
  ].map((text): Case => [text, "", NUMBERS]),
  ...["Math.min(a, b)", "Math.max(a, b, 9)", "Math.min(a, b, 1, 3)"].map((text): Case => [text, "", NUMBERS]),
  ...["s + 'x'", TEMPLATE, "`a`", "s.length", "s.slice(1)", "s.slice(1, 2)"].map(
    (text): Case => [text, "", NUMBERS],
  ),
  ...["s.indexOf('€')", "s.indexOf('z')", "s.includes('é')", "s.startsWith('a')", "s.startsWith('é')"].map(
    (text): Case => [text, "", NUMBERS],
  ),
  ["'a,b,,c'.split(',')"],
  ["[1, 'x', null, true, [2, [3]]]"],
  ["{ a: 1, b: { c: [2] }, 'd e': null }"],
  ["{ payload: a }", "", "let a = 1;"],
  ["{ lit: 'reg:x', bytes: { payload: 2 } }"],
  ["['reg:x', '$.payload.k', 'const:y', '$.']"],
  ["{ payload: 1 }"],
  ["0.1 + 0.2"],
  ["2 * 3 + 4 > 9 && 'a' < 'b'"],
  ["a", "", "let a = 1; { let a = 2; a += 1; } { const a = 9; let b = a; b++; }"],
  ["x", "", "let x = 0; for (let i = 0; i < 5; i++) { if (i === 1) continue; if (i === 4) break; x += i; }"],
  ["x", "", "let x = 1; while (x < 100) { x *= 3; }"],
  ["x", "", "let x = 1; while (true) { x *= 3; if (x > 50) break; }"],
  ["x", "", "let x = 0; do { x++; } while (x < 3);"],
  ["x", "", "let x = 0; do { x++; if (x === 2) continue; } while (x < 5 && x !== 4);"],
  ["x", "", "let x = 0; for (;;) { x += 2; if (x > 9) break; }"],
  ["x", "", "let x = 0; for (const y of [1, 2, 3]) x += y;"],
  ["x", "", "const l = [1, 2, 3]; let x = 0; for (const y of l) { if (y < 3) l.push(y + 2); x += y; }"],
  ["x", "", "let l = [1, 2, 3]; let x = 0; for (const y of l) { l = [9]; x += y; }"],
  [
    "x",
    "",
    "let x = 0; outer: for (let i = 0; i < 4; i++) for (let j = 0; j < 4; j++) { if (j === 2) continue outer; if (i === 3) break outer; x += i * j + 1; }",
  ],
  ...[0, 1, 2, 3].map(
    (n): Case => [
      "x",
      "",
      `let x = 0; let n = ${n}; switch (n) { case 0: x += 1; case 1: x += 10; break; default: x += 100; case 2: x += 1000; }`,
    ],
  ),
  ["x", "", "let x = ''; switch ('b' + 'c') { case 'bc': x = 'yes'; break; case 'd': { x = 'no'; } }"],
  ["x", "", "let x = 0; for (let i = 0; i < 3; i++) { switch (i) { case 1: continue; } x += i + 1; }"],
  ["[x, y, z]", "", "let x = 1; const y = x++; const z = ++x;"],
  ["[x, x = 5, x]", "", "let x = 1;"],
  [
    "f(x, x = 5, x++) + x",
    "function f(a: number, b: number, c: number): number { return a * 100 + b * 10 + c; }",
    "let x = 1;",
  ],
  ["x + (x = 10) + x", "", "let x = 1;"],
  ["l", "", "const l = [1, 2, 3]; l[0] = l[1] + l[2]; l[1] += 5; l[2]++; l.push(l.length);"],
  ["l", "", "let i = 0; const l = [1, 2, 3]; l[i++] = i; l[i] = i = 2;"],
  ["o", "", "const o = { a: 1, b: 'x' }; o.a = 2; o.b += 'y'; o.a++; o['a'] *= 5;"],
  ["[y, o.a, z]", "", "const o = { a: 1 }; const y = (o.a = 4); const z = o.a++;"],
  [
    "o",
    "",
    "const k = 'p' + 'q'; const o: { [key: string]: number | null } = {}; o[k] = 1; o['z'] = null; delete o.z;",
  ],
  ["['a' in o, 'b' in o]", "", "const o: { [key: string]: number | null } = { a: 1 };"],
  ["Object.keys({ b: 1, a: 2 }).length"],
  ["f(10)", "function f(n: number): number { if (n < 2) return n; return f(n - 1) + f(n - 2); }"],
  [
    "g(4)",
    "function g(n: number): boolean { return n === 0 ? true : h(n - 1); } function h(n: number): boolean { return n === 0 ? false : g(n - 1); }",
  ],
  ["x.v", "function set(o: { v: number }): void { o.v = 9; }", "const x = { v: 1 }; set(x);"],
  [
    "f('k')",
    "const TABLE = [1, 2, 3] as const; const NAME = 'k'; function f(s: string): number { return s === NAME ? TABLE[1] + TABLE.length : 0; }",
  ],
  [
    "f(2)",
    "const T: readonly (readonly number[])[] = [[1], [2, 3]]; function f(i: number): number { return T[1][i - 1] + T.length; }",
  ],
  ["a[1]", "", "const a = [[1], [2]]; const b = a[1]; b.push(3);"],
  [
    "typeof v === 'number' ? v + 1 : 'no'",
    "function any(): number | string { return 4; }",
    "const v = any();",
  ],
  ["a && b", "", "let n = 0; const a = n === 0; n++; const b = n === 1;"],
  [
    "[c, n]",
    "function bump(o: { n: number }): boolean { o.n++; return true; }",
    "const o = { n: 0 }; const c = o.n > 0 && bump(o) || bump(o) && bump(o); const n = o.n;",
  ],
  ["$x + über", "", "let $x = 1; let über = 2;"],
  [
    "reg_with_a_very_long_name_of_forty_letters",
    "",
    "let reg_with_a_very_long_name_of_forty_letters = 1; let reg_with_a_very_long_name_of_forty_lettres = 2; reg_with_a_very_long_name_of_forty_lettres++;",
  ],
];

describe("means what it means in JavaScript", () => {
  const rows = SAME.map(
    ([expression, declarations = "", statements = ""]) => [expression, declarations, statements] as const,
  );

  test.each(rows)("%s", (expression, declarations, statements) => {
    expect(evaluated(expression, declarations, statements)).toEqual(
      asJavaScript(declarations, statements, expression),
    );
  });
});

type Row = readonly [expression: string, value: Json, statements?: string];
const whole = ([expression, value, statements = ""]: Row): readonly [string, Json, string] => [
  expression,
  value,
  statements,
];

describe("means what the machine means, where JavaScript differs", () => {
  const rows: readonly Row[] = [
    ["a % 3", 2, "let a = -7;"],
    ["a | 0", "vm_error: integer_required", "let a = 1.5;"],
    ["~a", 4294967295, "let a = 0;"],
    ["a << 31", 2147483648, "let a = 1;"],
    ["a >> 1", -1, "let a = -1;"],
    ["a | 0", "vm_error: integer_range", "let a = 4294967296;"],
    ["1 / a", "vm_error: div_by_zero", "let a = 0;"],
    ["l[3]", "vm_error: index_range", "const l = [1];"],
    ["s.length", 2, "let s = '😀b';"],
    ["s.slice(1)", "b", "let s = '😀b';"],
    ["s.slice(3)", "vm_error: index_range", "let s = 'ab';"],
    ["Object.keys({ b: 1, a: 2 })", ["a", "b"]],
    ["o.k", null, "const o: Dictionary<number> = {};"],
    ["Math.sqrt(a)", "vm_error: non_finite", "let a = -1;"],
  ];

  test.each(rows.map(whole))("%s", (expression, value, statements) => {
    expect(evaluated(expression, "", statements)).toEqual(value);
  });
});

describe("the module imu", () => {
  const rows: readonly Row[] = [
    ["clamp(a, 0, 5)", 5, "let a = 7;"],
    ["interp([[0, 0], [10, 100]], a)", 70, "let a = 7;"],
    ["roundHalfEven(a)", 2, "let a = 2.5;"],
    ["floorDivide(a, 2)", -4, "let a = -7;"],
    ["[bitAt(a, 0), bitAt(a, 3)]", [1, 0], "let a = 7;"],
    ["withBit(a, 3, true)", 15, "let a = 7;"],
    ["signExtend(a, 8)", -1, "let a = 255;"],
    ["toText(a, 2)", "3.14", "let a = 3.14159;"],
    ["toText(a)", "3.5", "let a = 3.5;"],
    ["toNumber(' 1.5e2 ')", 150],
    ["toNumber('x')", "vm_error: bad_number"],
    ["bytes('0aff')", { $bytes: "0aff" }],
    ["bytes('0aff')[1]", 255],
    ["concat(bytes('01'), bytes('02')).length", 2],
    ["bytes('010203').slice(1)", { $bytes: "0203" }],
    ["bytes('010203').indexOf(bytes('03'))", 2],
    [
      "pack(['u8', 'u16be', 'pad:1', 'bytes:2'], [1, a, bytes('aabb')])",
      { $bytes: "01000700aabb" },
      "let a = 7;",
    ],
    ["u[1] + u[0]", 263, "const u = unpack(['u8', 'pad:1', 'u16le', 'rest'], bytes('0700000109'));"],
    ["u[2]", { $bytes: "09" }, "const u = unpack(['u8', 'pad:1', 'u16le', 'rest'], bytes('0700000109'));"],
    ["crc('crc16-modbus', encode('123456789', 'ascii'))", 0x4b37],
    ["decode(encode('é', 'utf8'), 'hex')", "c3a9"],
    ["hash(null)", "74234e98afe7498fb5daf1f36ac2d78acc339464f950703b8c019892f982b90b"],
    ["[isArray(j), isObject(j), isBytes(j)]", [true, false, false], "const j: Json = [1];"],
    ["asNumber(j) + 1", 3, "const j: Json = 2;"],
    ["asNumber(j) + 1", "vm_error: type_mismatch", "const j: Json = 'x';"],
    ["asText(j) + '!'", "x!", "const j: Json = 'x';"],
    ["asText(j)", "vm_error: type_mismatch", "const j: Json = 3;"],
    ["size({ a: 1, b: 2 })", 2],
    ["[elapsed(), elapsed()]", [0, 0]],
    ["elapsed()", 20, "sleep(15); let more = 5; sleep(more);"],
    ["trigger.kind", "command"],
    ["trigger.line", null],
  ];

  test.each(rows.map(whole))("%s", (expression, value, statements) => {
    expect(evaluated(expression, "", statements)).toEqual(value);
  });
});

describe("errors", () => {
  const declarations =
    "function risky(n: number): number { if (n > 1) throw fail('too_much', { n }); return 1 / n; }";

  test.each<readonly [string, Json]>([
    [
      "try { x = risky(2); } catch (e) { const f = faultOf(e); x = [f.code, f.reason, f.details]; }",
      ["program_error", "too_much", { n: 2 }],
    ],
    ["try { x = risky(0); } catch (e) { x = faultOf(e).reason; }", "div_by_zero"],
    ["try { x = risky(1); } catch { x = 'caught'; }", 1],
    ["for (const n of [1, 0, 2]) { try { risky(n); continue; } catch { x = n; } if (n === 0) break; }", 0],
    ["try { try { risky(2); } catch (e) { risky(0); } } catch (e) { x = faultOf(e).reason; }", "div_by_zero"],
    ["x = tried(0);", "caught"],
    ["x = tried(1);", "fine"],
  ])("%s", (statements, value) => {
    const tried =
      "function tried(n: number): string { try { risky(n); return 'fine'; } catch { return 'caught'; } }";

    expect(evaluated("x", `${declarations}\n${tried}`, `let x: Json = null; ${statements}`)).toEqual(value);
  });

  test("an error that nobody catches ends the run with its reason", () => {
    expect(evaluated("1", declarations, "risky(3);")).toBe("program_error: too_much");
  });
});

describe("tasks", () => {
  test("spawn starts a function and join gives what it returned", () => {
    const declarations = "function twice(n: number): number { sleep(5); return n * 2; }";
    const statements = "const a = spawn(twice, 4); const b: Task<number> = spawn(twice, 5);";

    expect(evaluated("[join(a).value, join(b, 100).value, elapsed()]", declarations, statements)).toEqual([
      8, 10, 5,
    ]);
  });

  test("a failed task is a result", () => {
    const declarations = "function bad(): void { throw fail('broken'); }";

    expect(evaluated("[j.ok, j.value, j.error]", declarations, "const j = join(spawn(bad));")).toEqual([
      false,
      null,
      { code: "program_error", reason: "broken" },
    ]);
  });
});
