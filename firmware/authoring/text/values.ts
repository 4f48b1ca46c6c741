/** Reads values of the text form: operands with their references, and plain JSON. */
import type { Json } from "../../core/json.ts";
import { PROGRAM_LIMITS } from "../../core/limits.ts";
import { isReference, isRegister } from "./references.ts";
import type { Scanner } from "./scanner.ts";

/**
 * What a value may hold: `operand` has references outside of quotes, and what is quoted is text; `json` has none;
 * `reference` is a text reference, whose quoted text stands as it is (vm.md 3.1).
 */
export type ValueMode = "operand" | "json" | "reference";

/** Objects with one of these members alone mean something else to the machine (vm.md 3.1). */
const SPECIAL = new Set(["lit", "payload", "bytes"]);
const PREFIXES = new Set(["const", "lit", "bytes", "pointer"]);

export function parseValue(scanner: Scanner, mode: ValueMode, depth = 1): Json {
  const char = scanner.peek();
  if (depth > PROGRAM_LIMITS.documentDepth) {
    scanner.fail("too_deep", `Values nest at most ${PROGRAM_LIMITS.documentDepth} levels.`);
  }
  switch (char) {
    case '"': {
      const text = scanner.quoted();
      return mode === "operand" && isReference(text) ? { lit: text } : text;
    }
    case "[":
      return parseList(scanner, mode === "json" ? "json" : "operand", depth);
    case "{":
      return operandObject(scanner, mode, depth);
    case "@":
      scanner.at++;
      return parseValue(scanner, "json", depth + 1);
    case "%":
    case "$":
      return mode === "json" ? noReference(scanner) : parseReference(scanner);
  }
  if (/[-0-9]/.test(char)) return scanner.number();
  return parseWord(scanner, mode, depth);
}

function noReference(scanner: Scanner): never {
  return scanner.fail(
    "reference_not_possible",
    "This field holds plain JSON; registers and inputs cannot stand in it.",
  );
}

function parseReference(scanner: Scanner): string {
  const start = scanner.at;
  if (scanner.take("%")) {
    const name = scanner.word();
    if (isRegister(name)) return `reg:${name}`;
    return scanner.fail("bad_register", "A register is % and a name of letters, digits and _.", null, start);
  }
  scanner.at++;
  const isMember = scanner.take(".");
  const rest = isMember ? /^(payload|trigger)(?=\.|$)/.exec(peekKey(scanner))?.[1] : undefined;
  if (rest === undefined) {
    return scanner.fail(
      "bad_reference",
      "An input is $.payload, $.trigger, or a member of one of them.",
      'write $.payload.name, or pointer:"/a/0" for what lies deeper.',
      start,
    );
  }
  scanner.at += rest.length;
  return scanner.take(".") ? `$.${rest}.${memberName(scanner)}` : `$.${rest}`;
}

function peekKey(scanner: Scanner): string {
  const start = scanner.at;
  const key = scanner.bareKey();
  scanner.at = start;
  return key;
}

function memberName(scanner: Scanner): string {
  if (scanner.peek() === '"') return scanner.quoted();
  const name = scanner.bareKey();
  return name === "" ? scanner.fail("missing_name", "A name is missing here.") : name;
}

function parseWord(scanner: Scanner, mode: ValueMode, depth: number): Json {
  const start = scanner.at;
  const word = scanner.word();
  if (word === "true") return true;
  if (word === "false") return false;
  if (word === "null") return null;
  if (PREFIXES.has(word) && scanner.take(":")) {
    return mode === "json" ? noReference(scanner) : prefixed(scanner, word, depth);
  }
  if (word === "" && scanner.atLineEnd()) {
    return scanner.fail("missing_value", "A value is missing here.", null, start);
  }
  return scanner.fail(
    "bad_value",
    word === "" ? "No value begins like this." : `${word} is no value.`,
    word === "" ? null : `quote a text: "${word}"; a register is %${word}.`,
    start,
  );
}

function prefixed(scanner: Scanner, word: string, depth: number): Json {
  const start = scanner.at;
  if (word === "const") return `const:${memberName(scanner)}`;
  if (word === "lit") return { lit: parseValue(scanner, "json", depth + 1) };
  if (word === "pointer") {
    if (scanner.peek() === '"') return { payload: scanner.quoted() };
    return scanner.fail("bad_pointer", "A pointer is a quoted text.", 'write pointer:"/a/0".', start);
  }
  const hex = scanner.hex();
  if (hex.length % 2 === 0 && !/[0-9A-Za-z]/.test(scanner.peek())) return { bytes: hex };
  return scanner.fail("bad_bytes", "Bytes are an even number of lower-case hex digits.", null, start);
}

/** A list. @param mode of its items. */
export function parseList(scanner: Scanner, mode: ValueMode, depth: number): Json[] {
  const items: Json[] = [];
  scanner.expect("[", "before a list");
  for (scanner.space(); !scanner.take("]"); scanner.space()) {
    if (items.length > 0) {
      scanner.expect(",", "between two items");
      scanner.space();
    }
    items.push(parseValue(scanner, mode, depth + 1));
  }
  return items;
}

function operandObject(scanner: Scanner, mode: ValueMode, depth: number): Json {
  const start = scanner.at;
  const object = parseObject(scanner, mode === "json" ? "json" : "operand", depth);
  const [only, ...more] = Object.keys(object);
  if (mode === "json" || only === undefined || more.length > 0 || !SPECIAL.has(only)) return object;
  return scanner.fail(
    "special_object",
    `An object with the member ${only} alone means something else to the machine.`,
    'write lit:…, pointer:"/…" or bytes:…; add a member for an object.',
    start,
  );
}

/** An object; names need quotes only if they are no words. @param mode of its members. */
export function parseObject(
  scanner: Scanner,
  mode: ValueMode,
  depth: number,
): { readonly [key: string]: Json } {
  const members = new Map<string, Json>();
  scanner.expect("{", "before an object");
  for (scanner.space(); !scanner.take("}"); scanner.space()) {
    if (members.size > 0) {
      scanner.expect(",", "between two members");
      scanner.space();
    }
    const start = scanner.at;
    const name = scanner.peek() === '"' ? scanner.quoted() : memberName(scanner);
    if (members.has(name)) scanner.fail("duplicate_key", `The member ${name} appears twice.`, null, start);
    scanner.space();
    scanner.expect(":", "after the name of a member");
    scanner.space();
    members.set(name, parseValue(scanner, mode, depth + 1));
  }
  return Object.fromEntries(members);
}
