import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalize } from "../../firmware/core/canonical-json.ts";
import vectors from "../golden/cyberphone.json" with { type: "json" };

describe("canonical JSON", () => {
  test.each(vectors.cases)("matches the reference vector $name", ({ input, output }) => {
    expect(canonicalize(JSON.parse(input))).toBe(output);
  });

  test.each(vectors.numbers)("prints the double %s as %s", (bits, text) => {
    const value = Buffer.from(bits ?? "", "hex").readDoubleBE();

    expect(canonicalize(value)).toBe(text);
  });

  test.each([
    ["NaN", Number.NaN],
    ["infinity", Number.POSITIVE_INFINITY],
    ["undefined", undefined],
    ["a member that is undefined", { a: undefined }],
    ["a lone surrogate", "\ud800"],
    ["a lone surrogate in a key", { "\udc00": 1 }],
    ["a function", () => 1],
    ["a bigint", 1n],
    ["raw bytes", new Uint8Array(2)],
  ])("refuses %s", (_name, value) => {
    expect(() => canonicalize(value)).toThrowError(
      expect.objectContaining({ code: "not_canonical", status: 422 }),
    );
  });

  test("refuses nesting that would exhaust the host's stack", () => {
    let deep: unknown = 0;
    for (let i = 0; i < 100_000; i++) deep = [deep];

    expect(() => canonicalize(deep)).toThrowError(expect.objectContaining({ code: "not_canonical" }));
  });

  test("is a fixed point: reading and writing again changes nothing", () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const text = canonicalize(value);

        expect(canonicalize(JSON.parse(text))).toBe(text);
      }),
    );
  });
});
