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

interface Frame {
  readonly keys: Set<string> | null;
  expectKey: boolean;
}

const loneSurrogate = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;
const numberToken = /[-+.0-9eE]+/y;

/** The end of the string that begins at `start`. @throws JsonError for a lone surrogate, escaped or not. */
function endOfString(text: string, start: number): number {
  let end = start + 1;
  let isPlain = true;
  for (; text[end] !== '"'; end++) {
    if (text[end] === "\\") {
      isPlain = false;
      end++;
    }
  }
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

/** One linear pass over text that `JSON.parse` has accepted, so the grammar itself needs no checking. */
function checkStructure(text: string, maxDepth: number): void {
  const stack: Frame[] = [];
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    const top = stack[stack.length - 1];
    if (char === "{" || char === "[") {
      stack.push({ keys: char === "{" ? new Set() : null, expectKey: char === "{" });
      if (stack.length > maxDepth) {
        throw new JsonError(
          "too_deep",
          `The document nests deeper than ${maxDepth} levels.`,
          lineAt(text, i),
        );
      }
    } else if (char === "}" || char === "]") {
      stack.pop();
    } else if (char === "," && top?.keys) {
      top.expectKey = true;
    } else if (char === '"') {
      const start = i;
      i = endOfString(text, start);
      if (top?.keys && top.expectKey) {
        const key = JSON.parse(text.slice(start, i + 1)) as string;
        if (top.keys.has(key)) {
          throw new JsonError(
            "duplicate_key",
            `The member ${JSON.stringify(key)} appears twice.`,
            lineAt(text, start),
          );
        }
        top.keys.add(key);
        top.expectKey = false;
      }
    } else if (char === "-" || (char !== undefined && char >= "0" && char <= "9")) {
      i = endOfNumber(text, i);
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
