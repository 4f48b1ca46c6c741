import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalize } from "../../firmware/core/canonical-json.ts";
import { canonicalSize } from "../../firmware/core/canonical-size.ts";

const written = (value: unknown): number => Buffer.byteLength(canonicalize(value), "utf8");

const reading = fc
  .tuple(fc.integer({ min: -2_000_000_000, max: 2_000_000_000 }), fc.integer({ min: 0, max: 9 }))
  .map(([n, digits]) => n / 10 ** digits);
const number = fc.oneof(
  reading,
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);

describe("the size of a canonical form", () => {
  it("is that of the number written", () => {
    fc.assert(
      fc.property(number, (n) => {
        expect(canonicalSize(n), String(n)).toBe(written(n));
      }),
      { numRuns: 20_000 },
    );
  });

  it("is that of any JSON written", () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        expect(canonicalSize(value)).toBe(written(value));
      }),
      { numRuns: 2000 },
    );
  });

  it.each([0, -0, 1e21, 1e-7, 0.1 + 0.2, 4.35, 0.000_001, 999_999_999.999_999, 5e-324, 2 ** 53])(
    "is right at the edge %s",
    (n) => {
      expect(canonicalSize(n)).toBe(written(n));
    },
  );

  it.each([
    ["lone surrogate", "\ud800"],
    ["non-finite", Number.NaN],
    ["undefined", { a: undefined }],
  ])("refuses what has no canonical form: %s", (_what, value) => {
    expect(() => canonicalSize(value)).toThrow(/canonical/);
  });
});
