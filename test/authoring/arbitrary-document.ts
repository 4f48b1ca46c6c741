/** Documents with every instruction, field and member, hostile texts and names among them. */
import fc from "fast-check";
import type { Json, JsonObject } from "../../firmware/core/json.ts";
import type { ProgramDocument } from "../../firmware/vm/index.ts";
import { type FieldKind, INSTRUCTION_TABLE, isOptional } from "../../firmware/vm/instruction-table.ts";

const HOSTILE = [
  ...["__proto__", "constructor", "toString", "true", "null", "reg", "const", "none", "begin", "end", "note"],
  ...[
    "",
    " ",
    "a b",
    ";",
    "#",
    "a;b",
    '"',
    "\\",
    "\n",
    "\t",
    "é°",
    "\u2028",
    "😀",
    "%x",
    "$x",
    "@",
    "1",
    "-",
  ],
  ...[
    "reg:x",
    "reg:9",
    "reg:",
    "const:n",
    "const:a b",
    "$.payload",
    "$.payload.",
    "$.payload.a.b",
    "$.trigger.k k",
  ],
  ...[
    "$.payloads",
    "$.x",
    "$",
    "[1,2]",
    "{}",
    "=",
    "(",
    ")",
    ":",
    "a:",
    ".",
    ".program",
    "lit",
    "bytes",
    "payload",
  ],
];
const text = fc
  .oneof(
    fc.constantFrom(...HOSTILE),
    fc.string({ maxLength: 8, unit: "binary" }),
    fc.string({ maxLength: 8 }),
  )
  .filter((value) => !/\p{Surrogate}/u.test(value));
const filled = text.filter((value) => value !== "");
const register = fc.oneof(fc.constantFrom("x", "sum", "reg:x", "reg:_a1", "__proto__"), text);
const number = fc.oneof(
  fc.constantFrom(0, 1, -1, 0.5, 1e21, 5e-324, 2 ** 53 - 1, 1.7976931348623157e308),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n + 0),
);
const scalar: fc.Arbitrary<Json> = fc.oneof(fc.constant(null), fc.boolean(), number, text);
const json: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    scalar,
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(text, tie("value"), { maxKeys: 3, noNullPrototype: true }),
    fc.constant({ lit: "reg:x" }),
    fc.constant({ payload: "/a/0" }),
    fc.constant({ bytes: "0aff" }),
    fc.constant({ $bytes: "0a" }),
  ),
})).value;
const object = fc.dictionary(text, json, { maxKeys: 3, noNullPrototype: true });
const bindings = fc.array(fc.record({ to: register, value: json }), { maxLength: 3 });

const KINDS: Readonly<Record<Exclude<FieldKind, "body">, fc.Arbitrary<Json>>> = {
  operand: json,
  millis: json,
  text_reference: text,
  call_args: fc.oneof(fc.array(json, { maxLength: 3 }), object),
  named_args: object,
  bindings,
  params: fc.array(register, { maxLength: 3 }),
  register,
  name: filled,
  text: filled,
  identifier: filled,
  preset: filled,
  encoding: filled,
  separator: filled,
  nullable_text: fc.oneof(fc.constant(null), filled),
  target: number,
  status: number,
  trust: number,
  digits: number,
  bit: number,
  bits: number,
  texts: fc.array(filled, { maxLength: 3 }),
  json,
  object,
  table: json,
  format: json,
  crc: object,
};

type Entry = readonly [string, Json];

function field(
  name: string,
  kind: string,
  body: fc.Arbitrary<readonly JsonObject[]>,
): fc.Arbitrary<readonly Entry[]> {
  const base = kind.replace("?", "");
  const value: fc.Arbitrary<Json> = base === "body" ? body : KINDS[base as Exclude<FieldKind, "body">];
  const entry = value.map((item): readonly Entry[] => [[name, item]]);
  return isOptional(kind) ? fc.oneof(entry, fc.constant([])) : entry;
}

/** Of a pair exactly one stays. */
function one(entries: readonly Entry[], pair: readonly string[], optional: boolean): readonly Entry[] | null {
  const present = entries.filter(([name]) => pair.includes(name));
  if (present.length === 0) return optional ? entries : null;
  const [keep] = present;
  return entries.filter((entry) => !pair.includes(entry[0]) || entry === keep);
}

function instruction(body: fc.Arbitrary<readonly JsonObject[]>): fc.Arbitrary<JsonObject> {
  const arbitraries = Object.entries(INSTRUCTION_TABLE).map(([op, spec]) => {
    const { fields, extra } = spec as {
      fields: Record<string, string>;
      extra: { either?: readonly string[]; atMostOne?: readonly string[] };
    };
    const parts = Object.entries(fields).map(([name, kind]) => field(name, kind, body));
    const note = fc
      .option(text, { nil: null })
      .map((n): readonly Entry[] => (n === null ? [] : [["note", n]]));
    return fc
      .tuple(...parts, note)
      .map((lists) => {
        const all: readonly Entry[] = lists.flat();
        const pair = extra.either ?? extra.atMostOne;
        return pair === undefined ? all : one(all, pair, extra.either === undefined);
      })
      .filter((entries) => entries !== null)
      .map((entries): JsonObject => Object.fromEntries([["op", op], ...entries]));
  });
  return fc.oneof(...arbitraries);
}

const code: fc.Arbitrary<readonly JsonObject[]> = fc.letrec<{
  body: readonly JsonObject[];
  list: readonly JsonObject[];
}>((tie) => ({
  body: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    fc.constant([{ op: "HALT" }]),
    fc.array(instruction(tie("body")), { minLength: 1, maxLength: 3 }),
  ),
  list: fc.array(instruction(tie("body")), { minLength: 1, maxLength: 8 }),
})).list;

const trigger = fc.oneof(
  fc.record({ on: fc.constant("interval"), everyMs: number }),
  fc.record({ on: fc.constant("gpio"), line: text, edge: fc.constantFrom("rising", "both") }),
  fc.constant({ on: "boot" }),
  fc.dictionary(text, scalar, { maxKeys: 2, noNullPrototype: true }),
);

const optional = fc.record(
  {
    description: text,
    capabilities: fc.array(text, { maxLength: 4 }),
    outputs: fc.array(text, { maxLength: 4 }),
    intents: fc.array(text, { maxLength: 2 }),
    triggers: fc.array(trigger, { maxLength: 3 }),
    overlap: fc.constantFrom("skip", "queue", "restart"),
    limits: fc.dictionary(fc.constantFrom("cpuSteps", "memKb", "__proto__"), number, {
      noNullPrototype: true,
    }),
    payload: object,
    response: object,
    constants: object,
    claims: fc.dictionary(text, object, { maxKeys: 2, noNullPrototype: true }),
  },
  { requiredKeys: [] },
);

const asDocument = (value: JsonObject): ProgramDocument =>
  JSON.parse(JSON.stringify(value)) as ProgramDocument;

export const arbitraryDocument: fc.Arbitrary<ProgramDocument> = fc
  .tuple(filled, filled, optional, code)
  .map(([name, version, rest, list]) =>
    asDocument({ format: "imu.program/1", name, version, isa: 1, ...(rest as JsonObject), code: list }),
  );
