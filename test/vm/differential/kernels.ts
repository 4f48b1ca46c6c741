/** Short pieces that a compiler treats in its own way: values carried around loops, over merges and across blocks. */
import type { Json } from "../../../firmware/core/json.ts";
import type { Frame } from "./frame.ts";
import type { Write } from "./genes.ts";
import type { Choices } from "./genome.ts";
import { KEYS, type Kind } from "./values.ts";

const BINARY = "ADD SUB MUL DIV MOD IDIV MIN MAX BXOR BAND BOR SHL SHR SAR EQ LT".split(" ");
const UNARY = "NEG ABS FLOOR CEIL TRUNC ROUND SQRT BNOT".split(" ");
const STEPS: readonly Json[] = [
  1,
  0,
  3,
  2,
  -3,
  0.5,
  -1,
  31,
  255,
  1e-9,
  65_537,
  2 ** 31,
  2 ** 32 - 1,
  "reg:sum",
  "$.payload.huge",
];

function start(frame: Frame, reg: string, choices: Choices): void {
  const first = choices.pick<Json>([
    0,
    1,
    2 ** 31 - 1,
    0.5,
    -7,
    "$.payload.n",
    "xé",
    "😀é",
    null,
    2 ** 53 - 1,
    true,
    [],
  ]);
  frame.act("PUSH", { value: first }, 0, "any");
  frame.act("STORE", { reg }, 1);
  const isText = typeof first === "string" && !first.startsWith("$");
  frame.registers.set(reg, isText ? "string" : "number");
}

/** A value that a loop carries from one round to the next, and that may change its kind on the way. */
const accumulate: Write = ({ frame }, choices) => {
  const reg = choices.pick(["acc", "sum"]);
  const kind = frame.registers.get(reg);
  if (kind === undefined || choices.oneIn(9)) return start(frame, reg, choices);
  frame.act("LOAD", { reg }, 0, kind);
  if (kind === "string") {
    frame.act("PUSH", { value: choices.pick(["é", "y", "ÿ", "😀", ""]) }, 0, "string");
    frame.act("CONCAT", {}, 2, "string");
    frame.act("STORE", { reg }, 1);
    frame.act("LEN", { oid: `reg:${reg}` }, 0, "number");
    return;
  }
  for (let n = 1 + choices.below(3); n > 0; n--) {
    if (choices.oneIn(4)) frame.act(choices.pick(UNARY), {}, 1, "number");
    else {
      frame.act("PUSH", { value: choices.pick(STEPS) }, 0, "number");
      if (choices.oneIn(3)) frame.act("SWAP", {}, 2, "number", "number");
      frame.act(choices.pick(BINARY), {}, 2, "number");
    }
  }
  frame.act("STORE", { reg }, 1);
};

const MEMBER_KEYS: readonly Json[] = [
  "a",
  "b",
  "c",
  "__proto__",
  "reg:key",
  "reg:key",
  "d",
  "$bytes",
  "x".repeat(257),
];
const OBJECTS = ["o", "q"];

function needObjects(frame: Frame, choices: Choices): void {
  for (const reg of OBJECTS) {
    if (frame.registers.get(reg) === "object" && !choices.oneIn(16)) continue;
    if (choices.below(2) === 0) frame.act("NEW_OBJ", {}, 0, "object");
    else frame.act("PUSH", { value: { a: 1, b: "reg:acc" } }, 0, "object");
    frame.act("STORE", { reg }, 1);
    frame.registers.set(reg, "object");
  }
}

