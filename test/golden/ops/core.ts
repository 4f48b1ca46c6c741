import { canonicalize } from "../../../firmware/core/canonical-json.ts";
import { codeOf } from "../../../firmware/core/errors.ts";
import { sha256Hex } from "../../../firmware/core/hash.ts";
import { roundHalfEven } from "../../../firmware/core/round.ts";
import type { Given, OpModule } from "../registry.ts";

function jcsCase(given: Given): unknown {
  try {
    const value = given.jsonText !== undefined ? JSON.parse(given.jsonText) : given.value;
    const canonical = canonicalize(value);
    return { canonical, sha256: sha256Hex(canonical) };
  } catch (error) {
    return { error: codeOf(error), reason: codeOf(error) };
  }
}

export const modules: readonly OpModule[] = [
  { area: "evidence", ops: { jcs: jcsCase, round_half_even: (given) => ({ y: roundHalfEven(given.x) }) } },
];
