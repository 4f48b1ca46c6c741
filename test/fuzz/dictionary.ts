/** Words of the formats, and values at their edges. */
import type { Json } from "../../firmware/core/json.ts";
import { INSTRUCTIONS } from "../../firmware/vm/instruction-set.ts";

const fields = [...INSTRUCTIONS.values()].flatMap((spec) => [...spec.fields.keys()]);
const members =
  "format name version isa description capabilities outputs triggers payload response constants claims limits intents overlap code note";

export const NAMES: readonly string[] = [
  ...new Set([...INSTRUCTIONS.keys(), "op", ...fields, ...members.split(" ")]),
  ...["__proto__", "constructor", "toString", "$bytes", "lit", "bytes", "payload", "length", "a", ""],
];

export const VALUES: readonly Json[] = [
  ...NAMES,
  ...[0, 1, -1, 0.5, -0.5, 31, 32, 255, 256, 4096, 2 ** 31, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 1e308, 5e-324],
  ...[
    null,
    true,
    false,
    [],
    {},
    [[]],
    { lit: {} },
    { bytes: "00" },
    { payload: "/a" },
    { $bytes: "00" },
    { $bytes: "0" },
  ],
  ...[
    "reg:a",
    "reg:",
    "reg:__proto__",
    "$.payload",
    "$.payload.a",
    "$.trigger",
    "const:a",
    "$.",
    "[1,2]",
    '{"a":1}',
  ],
  ...[
    "f",
    "sensor.read",
    "gpio.write",
    "led",
    "u16be",
    "rest",
    "bytes:2",
    "crc32",
    "utf8",
    "hex",
    "😀",
    "\u2028",
    "1.0.0",
  ],
  ["u8", "rest"],
  [
    [0, 0],
    [1, 1],
  ],
  { width: 8, poly: 7, init: 0, refin: false, refout: false, xorout: 0 },
  { to: "a", value: 1 },
  [{ to: "a", value: 1 }],
];

/** Pieces of JSON text, for mutations that do not keep it well formed. */
export const JSON_TOKENS: readonly string[] = [
  ...NAMES.slice(0, 40).map((name) => JSON.stringify(name)),
  ...[
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    '"',
    "\\",
    "\\u0000",
    "\\ud800",
    "\\uD83D\\uDE00",
    "1e999",
    "-0",
    "0x1",
    "1E+5",
    "NaN",
    "Infinity",
  ],
  ...[
    "\ufeff",
    "\u2028",
    "//",
    '"a":1,"a":2',
    "[".repeat(30),
    '{"a":'.repeat(30),
    "9".repeat(400),
    "null",
    "tru",
    " ".repeat(100),
  ],
];
