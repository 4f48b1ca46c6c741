import fc from "fast-check";
import { expect, it } from "vitest";
import { concat } from "../../../firmware/core/bytes.ts";
import { ByteSearch, SHORTEST_NEEDLE } from "../../../sim/harness/invariants/byte-search.ts";

const bytes = (min: number, max: number) => fc.uint8Array({ minLength: min, maxLength: max });

it("finds a needle wherever it lies", () => {
  fc.assert(
    fc.property(bytes(SHORTEST_NEEDLE, 60), bytes(0, 70), bytes(0, 70), (needle, before, after) => {
      const search = new ByteSearch([{ name: "key", bytes: needle }]);
      expect(search.findIn(concat(before, needle, after))).toBe("key");
    }),
    { numRuns: 500 },
  );
});

it("finds nothing that is not there", () => {
  fc.assert(
    fc.property(bytes(SHORTEST_NEEDLE, 40), bytes(0, 200), (needle, hay) => {
      const isThere = Buffer.from(hay).includes(Buffer.from(needle));
      expect(new ByteSearch([{ name: "key", bytes: needle }]).findIn(hay)).toBe(isThere ? "key" : null);
    }),
  );
});

it("does not take a part for the whole", () => {
  const needle = Uint8Array.from({ length: 32 }, (_, i) => i + 1);
  const search = new ByteSearch([{ name: "key", bytes: needle }]);
  expect(search.findIn(needle.subarray(0, 31))).toBeNull();
  expect(search.findIn(needle.subarray(1))).toBeNull();
});
