/** What is no part of the language is refused at its place, with a stable code. */
import { describe, expect, test } from "vitest";
import { build, HEADER, problemsOf } from "./support.ts";

const IMPORTS =
  'import { asNumber, evidence, evidenceOf, fail, faultOf, gpio, halt, isArray, type Json, respond, sensor, sleep, spawn, toText, bytes, pack, interp, kv } from "imu"; ';
/** Everything before the statements is on line 1, so that they begin at 2:1. */
const PREFIX = `${IMPORTS}${HEADER.trim()} interface P { a: number } type U = number | string; function add(a: number, b: number): number { return a + b; } export function main(): void {\n`;
const inMain = (statements: string): readonly string[] => problemsOf(`${PREFIX}${statements}\n}\n`);
/** Declarations begin at 2:1. */
const atTop = (declarations: string): readonly string[] =>
  problemsOf(`${IMPORTS}${HEADER.trim()} export function main(): void {}\n${declarations}\n`);

describe("in a function", () => {
  test.each<readonly [statements: string, ...problems: string[]]>([
    ["var x = 1;", "2:1 no_var"],
    ["let x: any = 1;", "2:8 no_any"],
    ["let x: unknown = 1;", "2:8 no_any"],
    ["let x: object = {};", "2:8 no_any"],
    ["let x: undefined;", "2:8 no_undefined"],
    ["let x: number | null = undefined;", "2:24 no_undefined"],
    ["let x = 1 as unknown;", "2:9 no_cast"],
    ["let x = <number>1;", "2:9 no_cast"],
    ["const j: Json = 1; let x = j!;", "2:28 no_cast"],
    ["let x;", "2:5 type_required"],
    ["let x!: number;", "2:5 no_cast"],
    ["const f = () => 1;", "2:11 no_closure"],
    ["const f = function () {};", "2:11 no_closure"],
    ["function inner(): void {}", "2:1 no_closure"],
    ["const f = add;", "2:11 function_value"],
    ["const o = { m() { return 1; } };", "2:13 no_closure"],
    ["const o = { get m() { return 1; } };", "2:13 no_closure"],
    ["class C {}", "2:1 no_class"],
    ["const d = new Object();", "2:11 no_class"],
    ["const t = this;", "2:11 no_class"],
    ["await sleep(1);", "2:1 no_async"],
    ["const [a] = [1];", "2:7 no_destructuring"],
    ["const { a } = { a: 1 };", "2:7 no_destructuring"],
    ["const a = [...[1]];", "2:12 no_spread"],
    ["const a = { ...{ b: 1 } };", "2:13 no_spread"],
    ["add(...[1, 2]);", "2:5 no_spread"],
    ["const r = /a/;", "2:11 no_regex"],
    ["const o: P | null = null; const b = o?.a;", "2:38 no_optional_chaining"],
    ["const b = 1 == 1;", "2:13 no_loose_equality"],
    ["const b = 1 != 1;", "2:13 no_loose_equality"],
    ["let i = (1, 2);", "2:11 no_comma"],
    ["const p = 2 ** 3;", "2:13 no_power"],
    ["let b = true; b &&= false;", "2:17 no_logical_assignment"],
    ["const b = {} instanceof Object;", "2:14 no_instanceof"],
    ["const b = 1n;", "2:11 no_bigint"],
    ["const v = void 0;", "2:11 no_undefined"],
    ["for (const k in { a: 1 }) {}", "2:1 no_for_in"],
    ["for (const c of 'abc') {}", "2:17 list_required"],
    ["let c = ''; for (c of ['a']) {}", "2:13 for_of_variable"],
    ["try { add(1, 2); } finally {}", "2:1 no_finally"],
    ["throw 1;", "2:1 bad_throw"],
    ["fail('x');", "2:1 bad_throw"],
    ["let s = 'a'; s += 'b'; throw fail(s);", "2:35 literal_required"],
    ["try { add(1, 2); } catch (e) { e = 1; }", "2:32 bad_target"],
    ["const p: P = { a: 1 }; const f = faultOf(p);", "2:34 bad_fault"],
    ["const j: Json = add(1, 1); if (typeof j === 'string' || isArray(j)) { const n = j.length; }"],
    ["const b = 'x' in [1];", "2:11 bad_index"],
    ["const k = Object.keys([1]);", "2:23 bad_keys"],
    ["const k = 'a'; const o = { [k]: 1 };", "2:28 no_computed_name"],
    ["const o = { 1: 2 };", "2:13 no_numeric_name"],
    ["const o = { __proto__: null };", "2:13 reserved_key"],
    ["const o = { '$bytes': '00' };", "2:13 reserved_key"],
    ["const t = `a`; const u = t`b`;", "2:26 no_tagged_template"],
    ["const a = [1, , 2];", "2:14 no_hole"],
    ["debugger;", "2:1 no_debugger"],
    ["a: { break a; }", "2:1 bad_label"],
    ["if (add(1, 2)) {}", "2:5 boolean_required"],
    ["let s = ''; s += 'a'; while (s) {}", "2:30 boolean_required"],
    ["const b = !add(1, 2);", "2:12 boolean_required"],
    ["const b = add(1, 2) || 5;", "2:11 boolean_required", "2:24 boolean_required"],
    ["const b = add(1, 2) ? 1 : 2;", "2:11 boolean_required"],
    ["const s = 'a' + add(1, 2);", "2:11 mixed_addition"],
    ["const j: Json = 1; const b = typeof j;", "2:30 bad_typeof"],
    ["const j: Json = add(1, 1); const b = typeof j === 'object';", "2:51 bad_typeof"],
    ["const s = 'abc'; const c = s[0];", "2:28 type_error"],
    ["const j: Json = [1]; const s = `\u0024{j}`;", "2:35 not_text"],
    ["const o = { a: 1 }; const d = delete o.a;", "2:31 no_delete"],
    ["return 1;", "2:1 type_error"],
    ["const x: number = 'a';", "2:7 type_error"],
    ["missing();", "2:1 type_error"],
    ["const x = Math.round(1.5);", "2:16 type_error"],
    ["[1].map(add);", "2:5 type_error"],
    ["const x = eval('1');", "2:11 no_eval"],
    ["const x = arguments;", "2:11 no_arguments"],
    ["const x = globalThis;", "2:11 no_global"],
    ["const x = import('imu');", "2:11 no_import"],
    ["// @ts-ignore\nconst x: number = 'a';", "2:4 no_directive"],
    ["let x = ;", "2:9 syntax_error"],
    ["if (", "3:1 syntax_error"],
    ["gpio.write('pump', 2);", "2:20 type_error"],
    ["gpio.write(toText(1), 1);", "2:12 output_not_literal"],
    ["const a = { output: 'pump', value: 1 } as const; gpio.write(a);", "2:61 literal_required"],
    ["sensor.read('no spaces allowed');", "2:1 contract_violation"],
    ["respond(412);", "2:1 status_reserved"],
    ["respond(200, halt);", "2:14 function_value"],
    ["let n = 2; n++; respond(n);", "2:25 literal_required"],
    ["const x = evidenceOf(1);", "2:11 no_evidence"],
    ["evidence('x', { minTrust: add(0, 1) });", "2:27 literal_required"],
    ["spawn(toText, 1);", "2:7 bad_spawn"],
    ["const b = bytes('0A');", "2:11 bad_bytes"],
    ["const b = pack(['u7'], [1]);", "2:17 type_error"],
    ["const b = pack(['u8', 'u8'], [1]);", "2:30 type_error"],
    ["const b = interp([[1, 1], [0, 0]], 1);", "2:11 bad_table"],
    ["const x = 'a'.split(toText(1));", "2:21 literal_required"],
    ["const x = toText(1, 13);", "2:21 literal_required"],
    ["const x = 9007199254740993;", "2:11 number_range"],
    ["main();", "2:1 bad_call"],
  ])("%s", (statements, ...problems) => {
    expect(inMain(statements)).toEqual(problems);
  });
});

