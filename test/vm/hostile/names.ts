/** Names and texts that a translator could let out of their quotes. */
import { anObject } from "../differential/values.ts";
import { each, label, push, type Row, reply, store, times } from "./rows.ts";

const WORDS =
  "let yield arguments eval await this new class function var const static null true undefined NaN".split(
    " ",
  );
const INHERITED = "__proto__ constructor toString valueOf hasOwnProperty prototype length name caller".split(
  " ",
);
const ODD_TEXTS = [
  "`); throw new Error('escaped'); (`",
  "$" + "{process.exit(1)}",
  "'; globalThis.polluted = 1; //",
  "\u2028\u2029",
  "*/ polluted = 1 /*",
  "</script><!--",
  "\\u0000\\",
  "\0",
  "\r\n",
  '"\\"',
  "😀".repeat(20),
];

export const named: readonly Row[] = [
  {
    name: "registers named like words of the language",
    code: [...WORDS.flatMap((reg, i) => [push(i), store(reg)]), ...reply(WORDS.map((reg) => `reg:${reg}`))],
    body: WORDS.map((_, i) => i),
  },
  {
    name: "registers, keys, constants, labels, functions and claims named like inherited members",
    constants: anObject(INHERITED.map((name, i) => [name, i])),
    code: [
      ...INHERITED.flatMap((name) => [
        { op: "FUNC", name, params: [name] },
        { op: "JUMP", label: name },
        label(name),
        { op: "RET", value: `reg:${name}` },
        { op: "ENDFUNC" },
      ]),
      { op: "NEW_OBJ" },
      store("o"),
      ...INHERITED.flatMap((name) => [
        { op: "HASK", oid: "reg:o", key: name },
        store("had"),
        { op: "CALLF", name, args: [{ to: name, value: `const:${name}` }] },
        store(name),
        { op: "SETK", oid: "reg:o", key: name, value: [`reg:${name}`, "reg:had"] },
        { op: "EVIDENCE", claim: name },
      ]),
      { op: "RESPOND", body: "reg:o" },
    ],
    body: anObject(INHERITED.map((name, i) => [name, [i, false]])),
  },
  {
    name: "labels of 64 characters and with characters beyond the alphabet",
    code: [
      ...["l".repeat(64), "\u2028", "😀", "a b;}", "*/", "`$" + "{x}`"].flatMap((name) => [
        { op: "JUMP", label: name },
        push(1),
        { op: "POP" },
        label(name),
      ]),
      ...reply(1),
    ],
    body: 1,
  },
  {
    name: "128 registers that are all read and written",
    code: [
      ...times(128, (i) => store(`r${i}`)).flatMap((op, i) => [push(i), op]),
      ...each(128, (i) => [{ op: "LOAD", reg: `r${127 - i}` }, store(`r${i}`)]),
      ...reply(["reg:r0", "reg:r63", "reg:r64", "reg:r127"]),
    ],
    body: [127, 64, 64, 127],
  },
  {
    name: "texts that look like code, as constants, literals, keys and results",
    constants: anObject(ODD_TEXTS.map((text, i) => [`k${i}`, text])),
    code: [
      { op: "NEW_OBJ" },
      store("o"),
      ...ODD_TEXTS.flatMap((text, i) => [
        push({ lit: text }),
        push(`const:k${i}`),
        { op: "EQ" },
        store("same"),
        { op: "SETK", oid: "reg:o", key: { lit: text }, value: ["reg:same", { lit: text }] },
      ]),
      ...reply("reg:o"),
    ],
    body: anObject(ODD_TEXTS.map((text) => [text, [true, text]])),
  },
];
