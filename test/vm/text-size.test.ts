import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { noteTextSize, textSize } from "../../firmware/vm/values/text-size.ts";

const octets = (text: string): number => Buffer.byteLength(text, "utf8");
/** Longer and shorter than what is remembered, plain and not, many of the same length. */
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.string({ unit: "grapheme-ascii", maxLength: 60 }),
  fc.constantFrom("é".repeat(23), "é".repeat(24), "😀".repeat(12), "a".repeat(24), `${"a".repeat(39)}ß`),
);

describe("the size of a text", () => {
  it("is that of its UTF-8 form, whatever was measured before", () => {
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 40 }), (texts) => {
        for (const one of [...texts, ...texts]) expect(textSize(one)).toBe(octets(one));
      }),
      { numRuns: 500 },
    );
  });

  it("is the sum of its parts when it was joined and noted", () => {
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 20 }), (parts) => {
        let joined = "";
        for (const part of parts) {
          const size = textSize(joined) + textSize(part);
          joined += part;
          noteTextSize(joined, size);
        }
        expect(textSize(joined)).toBe(octets(joined));
      }),
      { numRuns: 500 },
    );
  });
});
