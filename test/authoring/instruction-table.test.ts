/** The table of the authoring tools is that of the verifier. */
import { expect, test } from "vitest";
import {
  fieldKind,
  INSTRUCTION_NAMES,
  instructionSpec,
  isOptional,
} from "../../firmware/authoring/instruction-table.ts";
import { INSTRUCTIONS } from "../../firmware/vm/instruction-set.ts";

test("both tables have the same instructions", () => {
  expect([...INSTRUCTION_NAMES].sort()).toEqual([...INSTRUCTIONS.keys()].sort());
});

test.each([...INSTRUCTIONS])("%s has the same fields, pairs and stack effect in both", (name, vm) => {
  const spec = instructionSpec(name);
  if (spec === undefined) throw new Error(name);
  const { pops, pushes, fields, extra } = spec;

  expect({ pops, pushes, flow: extra.flow ?? "next" }).toEqual({
    pops: vm.pops,
    pushes: vm.pushes,
    flow: vm.flow,
  });
  expect(
    Object.entries(fields).map(([field, kind]) => [field, fieldKind(spec, field), !isOptional(kind)]),
  ).toEqual([...vm.fields].map(([field, { kind, required }]) => [field, kind, required]));
  expect([
    ...(extra.either ? [{ names: extra.either, optional: false }] : []),
    ...(extra.atMostOne ? [{ names: extra.atMostOne, optional: true }] : []),
  ]).toEqual(vm.either);
});

test.each(["__proto__", "constructor", "toString", "add", ""])("%j is no instruction", (name) => {
  expect(instructionSpec(name)).toBeUndefined();
});