describe("at the top level", () => {
  test.each<readonly [declarations: string, ...problems: string[]]>([
    ["add(1);", "2:1 top_level_statement"],
    ["let x = 1;", "2:5 no_global_variable"],
    ["const x = main();", "2:11 literal_required"],
    ["const t = [1];", "2:11 as_const_required"],
    ["enum E { A }", "2:1 no_enum"],
    ["namespace N {}", "2:1 no_namespace"],
    ["declare const x: number;", "2:1 no_declare"],
    ["export default main;", "2:1 no_export"],
    ["export { Json };", "2:1 no_export"],
    ["import fs from 'fs';", "2:1 no_import"],
    ["import * as all from 'imu';", "2:8 no_namespace"],
    ["import 'imu';", "2:1 no_import"],
    ["async function f(): void {}", "2:1 no_async"],
    ["function* f() {}", "2:1 no_generator"],
    ["function f<T>(x: T): T { return x; }", "2:12 no_generics"],
    ["function f(x?: number): void {}", "2:12 no_optional"],
    ["function f(x = 1): void {}", "2:12 no_optional"],
    ["function f(...x: number[]): void {}", "2:12 no_rest"],
    ["function f({ a }: { a: number }): void {}", "2:12 no_destructuring"],
    ["function f(x): void {}", "2:12 type_error"],
    ["function f(): number;", "2:1 no_overload"],
    ["interface O { a?: number }", "2:15 no_optional"],
    ["interface O { f(): void }", "2:15 no_closure"],
    ["interface O { [key: string]: number }", "2:15 index_may_be_null"],
    ["type F = () => void;", "2:10 no_closure"],
    ["type F = keyof { a: 1 };", "2:10 no_computed_type"],
    ["type F = 1 extends number ? 1 : 2;", "2:10 no_computed_type"],
    ["type F = { a: 1 } & { b: 1 };", "2:10 no_computed_type"],
    ["type F = { [K in 'a']: 1 };", "2:10 no_computed_type"],
    ["type F = `a\u0024{number}`;", "2:10 no_computed_type"],
    ["/// <reference path='x.d.ts' />", "2:1 no_directive"],
    ["function f(): number { if (f() > 1) return 1; }", "2:15 type_error"],
  ])("%s", (declarations, ...problems) => {
    expect(atTop(declarations)).toEqual(problems);
  });
});

