/** Depths shown to readers are those the verifier found. */
import { expect, test } from "vitest";
import { stackDepths } from "../../firmware/authoring/stack-depths.ts";
import { labelsOf, unitsOf } from "../../firmware/authoring/units.ts";
import { plainJson } from "../../firmware/composition/state-params.ts";
import { type ProgramDocument, verifyProgram } from "../../firmware/vm/index.ts";
import { view } from "../vm/support.ts";
import { VECTORS } from "./corpus.ts";

const verified = VECTORS.flatMap(([id, document]) => {
  const result = verifyProgram(plainJson(document), view);
  return result.ok ? [[id, document, result] as const] : [];
});

test.each(verified)("%s", (_, document, { warnings, frames }) => {
  const depths = stackDepths(document);
  const unreached = new Set(
    warnings.filter(({ code }) => code === "unreachable_code").map(({ unit, index }) => `${unit}:${index}`),
  );
  const most = Math.max(...Object.values(frames).map(({ maxStack }) => maxStack));

  for (const [unit, list] of unitsOf(document)) {
    for (const [index, { op }] of list.entries()) {
      const depth = depths.get(`${unit}:${index}`);
      const isDeclaration = op === "LABEL" || op === "FUNC" || op === "ENDFUNC";
      if (!isDeclaration && !unreached.has(`${unit}:${index}`) && unreached.size === 0)
        expect(depth).toBeDefined();
      expect(depth ?? 0).toBeLessThanOrEqual(most);
    }
  }
});

test("a document that does not hold together has depths all the same", () => {
  const code = [
    { op: "POP" },
    { op: "JUMP", to: -5 },
    { op: "FUNC", name: "f" },
    { op: "JZ", label: "__proto__" },
    { op: "TRY", handler: "nowhere" },
    { op: "WARP" },
  ];
  const document: ProgramDocument = { format: "imu.program/1", name: "t", version: "1.0.0", isa: 1, code };

  expect(stackDepths(document).get("code:0")).toBe(0);
  expect(labelsOf(unitsOf(document).get("code") ?? [])).toEqual([null, null, null, null, null, null]);
});
