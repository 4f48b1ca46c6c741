import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkSchema, compilePattern, resolvePointer } from "../../firmware/evidence/index.ts";

const atom = fc.constantFrom("a", "b", ".", "[ab]", "[^a]", "[a-c]", "\\d", "\\.");
const quantifier = fc.constantFrom("", "", "?", "*", "+", "{2}", "{1,3}", "{2,}");
const branch = fc.array(fc.tuple(atom, quantifier), { maxLength: 5 }).map((parts) => parts.flat().join(""));
const pattern = fc.array(branch, { minLength: 1, maxLength: 3 }).map((branches) => branches.join("|"));
const text = fc.string({ unit: fc.constantFrom("a", "b", "c", ".", "7", "😀"), maxLength: 8 });

describe("patterns of claims", () => {
  it("agree with the platform's regular expressions on the allowed subset", () => {
    fc.assert(
      fc.property(pattern, text, (source, subject) => {
        const oracle = new RegExp(`^(?:${source})$`, "u").test(subject);
        expect(compilePattern(source)?.matches(subject)).toBe(oracle);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    "(a+)+",
    "a**",
    "a+?",
    "(?=a)",
    "\\1",
    "^a",
    "a$",
    "[a",
    "a{3,1}",
    "a{",
    "*a",
    "[b-a]",
    "[]",
    "a{9999}",
  ])("refuse %s", (source) => {
    expect(compilePattern(source)).toBeNull();
    expect(checkSchema("c", { type: "string", pattern: source }, "a")?.reason).toBe("schema_unknown_type");
  });

  it("are bounded in length and in states", () => {
    expect(compilePattern("a".repeat(128))).not.toBeNull();
    expect(compilePattern("a".repeat(129))).toBeNull();
    expect(compilePattern("a{500}b{500}c{500}")).toBeNull();
  });

  it("stay linear where a backtracking matcher takes for ever", () => {
    const compiled = compilePattern(`${"a?".repeat(40)}${"a".repeat(40)}`);
    expect(compiled?.matches("a".repeat(40))).toBe(true);
    expect(compiled?.matches("a".repeat(39))).toBe(false);
    expect(compilePattern(".*a.*a.*a.*a.*b")?.matches("a".repeat(4000))).toBe(false);
  });
});

describe("JSON pointers", () => {
  const document = { "": 0, "a/b": 1, "m~n": 2, list: [10, { k: 7 }] };

  it.each([
    ["", document],
    ["/", 0],
    ["/a~1b", 1],
    ["/m~0n", 2],
    ["/list/1/k", 7],
    ["/list/01", undefined],
    ["/list/-", undefined],
    ["/list/2", undefined],
    ["/list/length", undefined],
    ["/constructor", undefined],
    ["/__proto__", undefined],
    ["list", undefined],
    ["/m~2n", undefined],
  ])("resolve %s by RFC 6901 over own members only", (pointer, expected) => {
    expect(resolvePointer(document, pointer)).toEqual(expected);
  });
});
