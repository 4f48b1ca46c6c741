import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileSchema } from "../../firmware/capabilities/contract/accept.ts";
import type { Schema } from "../../firmware/capabilities/contract/types.ts";
import { checkArguments, violationsOf } from "../../firmware/capabilities/contract/validate.ts";
import type { Json } from "../../firmware/core/json.ts";

const TYPES = ["null", "boolean", "integer", "number", "string", "array", "object"] as const;
const NAMES = ["a", "b", "value", "constructor"];
const small = fc.integer({ min: 0, max: 4 });
const texts = fc.constantFrom("", "a", "ab", "\u{1F600}", "a\u{1F600}b", "0a", "A_1");

const value = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom<Json>(null, true, false, 0, 1, 2, 2.5, -1, 5),
    texts as fc.Arbitrary<Json>,
    fc.constantFrom<Json>({ $bytes: "" }, { $bytes: "00ff" }, { $bytes: "0" }, { $bytes: "00", a: 1 }),
    fc.array(tie("value"), { maxLength: 3 }) as fc.Arbitrary<Json>,
    fc.dictionary(fc.constantFrom(...NAMES), tie("value"), { maxKeys: 3 }) as fc.Arbitrary<Json>,
  ),
})).value;

const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const withoutUndefined = (object: object): Schema =>
  Object.fromEntries(Object.entries(object).filter(([, item]) => item !== undefined));

const schema = fc.letrec<{ schema: Schema }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 2 },
    fc
      .record({
        type: optional(fc.oneof(fc.constantFrom(...TYPES), fc.subarray([...TYPES]))),
        minimum: optional(small),
        maximum: optional(small),
        minLength: optional(small),
        maxLength: optional(small),
        pattern: optional(fc.constantFrom("^[a-z]+$", "\\d", "^.$")),
        minItems: optional(small),
        maxItems: optional(small),
        enum: optional(fc.array(value, { maxLength: 3 })),
        const: optional(value),
      })
      .map(withoutUndefined),
    fc.record({ min: small, max: small }).map((bytes): Schema => ({ bytes })),
    tie("schema").map((items): Schema => ({ type: "array", items })),
    fc
      .record({
        properties: fc.dictionary(fc.constantFrom(...NAMES), tie("schema"), { maxKeys: 3 }),
        required: fc.subarray(NAMES),
        isClosed: fc.boolean(),
      })
      .map(
        ({ properties, required, isClosed }): Schema => ({
          type: "object",
          properties,
          required,
          ...(isClosed ? { additionalProperties: false } : {}),
        }),
      ),
  ),
})).schema;

describe("a compiled schema", () => {
  test("accepts a value if and only if no violation is listed", () => {
    fc.assert(
      fc.property(schema, value, (asked, given) => {
        expect(compileSchema(asked)(given)).toBe(violationsOf(asked, given).length === 0);
      }),
      { numRuns: 3000 },
    );
    const lone = "a\ud800\udc00\udc00";
    for (const asked of [
      { minLength: 4 },
      { minLength: 3 },
      { maxLength: 2 },
      { maxLength: 3 },
      { enum: [] },
    ])
      expect(compileSchema(asked)(lone)).toBe(violationsOf(asked, lone).length === 0);
  });

  test("changes nothing about what arguments become", () => {
    const params = {
      type: "object",
      additionalProperties: false,
      required: ["a"],
      properties: { a: { type: "integer" }, value: { type: "integer", default: 7 }, b: {} },
    } as const;
    const contract = { params, positional: ["a", "value"] };
    fc.assert(
      fc.property(value, (given) => {
        expect(checkArguments(contract, given, compileSchema(params))).toEqual(
          checkArguments(contract, given),
        );
      }),
    );
    expect(checkArguments(contract, [3], compileSchema(params))).toEqual({
      ok: true,
      args: { a: 3, value: 7 },
    });
  });
});
