/** Reads one field of an instruction by its kind. What a value may be is the verifier's to judge. */
import type { Json } from "../../core/json.ts";
import type { FieldKind } from "../../vm/index.ts";
import type { Scanner } from "./scanner.ts";
import { parseList, parseObject, parseValue } from "./values.ts";

type Reader = (scanner: Scanner) => Json;

const operand: Reader = (scanner) => parseValue(scanner, "operand");
const json: Reader = (scanner) => parseValue(scanner, "json");

/** A word, or a text in quotes. */
export function parseName(scanner: Scanner): string {
  if (scanner.peek() === '"') return scanner.quoted();
  const word = scanner.word();
  return word === "" ? scanner.fail("missing_name", "A name is missing here.") : word;
}

/** `%x` is the register x as the instruction names it; `reg:x` keeps the prefix in the document. */
function parseRegister(scanner: Scanner): string {
  if (scanner.peek() === '"') return scanner.quoted();
  const start = scanner.at;
  scanner.take("%");
  const name = scanner.word();
  if (name === "reg" && scanner.take(":")) return `reg:${scanner.word()}`;
  return name === ""
    ? scanner.fail("missing_register", "A register is missing here.", "write %name.", start)
    : name;
}

/** Items in round brackets. */
function parseItems<T>(scanner: Scanner, item: () => T): T[] {
  const items: T[] = [];
  scanner.expect("(", "before the parameters");
  for (scanner.space(); !scanner.take(")"); scanner.space()) {
    if (items.length > 0) {
      scanner.expect(",", "between two parameters");
      scanner.space();
    }
    items.push(item());
  }
  return items;
}

const bindings: Reader = (scanner) =>
  parseItems(scanner, () => {
    const to = parseRegister(scanner);
    scanner.space();
    scanner.expect("=", "after the name of a parameter");
    scanner.space();
    return { to, value: parseValue(scanner, "operand") };
  });

const callArguments: Reader = (scanner) =>
  scanner.peek() === "[" ? parseList(scanner, "reference", 1) : namedArguments(scanner);

const namedArguments: Reader = (scanner) =>
  scanner.peek() === "{"
    ? parseObject(scanner, "operand", 1)
    : scanner.fail("bad_arguments", "Arguments are an object.", "write { name: value, … }.");

function textReference(scanner: Scanner): Json {
  const start = scanner.at;
  const value = parseValue(scanner, "reference");
  if (typeof value === "string") return value;
  return scanner.fail(
    "bad_reference",
    "A text reference is a quoted text or a reference.",
    "use value= for everything else.",
    start,
  );
}

function number(scanner: Scanner): Json {
  if (/[-0-9]/.test(scanner.peek())) return scanner.number();
  return scanner.fail("bad_number", "This field takes a number.");
}

function nullableText(scanner: Scanner): Json {
  if (scanner.peek() === '"') return scanner.quoted();
  const word = parseName(scanner);
  return word === "null" ? null : word;
}

const READERS: Readonly<Record<Exclude<FieldKind, "body">, Reader>> = {
  operand,
  millis: operand,
  text_reference: textReference,
  call_args: callArguments,
  named_args: namedArguments,
  bindings,
  params: (scanner) => parseItems(scanner, () => parseRegister(scanner)),
  register: parseRegister,
  name: parseName,
  text: parseName,
  identifier: parseName,
  preset: parseName,
  encoding: parseName,
  separator: parseName,
  nullable_text: nullableText,
  target: number,
  status: number,
  trust: number,
  digits: number,
  bit: number,
  bits: number,
  texts: json,
  json,
  object: json,
  table: json,
  format: json,
  crc: json,
};

/** `@` and JSON gives any field a value that its own form cannot express. */
export function parseField(scanner: Scanner, kind: FieldKind): Json {
  if (kind === "body") {
    return scanner.fail(
      "bad_body",
      "A body is written as a block.",
      "end the line with begin, the block with end.",
    );
  }
  return scanner.peek() === "@" ? json(scanner) : READERS[kind](scanner);
}
