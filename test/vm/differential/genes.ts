/** What each gene writes, except for blocks: values, variables, growth, functions, calls, tasks, claims, endings. */
import type { Json, JsonObject } from "../../../firmware/core/json.ts";
import type { Frame } from "./frame.ts";
import type { Choices } from "./genome.ts";
import { packFormat, packInput, SHAPES, type Shape } from "./shapes.ts";
import { CLAIMS, KEYS, type Kind, NUMERALS, REGISTERS } from "./values.ts";

export interface FunctionHead {
  readonly name: string;
  readonly params: readonly string[] | null;
}

/** Where a gene writes to, and what it may refer to. */
export interface Site {
  readonly frame: Frame;
  readonly functions: readonly FunctionHead[];
}

export type Write = (site: Site, choices: Choices) => void;

export function writeShape(shape: Shape, frame: Frame, choices: Choices): void {
  const [first, second] = shape.takes;
  // Two equal values are rare by chance, and where comparisons differ.
  if (first !== undefined && first === second && choices.oneIn(5)) {
    frame.need([first], choices);
    const kind = frame.stack.at(-1) ?? first;
    frame.act("DUP", {}, 1, kind, kind);
  } else frame.need(shape.takes, choices);
  const fields = shape.fields(choices, frame);
  frame.act(shape.op, fields, shape.takes.length, ...(shape.gives === null ? [] : [shape.gives]));
}

const KINDS: readonly Kind[] = ["number", "string", "boolean", "word", "bytes", "array", "object", "null"];

const literal: Write = ({ frame }, choices) => frame.push(choices.pick(KINDS), choices);
const plain: Write = ({ frame }, choices) => writeShape(choices.pick(SHAPES), frame, choices);

const reference: Write = ({ frame }, choices) => {
  const texts = [
    "reg:a",
    "$.payload.n",
    "const:s",
    "[1,{}]",
    "hello",
    "1e2",
    '{"a":[null]}',
    "-0",
    "$.payload",
    "12",
  ];
  frame.act("PUSH", { ref: choices.pick(texts) }, 0, "any");
};

const shuffle: Write = ({ frame }, choices) => {
  const op = choices.pick(["DUP", "SWAP", "OVER", "POP"]);
  frame.need(op === "DUP" || op === "POP" ? ["any"] : ["any", "any"], choices);
  const [b = "any", a = "any"] = [frame.stack.at(-1), frame.stack.at(-2)];
  if (op === "DUP") frame.act(op, {}, 1, b, b);
  else if (op === "SWAP") frame.act(op, {}, 2, b, a);
  else if (op === "OVER") frame.act(op, {}, 2, a, b, a);
  else frame.act(op, {}, 1);
};

const store: Write = ({ frame }, choices) => {
  frame.need(["any"], choices);
  frame.store(choices);
};

const load: Write = ({ frame }, choices) => {
  const name = choices.pick(REGISTERS);
  frame.act("LOAD", { reg: name }, 0, frame.registers.get(name) ?? "null");
};

/** A new container goes to a register, where later genes find it; sometimes to two, which are then the same one. */
const container: Write = ({ frame }, choices) => {
  const kind = choices.pick(["array", "object"] as const);
  frame.act(kind === "array" ? "NEW_ARR" : "NEW_OBJ", {}, 0, kind);
  if (choices.oneIn(3)) frame.act("DUP", {}, 1, kind, kind);
  while (frame.stack.at(-1) === kind && frame.depth > frame.floor && choices.below(4) < 3)
    frame.store(choices);
};

const pack: Write = ({ frame }, choices) => {
  const format = [...packFormat(choices)];
  frame.act("PUSH", { value: packInput(format, choices, frame) }, 0, "array");
  frame.act("PACK", { format }, 1, "bytes");
  if (choices.oneIn(3)) frame.act("UNPACK", { format }, 1, "array");
};

const numeral: Write = ({ frame }, choices) => {
  frame.act("PUSH", { value: choices.pick(NUMERALS) }, 0, "string");
  frame.act("TO_NUM", {}, 1, "number");
};

/** Doubles a text or bytes up to the value limit: bulk work that crosses slices and turns. */
const grow: Write = ({ frame }, choices) => {
  const kind = choices.pick(["string", "bytes"] as const);
  const seed: Json =
    kind === "string" ? choices.pick(["ab", "😀", "x".repeat(40)]) : { bytes: "00ff".repeat(9) };
  frame.act("PUSH", { value: seed }, 0, kind);
  for (let n = 1 + choices.below(13); n > 0; n--) {
    frame.act("DUP", {}, 1, kind, kind);
    frame.act("CONCAT", {}, 2, kind);
  }
  if (choices.oneIn(3)) frame.store(choices);
};

const callFunction: Write = ({ frame, functions }, choices) => {
  const callee = functions[choices.below(Math.max(1, functions.length))];
  if (callee === undefined) frame.push("number", choices);
  else frame.act("CALLF", { name: callee.name, ...argumentsFor(callee, frame, choices) }, 0, "any");
};

function argumentsFor(callee: FunctionHead, frame: Frame, choices: Choices): JsonObject {
  const names = callee.params ?? ["n", "a"].slice(0, choices.below(3));
  if (names.length === 0) return {};
  const value = (to: string): Json =>
    to === "n" && choices.below(3) < 2 ? 1 + choices.below(7) : frame.operands.of("any", choices);
  return { args: names.map((to) => ({ to, value: value(to) })) };
}

/** At the bottom of a recursion: instructions at which frames are put aside, or fail. */
function bottom(frame: Frame, choices: Choices): void {
  const form = choices.below(5);
  if (form === 1) frame.act("SLEEP_MS", { ms: 0 }, 0);
  else if (form === 2) frame.act("EVIDENCE", { claim: "bottom" }, 0);
  else if (form === 3) frame.act("CALL", { fn: "f" }, 0, "any");
  else if (form === 4) frame.act("GETK", { oid: 0, key: 0 }, 0, "any");
}

