import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { utf8 } from "../../firmware/core/bytes.ts";
import { JsonError, parseJson } from "../../firmware/core/parse-json.ts";

const limits = { maxBytes: 1000, maxDepth: 4 };

function problemOf(bytes: Uint8Array): string {
  try {
    parseJson(bytes, limits);
  } catch (error) {
    return error instanceof JsonError ? `${error.problem}:${error.line}` : String(error);
  }
  return "accepted";
}

describe("strict JSON", () => {
  test.each([
    ["truncated text", '{"a": 1', "malformed:1"],
    ["a repeated member", '{"a": 1,\n "a": 2}', "duplicate_key:2"],
    ["a repeated member in another spelling", '{"a": 1, "\\u0061": 2}', "duplicate_key:1"],
    ["a repeated __proto__", '{"__proto__": 1, "__proto__": 2}', "duplicate_key:1"],
    ["nesting beyond the limit", "[[[[[1]]]]]", "too_deep:1"],
    ["the same key in two objects", '[{"a":1},{"a":2}]', "accepted"],
    ["an escaped lone surrogate", '[1,\n"\\ud800"]', "bad_encoding:2"],
    ["a lone surrogate as a name", '{"\\udc00x": 1}', "bad_encoding:1"],
    ["an escaped pair of surrogates", '["\\ud83d\\ude00"]', "accepted"],
    ["a number beyond a double", "[1,\n-1e999]", "malformed:2"],
    ["the largest double", "[1.7976931348623157e308, -0, 0.5e-3]", "accepted"],
    ["brackets inside text", '{"a":"]]]]]{{{{{\\"}"}', "accepted"],
  ])("judges %s", (_name, text, problem) => {
    expect(problemOf(utf8(text))).toBe(problem);
  });

  test("is sized before it is parsed", () => {
    expect(problemOf(new Uint8Array(1001).fill(91))).toBe("too_large:0");
  });

  test("refuses bytes that are not UTF-8", () => {
    expect(problemOf(new Uint8Array([34, 0xc3, 34]))).toBe("bad_encoding:0");
  });

  test("reads whatever JSON.parse reads, to the same value", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), (value) => {
        const text = JSON.stringify(value);

        expect(parseJson(utf8(text), { maxBytes: 1e6, maxDepth: 64 })).toEqual(JSON.parse(text));
      }),
    );
  });

  test("never throws anything but a JsonError on arbitrary bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(problemOf(bytes)).toMatch(/^\w+(:\d+)?$/);
      }),
    );
  });
});