/** Traffic on two objects that change places: members are added, changed, left out and read at the same instruction. */
const members: Write = ({ frame }, choices) => {
  needObjects(frame, choices);
  for (let n = 1 + choices.below(4); n > 0; n--) {
    const key = choices.pick(MEMBER_KEYS);
    const oid = "reg:o";
    const form = choices.below(8);
    if (form < 2) frame.act("SETK", { oid, key, value: choices.pick<Json>([1, "reg:acc", "x"]) }, 0);
    else if (form < 4) frame.act("GETK", { oid, key }, 0, "any");
    else if (form === 4) frame.act("DELK", { oid, key }, 0);
    else if (form === 5) frame.act(choices.pick(["KEYS", "LEN"]), { oid }, 0, "any");
    else if (form === 6) {
      for (const reg of OBJECTS) frame.act("LOAD", { reg }, 0, "object");
      for (const reg of OBJECTS) frame.act("STORE", { reg }, 1);
    } else {
      frame.act("PUSH", { value: choices.pick(KEYS.slice(0, 12)) }, 0, "string");
      frame.act("STORE", { reg: "key" }, 1);
      frame.registers.set("key", "string");
    }
  }
};

/** Traffic on one array: appended to, written and read by position, also just outside. */
const elements: Write = ({ frame }, choices) => {
  const oid = "reg:l";
  if (frame.registers.get("l") !== "array" || choices.oneIn(8)) {
    frame.act("PUSH", { value: choices.pick<Json>([[], [1, 2, 3], ["a", null, [1]]]) }, 0, "array");
    frame.act("STORE", { reg: "l" }, 1);
    frame.registers.set("l", "array");
  }
  for (let n = 1 + choices.below(4); n > 0; n--) {
    const key = choices.oneIn(6) ? choices.pick<Json>([3, -1, 0.5, "0", "reg:acc"]) : choices.below(2);
    const form = choices.below(5);
    if (form === 0) frame.act("GETK", { oid, key }, 0, "any");
    else if (form === 1) frame.act("SETK", { oid, key, value: frame.operands.of("any", choices) }, 0);
    else if (form === 2) frame.act("APPEND", { oid, value: frame.operands.of("any", choices) }, 0);
    else if (form === 3) frame.act("LEN", { oid }, 0, "number");
    else frame.act("HASK", { oid, key }, 0, "boolean");
  }
};

/** A register changes while its old value still lies on the stack. */
const overwrite: Write = ({ frame }, choices) => {
  const reg = choices.pick(["acc", "sum", "a"]);
  const old = frame.registers.get(reg) ?? "any";
  for (let n = 1 + choices.below(2); n > 0; n--) frame.act("LOAD", { reg }, 0, old);
  const kind = choices.pick<Kind>(["number", "string", "boolean"]);
  frame.push(kind, choices);
  frame.act("STORE", { reg }, 1);
  frame.registers.set(reg, kind);
};

/** An empty or full container whose kind is known decides. */
const emptiness: Write = ({ frame }, choices) => {
  const form = choices.below(6);
  if (form < 2) frame.act(form === 0 ? "NEW_OBJ" : "NEW_ARR", {}, 0, "any");
  else
    frame.act(
      "PUSH",
      { value: choices.pick<Json>([[], {}, "", { bytes: "" }, [0], { a: 1, b: 2 }, 0, 0.5]) },
      0,
      "any",
    );
  const consumer = choices.below(3);
  if (consumer === 0) frame.act("NOT", {}, 1, "boolean");
  else if (consumer === 1) {
    frame.act("PUSH", { value: true }, 0, "boolean");
    frame.act(choices.pick(["AND", "OR"]), {}, 2, "boolean");
  } else branch(frame, 7);
};

/** Takes the top; gives this number or another one. */
function branch(frame: Frame, number: number): void {
  const [other, behind] = [frame.labels.next(), frame.labels.next()];
  frame.act("JZ", { label: other }, 1);
  frame.act("PUSH", { value: number }, 0, "number");
  frame.act("JUMP", { label: behind }, 0);
  frame.stack.pop();
  frame.place(other);
  frame.act("PUSH", { value: choicesText(number) }, 0, "any");
  frame.place(behind);
}

/** Another kind than the number it stands beside, for merges. */
const choicesText = (number: number): Json => (number % 2 === 0 ? -number : "none");

