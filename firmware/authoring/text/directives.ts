/** The lines that begin with a dot: everything of a document around its code. */
import type { Json } from "../../core/json.ts";
import { parseName } from "./fields.ts";
import type { Scanner } from "./scanner.ts";
import { parseValue } from "./values.ts";

/** Members of the document, and where each was first written. */
export class Header {
  readonly members = new Map<string, Json>();
  /** Offset by member, and `member entry` for constants and claims. */
  readonly offsets = new Map<string, number>();
  readonly triggers: Json[] = [];
  readonly entries = { constants: new Map<string, Json>(), claims: new Map<string, Json>() };
}

type Reader = (scanner: Scanner, header: Header, at: number) => void;

/** Sets a member that is written once. */
function once(member: string, read: (scanner: Scanner) => Json): Reader {
  return (scanner, header, at) => {
    if (header.members.has(member)) {
      scanner.fail("duplicate_directive", `${member} has been given before.`, null, at);
    }
    header.offsets.set(member, at);
    header.members.set(member, read(scanner));
  };
}

function bare(scanner: Scanner): string {
  if (scanner.peek() === '"') return scanner.quoted();
  const token = scanner.token();
  return token === "" ? scanner.fail("missing_value", "A value is missing here.") : token;
}

/** Names separated by commas or blanks; none is an empty list. */
function names(scanner: Scanner): Json {
  const found: string[] = [];
  while (!scanner.atLineEnd()) {
    if (found.length > 0 && scanner.take(",")) scanner.blanks();
    found.push(bare(scanner));
  }
  return found;
}

/** `name=value` up to the end of the line; a bare word is a text. */
function pairs(scanner: Scanner): { readonly [key: string]: Json } {
  const found = new Map<string, Json>();
  while (!scanner.atLineEnd()) {
    const start = scanner.at;
    const key = parseName(scanner);
    if (found.has(key)) scanner.fail("duplicate_key", `${key} appears twice.`, null, start);
    scanner.expect("=", `after ${key}`);
    found.set(key, pairValue(scanner));
  }
  return Object.fromEntries(found);
}

function pairValue(scanner: Scanner): Json {
  const start = scanner.at;
  const word = scanner.word();
  if (word !== "" && word !== "true" && word !== "false" && word !== "null") return word;
  scanner.at = start;
  return parseValue(scanner, "json");
}

/** `none` says that the member is there and empty. */
const none =
  (member: "triggers" | "constants" | "claims"): Reader =>
  (scanner, header, at) => {
    if (scanner.word() !== "none") {
      scanner.fail(
        "bad_directive",
        `.${member} only says that there are none.`,
        `write .${member.replace(/s$/, "").replace("constant", "const")} for each one.`,
      );
    }
    const given = member === "triggers" ? header.triggers.length : header.entries[member].size;
    if (given > 0) scanner.fail("duplicate_directive", `There are ${member} above.`, null, at);
    once(member, () => (member === "triggers" ? [] : {}))(scanner, header, at);
  };

/** One of many, which cannot follow a line that says there are none. */
function refuseAfterNone(scanner: Scanner, header: Header, member: string, at: number): void {
  if (!header.members.has(member)) return;
  scanner.fail("duplicate_directive", `.${member} none has been given before.`, null, at);
}

const trigger: Reader = (scanner, header, at) => {
  refuseAfterNone(scanner, header, "triggers", at);
  if (header.triggers.length === 0) header.offsets.set("triggers", at);
  if (scanner.peek() === "@") {
    header.triggers.push(parseValue(scanner, "json"));
    return;
  }
  const on = parseName(scanner);
  header.triggers.push({ ...pairs(scanner), on });
};

const entry =
  (member: "constants" | "claims", read: (scanner: Scanner) => Json): Reader =>
  (scanner, header, at) => {
    refuseAfterNone(scanner, header, member, at);
    const name = parseName(scanner);
    if (header.entries[member].has(name)) {
      scanner.fail("duplicate_directive", `${name} has been given before.`, null, at);
    }
    if (header.entries[member].size === 0) header.offsets.set(member, at);
    header.offsets.set(`${member} ${name}`, at);
    header.entries[member].set(name, read(scanner));
  };

function assigned(scanner: Scanner): Json {
  scanner.blanks();
  scanner.expect("=", "after the name of the constant");
  scanner.blanks();
  return parseValue(scanner, "json");
}

const json = (scanner: Scanner): Json => parseValue(scanner, "json");

const DIRECTIVES: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ["program", once("name", bare)],
  ["version", once("version", bare)],
  ["description", once("description", bare)],
  ["capabilities", once("capabilities", names)],
  ["outputs", once("outputs", names)],
  ["intents", once("intents", names)],
  ["overlap", once("overlap", bare)],
  ["limits", once("limits", pairs)],
  ["payload", once("payload", json)],
  ["response", once("response", json)],
  ["trigger", trigger],
  ["triggers", none("triggers")],
  ["const", entry("constants", assigned)],
  ["constants", none("constants")],
  ["claim", entry("claims", pairs)],
  ["claims", none("claims")],
]);

export const DIRECTIVE_NAMES: readonly string[] = [...DIRECTIVES.keys()];

/** Reads the line after its dot. */
export function parseDirective(scanner: Scanner, header: Header): void {
  const at = scanner.at;
  scanner.take(".");
  const name = scanner.word();
  const read = DIRECTIVES.get(name);
  if (read === undefined) {
    scanner.fail(
      "unknown_directive",
      `.${name} is no directive.`,
      `there are .${DIRECTIVE_NAMES.join(", .")}.`,
      at,
    );
  }
  scanner.blanks();
  read(scanner, header, at);
  if (!scanner.atLineEnd()) scanner.fail("unexpected", `Nothing more can follow in .${name}.`);
}
