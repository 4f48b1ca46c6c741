import { Encoder } from "cbor-x";
import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeCbor } from "../../firmware/core/cbor.ts";
import { CborWriter } from "../../firmware/core/cbor-writer.ts";

const library = new Encoder({
  useRecords: false,
  mapsAsObjects: true,
  tagUint8Array: false,
  variableMapSize: true,
});
const expected = (value: unknown): Uint8Array => new Uint8Array(library.encode(value));

const number = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.constantFrom(0, -0, 23, 24, 255, 256, 65_535, 65_536, 2 ** 31, 2 ** 32 - 1, 2 ** 32),
  fc.constantFrom(-1, -24, -25, -256, -257, -65_536, -65_537, -(2 ** 31), -(2 ** 31) - 1, -(2 ** 32)),
  fc.constantFrom(1_700_000_000_123, 21.37, Number.NaN, Number.POSITIVE_INFINITY, -(2 ** 32) - 1),
);
const text = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary" }),
  fc
    .tuple(
      fc.constantFrom(15, 16, 17, 23, 24, 63, 64, 255, 256, 300),
      fc.constantFrom("a", "é", "€", "\ud800"),
    )
    .map(([length, unit]) => "x".repeat(length - 1) + unit),
);
const value = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    number,
    text,
    fc.constantFrom(null, true, false, undefined),
    fc.uint8Array({ maxLength: 40 }),
    fc.array(tie("value"), { maxLength: 30 }),
    fc.dictionary(fc.oneof(text, fc.constantFrom("constructor", "__proto__", "toJSON")), tie("value")),
  ),
})).value;

test("what the writer writes is what the library writes, byte for byte", () => {
  const writer = new CborWriter();
  let own = 0;
  fc.assert(
    fc.property(value, (document) => {
      const written = writer.write(document);
      if (written) own++;
      if (written) expect(written).toEqual(expected(document));
      expect(encodeCbor(document)).toEqual(expected(document));
    }),
    { numRuns: 1000 },
  );
  expect(own).toBeGreaterThan(100);
});

test.each([
  ["a text as long as the room", "x".repeat(16_384)],
  ["a text with the rest of the room in other letters", `${"x".repeat(16_000)}${"é".repeat(300)}`],
  ["octets beyond the room", new Uint8Array(20_000)],
  ["many small items", Array.from({ length: 9000 }, (_, i) => i)],
  ["many members", Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`k${i}`, i]))],
  ["deep nesting", JSON.parse(`${"[".repeat(60)}1${"]".repeat(60)}`)],
  ["a Map", new Map([["a", 1]])],
  ["an object without a prototype", Object.assign(Object.create(null), { a: 1 })],
])("%s comes out the same", (_name, document) => {
  expect(encodeCbor(document)).toEqual(expected(document));
});

test("what was written stays as it is when the next value is written", () => {
  const writer = new CborWriter();
  const first = writer.write({ a: "first" });
  const kept = first?.slice();
  writer.write({ a: "other" });
  expect(first).toEqual(kept);
});
