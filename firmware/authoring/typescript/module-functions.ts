/** The functions of the module imu, one instruction or few each. */
import type ts from "typescript";
import { literalInteger, literalText, literalValue } from "./arguments.ts";
import type { Fields } from "./code.ts";
import { constantOf } from "./constants.ts";
import type { Frame, Left } from "./frame.ts";
import { literalOperand, operandsOf } from "./operands.ts";

export type ModuleFunction = (frame: Frame, call: ts.CallExpression) => Left;

function pushAll(frame: Frame, call: ts.CallExpression): void {
  for (const argument of call.arguments) frame.lower.push(frame, argument);
}

/** All arguments on the stack, then one instruction. */
const stacked =
  (op: string): ModuleFunction =>
  (frame, call) => {
    pushAll(frame, call);
    frame.emit(call, op);
    return "value";
  };

/** One argument on the stack, the other written into the instruction. */
const written =
  (op: string, onStack: 0 | 1, fields: (frame: Frame, call: ts.CallExpression) => Fields): ModuleFunction =>
  (frame, call) => {
    const argument = call.arguments[onStack];
    if (argument) frame.lower.push(frame, argument);
    frame.emit(call, op, fields(frame, call));
    return "value";
  };

const encoding = (frame: Frame, call: ts.CallExpression): Fields => ({
  as: literalText(frame, call, 1, "The encoding") ?? "utf8",
});
const format = (frame: Frame, call: ts.CallExpression): Fields => ({
  format: literalValue(frame, call.arguments[0], "The format") ?? ["u8"],
});

/** asNumber and asText: an operation that changes nothing and takes nothing else. */
const checked =
  (value: number | string, op: string): ModuleFunction =>
  (frame, call) => {
    pushAll(frame, call);
    frame.emit(call, "PUSH", { value });
    frame.emit(call, op);
    return "value";
  };

const isOfType =
  (name: string): ModuleFunction =>
  (frame, call) => {
    pushAll(frame, call);
    frame.emit(call, "TYPE");
    frame.emit(call, "PUSH", { value: name });
    frame.emit(call, "EQ");
    return "value";
  };

const respond: ModuleFunction = (frame, call) => {
  const { c } = frame;
  const [status, body] = call.arguments;
  const value = status ? constantOf(c, status) : undefined;
  if (typeof value !== "number" && status)
    c.report(status, "literal_required", "The status is a literal.", "Branch, and write respond(200, …).");
  const [operand] = body ? operandsOf(frame, [body]) : [];
  const code = typeof value === "number" ? value : 200;
  frame.emit(call, "RESPOND", { status: code, ...(operand === undefined ? {} : { body: operand }) });
  return "never";
};

const sleep: ModuleFunction = (frame, call) => {
  const [ms] = operandsOf(frame, call.arguments);
  frame.emit(call, "SLEEP_MS", { ms: ms ?? 0 });
  return "nothing";
};

const clamp: ModuleFunction = (frame, call) => {
  const [x, ...bounds] = call.arguments;
  if (x) frame.lower.push(frame, x);
  const [min, max] = operandsOf(frame, bounds);
  frame.emit(call, "CLAMP", { min: min ?? null, max: max ?? null });
  return "value";
};

const toText: ModuleFunction = (frame, call) => {
  const [value, digits] = call.arguments;
  if (value) frame.lower.push(frame, value);
  const count = digits ? literalInteger(frame, call, 1, ["The number of digits", 0, 12]) : null;
  frame.emit(call, "TO_STR", count === null ? {} : { digits: count });
  return "value";
};

const bytes: ModuleFunction = (frame, call) => {
  const value = constantOf(frame.c, call);
  if (value === undefined) {
    const hint = 'Write bytes("0a1b"); for computed octets use pack or encode.';
    frame.c.report(call, "bad_bytes", "Bytes are written as pairs of lower-case hex digits.", hint);
  }
  frame.emit(call, "PUSH", { value: value === undefined ? { bytes: "" } : literalOperand(value) });
  return "value";
};

const size: ModuleFunction = (frame, call) => {
  const [oid] = operandsOf(frame, call.arguments);
  frame.emit(call, "LEN", { oid: oid ?? null });
  return "value";
};

const join: ModuleFunction = (frame, call) => {
  const [task, timeout] = operandsOf(frame, call.arguments);
  frame.emit(call, "JOIN", { task: task ?? null, ...(timeout === undefined ? {} : { timeout_ms: timeout }) });
  return "value";
};

