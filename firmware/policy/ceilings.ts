/** Pass 10 of the compiler: bounds that no profile and no author may pass (policy.md 4, phi.md 9). */
import { POLICY_LIMITS } from "../core/limits.ts";
import { TIER_LIMITS } from "../vm/index.ts";
import type { CompiledDocument } from "./complete.ts";
import { limitKeys } from "./schema-sections.ts";
import { issue } from "./shape.ts";
import type { PolicyIssue } from "./types.ts";

interface Explore {
  readonly explore?: { readonly enabled?: boolean };
}

/** Issues `out_of_range` with the bound in `details.max`. */
export function checkCeilings(compiled: CompiledDocument): readonly PolicyIssue[] {
  const found: PolicyIssue[] = [];
  for (const key of limitKeys) {
    const value = compiled.limits[key] ?? null;
    const max = TIER_LIMITS.system[key];
    if (value !== null && value > max) {
      found.push(issue("out_of_range", `/limits/${key}`, `The limit is at most ${max}.`, { value, max }));
    }
  }
  const { evidence, profile } = compiled;
  if (evidence.maxClaims > POLICY_LIMITS.claims) {
    found.push(
      issue("out_of_range", "/evidence/maxClaims", `At most ${POLICY_LIMITS.claims} claims.`, {
        max: POLICY_LIMITS.claims,
      }),
    );
  }
  if (!evidence.required && (profile === "prod" || profile === "strict")) {
    found.push(issue("out_of_range", "/evidence/required", `The profile ${profile} always needs evidence.`));
  }
  const phi = compiled.phi as Explore | undefined;
  if (profile === "strict" && phi?.explore?.enabled === true) {
    found.push(issue("out_of_range", "/phi/explore/enabled", "The profile strict never explores."));
  }
  return found;
}
