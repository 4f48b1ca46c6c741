/**
 * Strict reading of JSON from outside: sized before it is parsed, bounded in depth, duplicate members refused
 * (two readers could otherwise see two documents). Lone surrogates and numbers beyond a double are refused too: such
 * a document has no canonical form, so it could be neither hashed nor signed.
 */
import { fromUtf8 } from "./bytes.ts";
import { CodedError } from "./errors.ts";
import type { Json } from "./json.ts";

export interface JsonLimits {
  readonly maxBytes: number;
  readonly maxDepth: number;
}

export type JsonProblem = "too_large" | "bad_encoding" | "too_deep" | "duplicate_key" | "malformed";

export class JsonError extends CodedError<"malformed"> {
  readonly problem: JsonProblem;
  /** 1-based line of the problem, 0 if unknown. */
  readonly line: number;

  constructor(problem: JsonProblem, message: string, line = 0, cause?: unknown) {
    super("malformed", message, { status: 400, details: { problem, line }, cause });
    this.problem = problem;
    this.line = line;
  }
}

const lineAt = (text: string, position: number): number => text.slice(0, position).split("\n").length;

/** An object or array that is open. */
interface Frame {
  /** Members so far, null for an array. */
  readonly keys: string[] | null;
  /** The same once there are many. */
  many: Set<string> | null;
  expectKey: boolean;
}

/** Members up to which a search through them is faster than a set. */
const FEW = 8;

/** Adds a member. False if it was there. */
function addKey(frame: Frame, keys: string[], key: string): boolean {
  if (frame.many !== null ? frame.many.has(key) : keys.includes(key)) return false;
  if (frame.many !== null) frame.many.add(key);
  else if (keys.push(key) > FEW) frame.many = new Set(keys);
  return true;
}

const loneSurrogate = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;
const numberToken = /[-+.0-9eE]+/y;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** The end of the string that begins at `start`. @throws JsonError for a lone surrogate, escaped or not. */
function endOfString(text: string, start: number): number {
  let end = start + 1;
  let isPlain = true;
  let isAscii = true;
  for (let unit = text.charCodeAt(end); unit !== QUOTE; unit = text.charCodeAt(++end)) {
    if (unit > 0x7e) isAscii = false;
    if (unit === BACKSLASH) {
      isPlain = false;
      end++;
    }
  }
  if (isPlain && isAscii) return end;
  const token = text.slice(start, end + 1);
  if (loneSurrogate.test(isPlain ? token : (JSON.parse(token) as string))) {
    throw new JsonError("bad_encoding", "The document holds a lone surrogate.", lineAt(text, start));
  }
  return end;
}

/** The end of the number that begins at `start`. @throws JsonError if it is beyond the range of a double. */
function endOfNumber(text: string, start: number): number {
  numberToken.lastIndex = start;
  const token = numberToken.exec(text)?.[0] ?? "";
  if (!Number.isFinite(Number(token))) {
    throw new JsonError("malformed", "The document holds a number without bounds.", lineAt(text, start));
  }
  return start + token.length - 1;
}

/** The key that stands between `start` and `end`; one with escapes is read as JSON reads it. */
function keyAt(text: string, start: number, end: number): string {
  const key = text.slice(start + 1, end);
  return key.includes("\\") ? (JSON.parse(text.slice(start, end + 1)) as string) : key;
}

function tooDeep(text: string, position: number, maxDepth: number): JsonError {
  const message = `The document nests deeper than ${maxDepth} levels.`;
  return new JsonError("too_deep", message, lineAt(text, position));
}

function duplicate(text: string, position: number, key: string): JsonError {
  return new JsonError(
    "duplicate_key",
    `The member ${JSON.stringify(key)} appears twice.`,
    lineAt(text, position),
  );
}

/** One linear pass over text that `JSON.parse` has accepted, so the grammar itself needs no checking. */
function checkStructure(text: string, maxDepth: number): void {
  const stack: Frame[] = [];
  let top: Frame | undefined;
  for (let i = 0; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case 0x7b: // {
      case 0x5b: {
        const isObject = text.charCodeAt(i) === 0x7b;
        top = { keys: isObject ? [] : null, many: null, expectKey: isObject };
        if (stack.push(top) > maxDepth) throw tooDeep(text, i, maxDepth);
        break;
      }
      case 0x7d: // }
      case 0x5d:
        stack.pop();
        top = stack[stack.length - 1];
        break;
      case 0x2c: // ,
        if (top !== undefined && top.keys !== null) top.expectKey = true;
        break;
      case QUOTE: {
        const start = i;
        i = endOfString(text, start);
        if (top === undefined || top.keys === null || !top.expectKey) break;
        const key = keyAt(text, start, i);
        if (!addKey(top, top.keys, key)) throw duplicate(text, start, key);
        top.expectKey = false;
        break;
      }
      case 0x2d: // -
        i = endOfNumber(text, i);
        break;
      default:
        if (text.charCodeAt(i) >= 0x30 && text.charCodeAt(i) <= 0x39) i = endOfNumber(text, i);
    }
  }
}

/** @throws JsonError with `problem` and the 1-based line. */
export function parseJsonText(text: string, limits: JsonLimits): Json {
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch (cause) {
    const position = /position (\d+)/.exec(String(cause))?.[1];
    throw new JsonError(
      "malformed",
      "The document is not valid JSON.",
      position ? lineAt(text, Number(position)) : 0,
      cause,
    );
  }
  checkStructure(text, limits.maxDepth);
  return value;
}

/** Parses bytes of unknown origin. @throws JsonError with `problem` and the 1-based line. */
export function parseJson(bytes: Uint8Array, limits: JsonLimits): Json {
  if (bytes.length > limits.maxBytes) {
    throw new JsonError(
      "too_large",
      `The document has ${bytes.length} bytes, the limit is ${limits.maxBytes}.`,
    );
  }
  let text: string;
  try {
    text = fromUtf8(bytes);
  } catch (cause) {
    throw new JsonError("bad_encoding", "The document is not UTF-8.", 0, cause);
  }
  return parseJsonText(text, limits);
}
