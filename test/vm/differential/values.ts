/** Literals, names and payloads that have edges. The first of each list is the plainest. */
import type { Json, JsonObject } from "../../../firmware/core/json.ts";

/** What the generator believes of a value. It may be wrong after a merge of paths, which is welcome. */
export type Kind =
  | "number"
  | "word"
  | "small"
  | "boolean"
  | "string"
  | "bytes"
  | "array"
  | "object"
  | "task"
  | "null"
  | "any";

export const NUMBERS: readonly number[] = [
  ...[0, 1, 2, -1, 7, -5, 0.5, -0.5, 2.5, 1.5, -2.5, -1.25, 10, 3.25, 100, 255, 1e-7, 0.1],
  ...[
    2 ** 31 - 1,
    2 ** 31,
    -(2 ** 31),
    2 ** 32 - 1,
    2 ** 32,
    2 ** 53 - 1,
    -(2 ** 53 - 1),
    4503599627370495.5,
  ],
  ...[1e15 - 0.25, 5e-324, -5e-324, 2.2250738585072014e-308, 123456.789, -123.5, 1e-300],
];
export const WORDS: readonly number[] = [
  ...[0, 1, 2, 3, 31, 8, 255, 0x8000, 65_535, 0x12345678, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, -1, -128],
  -(2 ** 31),
];
/** Shifts and positions, and what is just outside. */
export const SMALL: readonly number[] = [0, 1, 2, 3, 4, 5, 8, 15, 16, 24, 30, 31, 32, -1];
export const NUMERALS: readonly string[] = [
  "0",
  "12",
  "-1.5e3",
  " 7 ",
  "+.5",
  "5.",
  "1e22",
  "0.1",
  "-0",
  "0x10",
  "1e999",
];
export const TEXTS: readonly string[] = [
  ...[
    "",
    "a",
    "12",
    "-1.5e3",
    " 7 ",
    "a,b,,c",
    "zz",
    "0a1b",
    "AQID",
    "😀",
    "a😀b",
    "é",
    "e\u0301",
    "\u2028",
    "\0",
  ],
  ...[
    "__proto__",
    "constructor",
    "length",
    "true",
    "reg x",
    "$" + "{x}`",
    "\\\"'",
    "\ufeff",
    "\uffff",
    "𝒳,𝒴",
    "0x10",
    "1e999",
  ],
  "x".repeat(300),
];
export const HEXES: readonly string[] = [
  ...["", "00", "ff", "0a1b", "00ff10", "313233", "f09f9880", "c3", "0000803f", "00000000000000f07f"],
  "0123456789abcdef",
  "ab".repeat(300),
];
export const KEYS: readonly string[] = [
  ...[
    "a",
    "b",
    "__proto__",
    "constructor",
    "toString",
    "hasOwnProperty",
    "length",
    "",
    "0",
    "a.b",
    "😀",
    "valueOf",
  ],
  ...["x".repeat(256), "é".repeat(129), "$bytes"],
];
export const REGISTERS: readonly string[] = [
  ...["a", "b", "c", "__proto__", "constructor", "toString", "hasOwnProperty", "length", "let", "arguments"],
  ...["_", "run", "memory", "X".repeat(32)],
];
export const LABELS: readonly string[] = [
  "__proto__",
  "constructor",
  "toString",
  "default",
  "L 😀",
  "l".repeat(64),
];
export const FUNCTIONS: readonly string[] = ["f", "__proto__", "hasOwnProperty"];
export const CLAIMS: readonly string[] = ["ok", "__proto__", "constructor", "warm 😀"];

/** An object whose keys are all its own, `__proto__` included. */
export const anObject = (entries: readonly (readonly [string, Json])[]): JsonObject =>
  Object.fromEntries(entries) as JsonObject;

export const CONSTANTS: JsonObject = anObject([
  ["n", 12.5],
  ["s", "const 😀"],
  ["w", 0xdead_beef],
  ["b", { $bytes: "00112233" }],
  ["l", [1, "two", null, [3]]],
  [
    "o",
    anObject([
      ["k", 1],
      ["__proto__", { x: 2 }],
    ]),
  ],
  ["__proto__", [true]],
  ["constructor", 3],
]);
export const CONSTANTS_OF: Readonly<Partial<Record<Kind, readonly string[]>>> = {
  number: ["n", "constructor"],
  word: ["w"],
  string: ["s"],
  bytes: ["b"],
  array: ["l", "__proto__"],
  object: ["o"],
};

const rich: JsonObject = anObject([
  ["n", 7],
  ["huge", 1.7e308],
  ["minus", -0],
  ["big", 9007199254740991],
  ["w", 3000000000],
  ["s", "a😀b"],
  ["flag", true],
  ["none", null],
  ["b", { $bytes: "00ff10" }],
  ["l", [1, [2, { k: "v" }], "x", -0]],
  [
    "o",
    anObject([
      ["k", 1],
      ["__proto__", { polluted: true }],
      ["constructor", "c"],
    ]),
  ],
  ["a.b", 5],
  ["__proto__", 9],
]);
const deep = (levels: number): Json => (levels === 0 ? 1 : [deep(levels - 1)]);

export const PAYLOADS: readonly Json[] = [
  rich,
  {},
  null,
  [1, 2, [3]],
  "text 😀",
  anObject([
    ["n", "not a number"],
    ["s", 5],
    ["l", {}],
    ["o", []],
    ["w", -1],
    ["b", "00"],
    ["flag", 0],
  ]),
  anObject([
    ["n", 1e308],
    ["l", Array.from({ length: 80 }, (_, i) => i)],
    ["o", { deep: deep(34) }],
    ["s", "y".repeat(700)],
  ]),
  anObject([
    ["o", anObject([["x".repeat(300), 1]])],
    ["l", deep(20)],
    ["n", 5e-324],
    ["s", "\u2028"],
  ]),
];

/** Text operands that read the payload, by the kind they have in the first payload. */
export const INPUTS_OF: Readonly<Partial<Record<Kind, readonly Json[]>>> = {
  number: [
    "$.payload.n",
    "$.payload.minus",
    "$.payload.huge",
    "$.payload.big",
    "$.payload.a.b",
    { payload: "/l/0" },
    { payload: "/l/3" },
    "$.payload.__proto__",
  ],
  word: ["$.payload.w", "$.payload.n"],
  string: ["$.payload.s", { payload: "/l/1/1/k" }, "$.trigger.kind"],
  boolean: ["$.payload.flag"],
  null: ["$.payload.none", "$.payload.toString", { payload: "/l/9" }, { payload: "/o/hasOwnProperty" }],
  bytes: ["$.payload.b"],
  array: ["$.payload.l", { payload: "/l/1" }],
  object: ["$.payload.o", "$.payload", "$.trigger", { payload: "/o/__proto__" }],
};