/** Values that lie on the stack while control goes round, changing places. */
const stackLoop: Write = ({ frame }, choices) => {
  const [head, counter] = [frame.labels.next(), frame.counter()];
  frame.act("PUSH", { value: choices.pick<Json>([0, 1, 2 ** 31 - 1, "$.payload.n"]) }, 0, "number");
  frame.act("PUSH", { value: choices.pick<Json>([1, 0.5, -3, "x", 2 ** 32 - 1]) }, 0, "any");
  frame.act("PUSH", { value: 1 + choices.below(5) }, 0, "number");
  frame.act("STORE", { reg: counter }, 1);
  frame.place(head);
  for (let n = 1 + choices.below(4); n > 0; n--) {
    const form = choices.below(4);
    if (form < 2) frame.act("SWAP", {}, 2, "any", "any");
    else if (form === 2) {
      frame.act("OVER", {}, 2, "any", "any", "any");
      frame.act(choices.pick(["ADD", "SUB", "MAX", "EQ", "OR"]), {}, 2, "any");
    } else {
      frame.act("DUP", {}, 1, "any", "any");
      branch(frame, 1 + choices.below(6));
      frame.act("POP", {}, 1);
    }
  }
  frame.act("LOAD", { reg: counter }, 0, "number");
  frame.act("PUSH", { value: 1 }, 0, "number");
  frame.act("SUB", {}, 2, "number");
  frame.act("DUP", {}, 1, "number", "number");
  frame.act("STORE", { reg: counter }, 1);
  frame.act("JNZ", { label: head }, 1);
};

/** One register, a value of another kind on each path, and one use of it where the paths meet. */
const mixed: Write = ({ frame }, choices) => {
  const [other, behind] = [frame.labels.next(), frame.labels.next()];
  const values = choices.pick<readonly [Json, Json]>([
    [1, "x"],
    [2, 2.5],
    [3, 2 ** 32],
    ["x", null],
    [true, 0],
  ]);
  frame.need(["boolean"], choices);
  frame.act("JZ", { label: other }, 1);
  frame.act("PUSH", { value: values[0] }, 0, "any");
  frame.act("STORE", { reg: "m" }, 1);
  frame.act("JUMP", { label: behind }, 0);
  frame.place(other);
  frame.act("PUSH", { value: values[1] }, 0, "any");
  frame.act("STORE", { reg: "m" }, 1);
  frame.place(behind);
  frame.act("LOAD", { reg: "m" }, 0, "any");
  frame.act("PUSH", { value: choices.pick([1, 3]) }, 0, "number");
  frame.act(choices.pick(["ADD", "BXOR", "GT", "EQ", "OR", "MAX"]), {}, 2, "any");
};

/** Words that arithmetic leads out of the words, directly below a bit operation. */
const words: Write = ({ frame }, choices) => {
  frame.push("word", choices);
  if (choices.below(2) === 0) frame.act(choices.pick(["NEG", "ABS", "SQRT", "BNOT"]), {}, 1, "number");
  else {
    frame.push("word", choices);
    frame.act(choices.pick(["ADD", "SUB", "MUL", "DIV", "MIN", "MOD"]), {}, 2, "number");
  }
  frame.push("word", choices);
  frame.act(choices.pick(["BXOR", "BAND", "BOR"]), {}, 2, "word");
};

/** What loops work on, made before the loop so that it is carried from round to round. */
export function prepare(frame: Frame, choices: Choices): void {
  for (const reg of ["acc", "sum"]) if (!frame.registers.has(reg)) start(frame, reg, choices);
  if (choices.below(2) === 0) needObjects(frame, choices);
  if (frame.registers.has("l")) return;
  frame.act("NEW_ARR", {}, 0, "array");
  frame.act("STORE", { reg: "l" }, 1);
  frame.registers.set("l", "array");
}

/** With their weights. */
export const KERNELS: readonly (readonly [weight: number, write: Write])[] = [
  [8, accumulate],
  [5, members],
  [4, elements],
  [3, overwrite],
  [3, emptiness],
  [3, stackLoop],
  [2, mixed],
  [2, words],
];
