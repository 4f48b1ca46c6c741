/** The risk level of what is adopted, by its domain (policy.md 6). */
import { decideRisk, type RiskDecision, type RiskLevel } from "../evidence/index.ts";

/** Level of the domain, else of `default`; a hint may only raise it and an unknown hint is reported as ignored. */
export function resolveRisk(
  domains: Readonly<Record<string, RiskLevel>>,
  domain: string,
  hint?: string | null,
): RiskDecision {
  const level = Object.hasOwn(domains, domain) ? domains[domain] : domains.default;
  return decideRisk(level ?? "medium", hint);
}