describe("the program", () => {
  const main = "export function main(): void {}";

  test.each<readonly [text: string, ...problems: string[]]>([
    ["", "1:1 main_required", "1:1 program_required"],
    [main, "1:1 program_required"],
    [HEADER, "1:1 main_required"],
    [`export const program = 1;\n${main}`, "1:14 program_required"],
    [`export const program = { name: "t" };\n${main}`, "1:14 bad_field"],
    [`export const program = { name: "T T", version: "1.0.0" };\n${main}`, "1:32 bad_field"],
    [`export const program = { name: "t", version: "1.0.0", code: [] };\n${main}`, "1:61 derived_member"],
    [`export const program = { name: "t", version: "1.0.0", colour: 1 };\n${main}`, "1:63 unknown_member"],
    [
      `export const program = { name: "t", version: "1.0.0", limits: { cpuSteps: -1 } };\n${main}`,
      "1:63 limits_invalid",
    ],
    [
      `export const program = { name: "t", version: "1.0.0", outputs: ["fan"] };\n${main}`,
      "1:14 output_unused",
    ],
    [
      `import { gpio } from "imu"; export const program = { name: "t", version: "1.0.0", outputs: [] };\nexport function main(): void { gpio.write("fan", 1); }`,
      "1:42 output_undeclared",
    ],
    [`${HEADER}export function main(input: { a: number }): void {}`, "2:22 payload_required"],
    [
      `export const program = { name: "t", version: "1.0.0", payload: { type: "object", required: [], properties: { a: { type: "number" } } } };\nexport function main(input: { a: number }): void {}`,
      "2:22 payload_mismatch",
    ],
    [
      `export const program = { name: "t", version: "1.0.0", payload: { type: "object", required: ["a"], properties: { a: { type: "string" } } } };\nexport function main(input: { a: number }): void {}`,
      "2:22 payload_mismatch",
    ],
    [`${HEADER}export function main(): number { return 1; }`, "2:34 main_returns"],
  ])("%#: %s", (text, ...problems) => {
    expect(problemsOf(text)).toEqual(problems);
  });

  test("every diagnostic says what to write instead, or says it all", () => {
    const result = build(`${PREFIX}var x: any = () => 1; if (1) {}\n}`);

    expect(
      result.ok ? [] : result.diagnostics.map(({ message, hint }) => [message.length > 0, hint !== null]),
    ).toEqual([[true, true]]);
  });
});

