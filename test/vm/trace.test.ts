import fc from "fast-check";
import { expect, it } from "vitest";
import { hashJson } from "../../firmware/core/hash.ts";
import type { Json } from "../../firmware/core/json.ts";
import { inputHash, type Limits, TIER_LIMITS } from "../../firmware/vm/index.ts";

const hash = (limits: Limits, payload: Json): void => {
  const inputs = { journal: [], limits, payload, trigger: { kind: "command" } };
  expect(inputHash(inputs)).toBe(hashJson(inputs));
};

it("hashes the inputs of a run as their canonical form, whatever the limits are", () => {
  fc.assert(
    fc.property(fc.constantFrom(...Object.values(TIER_LIMITS)), fc.jsonValue(), (limits, payload) => {
      hash(limits, payload as Json);
      hash({ ...limits, cpuSteps: 0.5 }, payload as Json);
      hash({ ...limits, ...{ added: 1 } }, payload as Json);
    }),
    { numRuns: 200 },
  );
});
