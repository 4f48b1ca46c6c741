/** Instructions that only work on values: what they take from the stack, their fields, and what they give. */
import type { Json, JsonObject } from "../../../firmware/core/json.ts";
import type { Frame } from "./frame.ts";
import type { Choices } from "./genome.ts";
import { KEYS, type Kind } from "./values.ts";

export interface Shape {
  readonly op: string;
  readonly takes: readonly Kind[];
  readonly gives: Kind | null;
  readonly fields: (choices: Choices, frame: Frame) => JsonObject;
}

const none = (): JsonObject => ({});
const shape = (
  op: string,
  takes: readonly Kind[],
  gives: Kind | null,
  fields: Shape["fields"] = none,
): Shape => ({ op, takes, gives, fields });
const all = (ops: string, takes: readonly Kind[], gives: Kind): readonly Shape[] =>
  ops.split(" ").map((op) => shape(op, takes, gives));

const TABLES: readonly Json[] = [
  [
    [0, 0],
    [10, 100],
  ],
  [
    [-1, 5],
    [0, -0],
    [0.5, 1e308],
    [3, -1e308],
  ],
  [
    [1e-300, 1],
    [1, 2],
    [2 ** 53, 3],
  ],
];
const FORMATS: readonly (readonly string[])[] = [
  ["u8"],
  ["u8", "i8"],
  ["u16be", "i16le"],
  ["u24le", "i24be"],
  ["u32be", "i32le"],
  ["f32le"],
  ["f64be"],
  ["bytes:2", "pad:1", "u8"],
  ["u8", "rest"],
  ["pad:300"],
  ["rest"],
];
const PRESETS =
  "crc8-smbus crc8-maxim crc8-sensirion crc16-modbus crc16-ccitt-false crc16-xmodem crc32".split(" ");
const PARAMS: readonly JsonObject[] = [
  { width: 1, poly: 1, init: 0, refin: false, refout: true, xorout: 1 },
  { width: 12, poly: 0x80f, init: 0, refin: true, refout: false, xorout: 0 },
  { width: 32, poly: 0x1edc6f41, init: 0xffffffff, refin: true, refout: true, xorout: 0xffffffff },
];
const SEPARATORS = [",", "a", "😀", "x", ",,", "\u2028", "__proto_"];
const encoding = (choices: Choices): JsonObject => ({ as: choices.pick(["utf8", "hex", "base64", "ascii"]) });

function sliceFields(choices: Choices, frame: Frame): JsonObject {
  const start = choices.oneIn(6) ? frame.operands.of("number", choices) : choices.below(3);
  if (choices.below(3) === 0) return { start };
  return { start, end: choices.oneIn(6) ? frame.operands.of("number", choices) : choices.below(6) };
}

function clampFields(choices: Choices, frame: Frame): JsonObject {
  const least = choices.below(5) - 2;
  if (choices.oneIn(3)) return { min: least, max: frame.operands.of("number", choices) };
  return { min: least, max: least + choices.below(8) };
}

/** Operand `oid`, most of the time a register that holds a container. */
const container = (kind: Kind, choices: Choices, frame: Frame): Json => {
  const name = choices.below(8) < 7 ? frame.operands.registerOf(kind, choices) : null;
  return name === null ? frame.operands.of(kind, choices) : `reg:${name}`;
};
const keyFor = (kind: Kind, choices: Choices, frame: Frame): Json => {
  if (choices.oneIn(10)) return frame.operands.of("any", choices);
  return kind === "object" ? choices.pick(KEYS) : choices.below(5);
};

function keyed(op: string, gives: Kind | null, kinds: readonly Kind[]): Shape {
  return shape(op, [], gives, (choices, frame) => {
    const kind = choices.pick(kinds);
    const fields = { oid: container(kind, choices, frame), key: keyFor(kind, choices, frame) };
    return op === "SETK" ? { ...fields, value: frame.operands.of("any", choices) } : fields;
  });
}