/** Calls itself with one less, down to 0, and keeps what it gets back beside what it had. */
const recurse: Write = ({ frame, functions }, choices) => {
  const own = functions.find(({ name }) => name === frame.fn);
  if (own === undefined) return callFunction({ frame, functions }, choices);
  const [done, deeper] = [frame.labels.next(), frame.labels.next()];
  frame.act("LOAD", { reg: "n" }, 0, "any");
  frame.act("TYPE", {}, 1, "string");
  frame.act("PUSH", { value: "number" }, 0, "string");
  frame.act("EQ", {}, 2, "boolean");
  frame.act("JZ", { label: done }, 1);
  frame.act("LOAD", { reg: "n" }, 0, "number");
  frame.act("PUSH", { value: 0 }, 0, "number");
  frame.act("GT", {}, 2, "boolean");
  frame.act("JNZ", { label: deeper }, 1);
  const depth = frame.depth;
  bottom(frame, choices);
  frame.level(depth, choices);
  frame.act("JUMP", { label: done }, 0);
  frame.place(deeper);
  frame.act("LOAD", { reg: "n" }, 0, "number");
  frame.act("PUSH", { value: 1 }, 0, "number");
  frame.act("SUB", {}, 2, "number");
  frame.act("STORE", { reg: "next" }, 1);
  const args = (own.params ?? ["n"]).map((to) => ({ to, value: to === "n" ? "reg:next" : `reg:${to}` }));
  frame.act("CALLF", { name: own.name, args }, 0, "any");
  frame.act("STORE", { reg: "back" }, 1);
  frame.registers.set("back", "any");
  frame.place(done);
};

const EVIDENCE_REGISTER = "e";

const callCapability: Write = ({ frame }, choices) => {
  const evidence: JsonObject = choices.oneIn(3) ? { evidence: EVIDENCE_REGISTER } : {};
  if ("evidence" in evidence) frame.registers.set(EVIDENCE_REGISTER, "array");
  const one = frame.operands.of("any", choices);
  const form = choices.below(5);
  if (form === 0) frame.act("CALL", { fn: "f", ...evidence }, 0, "any");
  else if (form === 1)
    frame.act("CALL", { fn: "f", args: [one, choices.pick(["reg:a", "[1]", "x"])], ...evidence }, 0, "any");
  else if (form === 2)
    frame.act("CAP", { name: "sensor.read", args: { a: one, other: 1 }, ...evidence }, 0, "any");
  else if (form === 3)
    frame.act("CALL", { fn: "gpio_write", args: { output: "led", value: one }, ...evidence }, 0, "any");
  else frame.act("CAP", { name: "f", args: { __proto__x: one, b: {} } }, 0, "any");
};

const wait: Write = ({ frame }, choices) => {
  const form = choices.below(3);
  const name = form === 2 ? frame.operands.registerOf("number", choices) : null;
  if (form === 1) frame.act("ELAPSED", {}, 0, "number");
  else if (name !== null) frame.act("SLEEP_MS", { ms: `reg:${name}` }, 0);
  else frame.act("SLEEP_MS", { ms: choices.pick([0, 1, 2.5, 10, 40, 101]) }, 0);
};

const claim: Write = ({ frame }, choices) => {
  const id = choices.pick(CLAIMS);
  const value: JsonObject = choices.oneIn(2) ? { value: frame.operands.of("any", choices) } : {};
  const more: JsonObject = choices.oneIn(3)
    ? {
        sources: ["vm://t"],
        minTrust: 0.5,
        group: null,
        from: { a: 1 },
        evidence: `reg:${EVIDENCE_REGISTER}`,
      }
    : {};
  const form = choices.below(4);
  if (form < 2) frame.act("EVIDENCE", { claim: id, ...value, ...more }, 0);
  else if (form === 2) frame.act("CLAIM", { text: `it holds: ${id}`, ...value, ...more }, 0);
  else frame.act("CLAIM", { id, about: "a thing", type: "t", schema: { type: "number" }, ...value }, 0);
};

const join: Write = ({ frame }, choices) => {
  const name = frame.operands.registerOf("task", choices);
  if (name === null && choices.below(8) < 7) {
    frame.push("number", choices);
    return;
  }
  const timeout: JsonObject = choices.pick<JsonObject>([
    {},
    { timeout_ms: 5 },
    { timeout_s: 0.001 },
    { timeout_ms: 0 },
  ]);
  frame.act("JOIN", { task: name === null ? "reg:t" : `reg:${name}`, ...timeout }, 0, "object");
  if (name !== null && choices.oneIn(2)) frame.store(choices);
};

/** Reads from what came back of a JOIN, a call or a handler. */
const inspect: Write = ({ frame }, choices) => {
  const key = choices.pick(["value", "body", "error", "reason", "code", "details", "a", ...KEYS.slice(2, 5)]);
  frame.need(["object"], choices);
  frame.store(choices);
  const name = frame.operands.registerOf("object", choices);
  frame.act("GETK", { oid: `reg:${name ?? "a"}`, key }, 0, "any");
};

/** Genes that write a few instructions each, with their weights. */
export const WRITES: readonly (readonly [weight: number, write: Write])[] = [
  [6, literal],
  [60, plain],
  [2, reference],
  [4, shuffle],
  [5, store],
  [3, load],
  [4, container],
  [2, pack],
  [1, numeral],
  [2, grow],
  [5, callFunction],
  [5, recurse],
  [9, callCapability],
  [4, wait],
  [3, claim],
  [5, join],
  [2, inspect],
];
