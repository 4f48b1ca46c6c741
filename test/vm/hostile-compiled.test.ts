/** Programs made to hurt whoever translates them: the same result on every executor, and the one the rules demand. */
import { describe, expect, it } from "vitest";
import { canonicalize } from "../../firmware/core/canonical-json.ts";
import { TIER_LIMITS, verifyProgram } from "../../firmware/vm/index.ts";
import { view } from "./differential/host.ts";
import type { Scenario } from "./differential/program.ts";
import { judge } from "./differential/property.ts";
import { flows } from "./hostile/flows.ts";
import { large } from "./hostile/large.ts";
import { named } from "./hostile/names.ts";
import { failures, numbers } from "./hostile/numbers.ts";
import type { Row } from "./hostile/rows.ts";

function scenario({ code, limits, constants, payload }: Row): Scenario {
  const document = {
    format: "imu.program/1",
    name: "t",
    version: "1.0.0",
    isa: 1,
    constants: constants ?? {},
    code,
  };
  const usual = { ...TIER_LIMITS.medium, cpuSteps: 20_000 };
  return {
    document,
    payload: payload ?? null,
    trigger: { kind: "boot" },
    limits: { ...usual, ...limits },
    answers: [],
  };
}

describe("a program made to hurt a compiler runs the same on every executor:", () => {
  it.each([...named, ...numbers, ...failures, ...flows, ...large].map((row) => [row.name, row] as const))(
    "%s",
    (_name, row) => {
      const run = scenario(row);
      const program = verifyProgram(run.document, view);
      if (!program.ok) return expect(program.issues).toEqual([]);

      const { oracle, difference } = judge(program, run, 0.5);

      expect(difference).toBeNull();
      if (row.reason === undefined) expect(canonicalize(oracle.outcome.body)).toBe(canonicalize(row.body));
      else expect(oracle.error?.reason).toBe(row.reason);
    },
  );

  it("changes nothing outside itself", () => {
    expect(Object.hasOwn(globalThis, "polluted")).toBe(false);
    expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
  });
});
