/**
 * Strict reading of JSON from outside: sized before it is parsed, bounded in depth, duplicate members refused
 * (two readers could otherwise see two documents), lone surrogates refused.
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
      for (i++; text[i] !== '"'; i++) if (text[i] === "\\") i++;
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
