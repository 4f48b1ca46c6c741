import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalize } from "../../firmware/core/canonical-json.ts";
import { decodeCbor, encodeCbor } from "../../firmware/core/cbor.ts";
import { CodedError } from "../../firmware/core/errors.ts";

const bytes = (...octets: readonly number[]): Uint8Array => Uint8Array.of(...octets);

describe("CBOR of the store", () => {
  test("gives back every JSON value as it was, with whatever names its members have", () => {
    const name = fc.constantFrom("__proto__", "constructor", "toString", "a", "");
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.jsonValue({ maxDepth: 1 }),
        fc.array(tie("value"), { maxLength: 3 }),
        fc.array(fc.tuple(name, tie("value")), { maxLength: 3 }).map((members) => {
          const object: Record<string, unknown> = {};
          for (const [key, item] of members)
            Object.defineProperty(object, key, {
              value: item,
              enumerable: true,
              configurable: true,
              writable: true,
            });
          return object;
        }),
      ),
    }));
    fc.assert(
      fc.property(value, (document) => {
        expect(canonicalize(decodeCbor(encodeCbor(document)))).toBe(canonicalize(document));
      }),
      { numRuns: 300 },
    );
  });

  test("keeps octets beside a member named __proto__", () => {
    const row = JSON.parse('{"__proto__":{"a":1}}');
    expect(decodeCbor(encodeCbor({ row, body: bytes(1, 2) }))).toMatchObject({ body: bytes(1, 2) });
    expect(({} as Record<string, unknown>).a).toBeUndefined();
  });

  test.each([
    ["an array of 4294967295 items", bytes(0x9a, 0xff, 0xff, 0xff, 0xff)],
    ["an array of 100000000 items", bytes(0x9a, 0x05, 0xf5, 0xe1, 0x00)],
    ["a text of 2 GiB", bytes(0x7a, 0x80, 0, 0, 0)],
    ["octets of 2 GiB", bytes(0x5a, 0x80, 0, 0, 0)],
    ["a map of 33554432 members", bytes(0xba, 0x02, 0, 0, 0)],
    ["nesting of 200000 levels", new Uint8Array(200_000).fill(0x81)],
    ["an indefinite array without an end", bytes(0x9f, 1, 2)],
    ["nothing", bytes()],
    ["two items", bytes(1, 2)],
  ])("refuses %s at once and without taking the memory", (_name, row) => {
    const before = process.memoryUsage().rss;
    expect(() => decodeCbor(row)).toThrow(CodedError);
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024);
  });

  test("answers any bytes with a value or `store_corrupt`", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (row) => {
        try {
          decodeCbor(row);
        } catch (error) {
          expect(error).toMatchObject({ code: "store_corrupt" });
        }
      }),
      { numRuns: 2000 },
    );
  });
});