const evidenceOf: ModuleFunction = (frame, call) => {
  const { c } = frame;
  const [result] = call.arguments;
  const bare = result ? c.bare(result) : null;
  const symbol = bare && c.ts.isIdentifier(bare) ? c.symbolOf(bare) : null;
  const register = symbol === null ? undefined : frame.evidence.get(symbol);
  if (register === undefined) {
    const hint = "Write const reading = sensor.read(…); then evidenceOf(reading).";
    c.report(
      call,
      "no_evidence",
      "Evidence belongs to a const that holds the result of a capability call.",
      hint,
    );
  }
  frame.emit(call, "LOAD", { reg: register ?? "_" });
  return "value";
};

/** withBit: the flag is a truth value on the stack. */
const withBit: ModuleFunction = (frame, call) => {
  const [word, , on] = call.arguments;
  if (word) frame.lower.push(frame, word);
  if (on) frame.lower.push(frame, on);
  frame.emit(call, "BITSET", { bit: literalInteger(frame, call, 1, ["The bit", 0, 31]) ?? 0 });
  return "value";
};

const interp = written("INTERP", 1, (frame, call) => ({
  table: literalValue(frame, call.arguments[0], "The table") ?? [],
}));

export const MODULE_FUNCTIONS: Readonly<Record<string, ModuleFunction>> = {
  elapsed: stacked("ELAPSED"),
  concat: stacked("CONCAT"),
  roundHalfEven: stacked("ROUND"),
  floorDivide: stacked("IDIV"),
  toNumber: stacked("TO_NUM"),
  hash: stacked("HASH"),
  asNumber: checked(0, "ADD"),
  asText: checked("", "CONCAT"),
  isArray: isOfType("array"),
  isObject: isOfType("object"),
  isBytes: isOfType("bytes"),
  halt: (frame, call) => {
    frame.emit(call, "HALT");
    return "never";
  },
  encode: written("ENCODE", 0, encoding),
  decode: written("DECODE", 0, encoding),
  pack: written("PACK", 1, format),
  unpack: written("UNPACK", 1, format),
  crc: written("CRC", 1, (frame, call) => ({
    preset: literalText(frame, call, 0, "The preset") ?? "crc32",
  })),
  bitAt: written("BITGET", 0, (frame, call) => ({
    bit: literalInteger(frame, call, 1, ["The bit", 0, 31]) ?? 0,
  })),
  signExtend: written("SEXT", 0, (frame, call) => ({
    bits: literalInteger(frame, call, 1, ["The number of bits", 1, 32]) ?? 1,
  })),
  respond,
  sleep,
  clamp,
  toText,
  bytes,
  size,
  join,
  evidenceOf,
  withBit,
  interp,
};

const MATH: Readonly<Record<string, string>> = {
  floor: "FLOOR",
  ceil: "CEIL",
  trunc: "TRUNC",
  abs: "ABS",
  sqrt: "SQRT",
  min: "MIN",
  max: "MAX",
};

/** Functions of Math; min and max take any number of arguments from two on. */
export function mathCall(frame: Frame, call: ts.CallExpression, name: string): Left {
  const op = MATH[name] ?? "ABS";
  for (const [i, argument] of call.arguments.entries()) {
    frame.lower.push(frame, argument);
    if (i > 0) frame.emit(call, op);
  }
  if (call.arguments.length === 1) frame.emit(call, op);
  return "value";
}

/** Methods of text, bytes and arrays. */
export function methodCall(
  frame: Frame,
  call: ts.CallExpression,
  target: ts.PropertyAccessExpression,
): Left | null {
  const [first] = call.arguments;
  switch (target.name.text) {
    case "push": {
      const [oid, value] = operandsOf(frame, [target.expression, ...call.arguments]);
      frame.emit(call, "APPEND", { oid: oid ?? null, value: value ?? null });
      return "nothing";
    }
    case "slice": {
      frame.lower.push(frame, target.expression);
      const [start, end] = operandsOf(frame, call.arguments);
      frame.emit(call, "SLICE", { start: start ?? 0, ...(end === undefined ? {} : { end }) });
      return "value";
    }
    case "split":
      frame.lower.push(frame, target.expression);
      frame.emit(call, "SPLIT", { sep: literalText(frame, call, 0, "The separator") ?? " " });
      return "value";
    case "indexOf":
    case "includes":
    case "startsWith":
      frame.lower.push(frame, target.expression);
      if (first) frame.lower.push(frame, first);
      found(frame, call, target.name.text);
      return "value";
    default:
      return null;
  }
}

function found(frame: Frame, call: ts.CallExpression, method: string): void {
  frame.emit(call, "FIND");
  if (method === "indexOf") return;
  frame.emit(call, "PUSH", { value: 0 });
  frame.emit(call, method === "includes" ? "GE" : "EQ");
}