describe("bounds", () => {
  const within = (expression: string): string =>
    `${HEADER}export function main(): void { let a = 1; let t = a > 0; const x = ${expression}; }`;

  test.each<readonly [name: string, text: string]>([
    ["parentheses", within(`${"(".repeat(95)}a${")".repeat(95)}`)],
    ["lists", within(`${"[".repeat(95)}a${"]".repeat(95)}`)],
    ["sums", within(`${"a + ".repeat(350)}a`)],
    ["negations", within(`${"!".repeat(350)}t`)],
    ["choices", within(`${"t ? 1 : ".repeat(350)}2`)],
    [
      "calls",
      `${HEADER}function f(n: number): number { return n; } export function main(): void { ${"f(".repeat(95)}1${")".repeat(95)}; }`,
    ],
    [
      "else-if",
      `${HEADER}export function main(): void { let a = 1; ${"if (a > 2) a++; else ".repeat(350)} a--; }`,
    ],
    ["blocks", `${HEADER}export function main(): void { ${"{".repeat(95)}${"}".repeat(95)} }`],
  ])("%s just within them are followed", (_name, text) => {
    expect(problemsOf(text)).toEqual([]);
  });

  const deep = (open: string, close: string, n = 20_000): string =>
    `${HEADER}export function main(): void { const x = ${open.repeat(n)}1${close.repeat(n)}; }`;

  test.each<readonly [name: string, text: string]>([
    ["parentheses", deep("(", ")")],
    ["arrays", deep("[", "]")],
    ["signs", deep("- ", "")],
    ["negations", deep("!", "")],
    ["sums", deep("1+", "")],
    ["choices", deep("true?1:", "")],
    ["arrows", deep("a=>", "")],
    ["assignments", deep("a=", "")],
    ["members", deep("a.", "a")],
    ["calls", deep("", "()")],
    ["templates", deep("`${", "}`")],
    ["else-if", `${HEADER}export function main(): void { ${"if (true) {} else ".repeat(20_000)}{} }`],
    ["types", `${HEADER}type T = ${"Array<".repeat(20_000)}number${">".repeat(20_000)};`],
    ["brackets hidden by strings", deep('(")",', ")")],
    ["comments of types", `/** @type {${"(".repeat(20_000)}} */ ${HEADER}`],
    ["a long function", `${HEADER}export function main(): void { ${"let a = 1 + 2 + 3;".repeat(600)} }`],
    ["unions", `${HEADER}type U = ${"1 | ".repeat(300)}2;`],
    ["literal types", `${HEADER}const T = [${"1, ".repeat(600)}] as const;`],
    ["size", `${HEADER}// ${"x".repeat(300_000)}`],
    ["nodes", `${HEADER}export function main(): void { ${"1;".repeat(120_000)} }`],
  ])("%s are refused, not followed", (_name, text) => {
    expect(problemsOf(text).join()).toMatch(/nested_too_deep|_too_large/);
  });
});