export const SHAPES: readonly Shape[] = [
  ...all("ADD SUB MUL DIV MIN MAX MOD IDIV", ["number", "number"], "number"),
  ...all("MOD IDIV BAND BOR BXOR", ["word", "word"], "word"),
  ...all("SHL SHR SAR", ["word", "small"], "word"),
  // More often than others: their results differ at few operands.
  ...all("NEG ABS FLOOR CEIL TRUNC ROUND SQRT NEG FLOOR CEIL TRUNC ROUND", ["number"], "number"),
  ...all("LT LE GT GE MIN MAX MOD IDIV", ["number", "number"], "number"),
  ...all("EQ NE", ["any", "any"], "boolean"),
  ...all("EQ NE LT LE GT GE", ["number", "number"], "boolean"),
  ...all("EQ NE LT LE GT GE", ["string", "string"], "boolean"),
  ...all("EQ NE", ["bytes", "bytes"], "boolean"),
  ...all("AND OR", ["any", "boolean"], "boolean"),
  ...all("NOT", ["any"], "boolean"),
  shape("BNOT", ["word"], "word"),
  shape("SEXT", ["word"], "number", (c) => ({ bits: c.pick([8, 16, 1, 4, 7, 15, 31, 32, 2]) })),
  shape("BITGET", ["word"], "word", (c) => ({ bit: c.below(32) })),
  shape("BITSET", ["word", "boolean"], "word", (c) => ({ bit: c.below(32) })),
  shape("CLAMP", ["number"], "number", clampFields),
  shape("INTERP", ["number"], "number", (c) => ({ table: c.pick(TABLES) })),
  ...all("CONCAT", ["string", "string"], "string"),
  ...all("CONCAT", ["bytes", "bytes"], "bytes"),
  ...all("FIND", ["string", "string"], "number"),
  ...all("FIND", ["bytes", "bytes"], "number"),
  shape("SLICE", ["string"], "string", sliceFields),
  shape("SLICE", ["bytes"], "bytes", sliceFields),
  shape("SLICE", ["array"], "array", sliceFields),
  shape("SPLIT", ["string"], "array", (c) => ({ sep: c.pick(SEPARATORS) })),
  shape("TO_STR", ["number"], "string", (c) => (c.below(2) === 0 ? {} : { digits: c.below(13) })),
  shape("TO_STR", ["boolean"], "string"),
  ...all("TO_NUM", ["string"], "number"),
  shape("ENCODE", ["string"], "bytes", encoding),
  shape("DECODE", ["bytes"], "string", encoding),
  shape("UNPACK", ["bytes"], "array", (c) => ({ format: [...c.pick(FORMATS)] })),
  shape("CRC", ["bytes"], "word", (c) =>
    c.oneIn(4) ? { params: c.pick(PARAMS) } : { preset: c.pick(PRESETS) },
  ),
  ...all("HASH TYPE", ["any"], "string"),
  keyed("SETK", null, ["object", "object", "array"]),
  keyed("GETK", "any", ["object", "array", "bytes"]),
  keyed("HASK", "boolean", ["object", "array", "bytes"]),
  keyed("DELK", null, ["object"]),
  shape("APPEND", [], null, (c, f) => ({ oid: container("array", c, f), value: f.operands.of("any", c) })),
  shape("LEN", [], "number", (c, f) => ({
    oid: container(c.pick(["string", "array", "object", "bytes"]), c, f),
  })),
  shape("KEYS", [], "array", (c, f) => ({ oid: container("object", c, f) })),
];

/** An array that fits the format, most of the time. */
export function packInput(format: readonly string[], choices: Choices, frame: Frame): Json {
  const items = format.filter((field) => !field.startsWith("pad"));
  return items.map((field) => {
    if (choices.oneIn(8)) return frame.operands.of("any", choices);
    if (field === "rest" || field.startsWith("bytes")) return { bytes: choices.pick(["0a0b", "ffff", "00"]) };
    if (field.startsWith("f")) return choices.pick<Json>([0, 1.5, -2.25, "$.payload.n", -0, 1e-46, 16777217]);
    return choices.pick([0, 1, 127, 255, -1, 65_535, 2 ** 24 - 1]);
  });
}

export const packFormat = (choices: Choices): readonly string[] => choices.pick(FORMATS);
