import { expect, test } from "vitest";
import { instructionSpec } from "../../firmware/vm/instruction-table.ts";

test.each(["__proto__", "constructor", "toString", "add", ""])("%j is no instruction", (name) => {
  expect(instructionSpec(name)).toBeUndefined();
});
