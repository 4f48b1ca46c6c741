import fc from "fast-check";
import { expect, test } from "vitest";
import { del, put } from "../../../firmware/ports/store.ts";
import { copyOfBatch } from "../../../sim/disk/copy.ts";

const value = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.uint8Array({ minLength: 4090, maxLength: 4100, size: "max" }),
);
const op = fc.oneof(
  value.map((bytes) => put("a", "k", bytes)),
  fc.constant(del("a", "k")),
);

test("a copied batch keeps its values whatever becomes of the originals, and no value reaches into another", () => {
  fc.assert(
    fc.property(fc.array(op, { maxLength: 5 }), (ops) => {
      const before = structuredClone(ops);
      const copies = copyOfBatch(ops);
      expect(copies).toEqual(before);
      for (const one of ops) if (one.type === "put") one.value.fill(0xee);
      expect(copies).toEqual(before);
      for (const [i, one] of copies.entries()) {
        if (one.type !== "put") continue;
        const kept = one.value.slice();
        one.value.fill(0x55);
        const others = copies.filter((_, at) => at !== i);
        expect(others).toEqual(before.filter((_, at) => at !== i));
        one.value.set(kept);
      }
    }),
    { numRuns: 20 },
  );
});
