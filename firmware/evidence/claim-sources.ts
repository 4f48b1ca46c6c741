/** Turns the source patterns of a program's claims into ids of this run's evidence (vm.md 10). */
import { isJsonObject, type Json, type JsonObject, member } from "../core/json.ts";
import { type Check, failed } from "./check.ts";
import { MAX_CLAIM_EVIDENCE } from "./claim-shape.ts";
import { sourceMatches } from "./source.ts";
import type { Evidence } from "./types.ts";

/**
 * The newest record of every source that the pattern names, in the order in which the sources first
 * appeared.
 */
function newestPerSource(pattern: string, list: readonly Evidence[]): readonly string[] {
  const newest = new Map<string, string>();
  for (const { id, body } of list) if (sourceMatches(pattern, body.source)) newest.set(body.source, id);
  return [...newest.values()];
}

function resolveOne(claim: JsonObject, list: readonly Evidence[]): Check<{ readonly claim: JsonObject }> {
  const { sources: patterns, ...rest } = claim;
  const named = member(claim, "evidence");
  const ids: Json[] = Array.isArray(named) ? [...named] : [];
  for (const pattern of Array.isArray(patterns) ? patterns : []) {
    const found = typeof pattern === "string" ? newestPerSource(pattern, list) : [];
    if (found.length === 0) {
      return failed("claim_evidence_unknown", {
        claim: member(claim, "id") ?? null,
        evidence: pattern ?? null,
      });
    }
    ids.push(...found);
  }
  return { ok: true, claim: { ...rest, evidence: [...new Set(ids)].slice(0, MAX_CLAIM_EVIDENCE) } };
}

/**
 * Claims with their patterns replaced by ids, at most 16 per claim; `sources` is removed, other members
 * stay. A pattern that matches nothing is `claim_evidence_unknown` {claim, evidence: pattern}. Entries that
 * are no objects pass to the guard.
 */
export function resolveClaimSources(
  claims: readonly Json[],
  list: readonly Evidence[],
): Check<{ readonly claims: readonly Json[] }> {
  const resolved: Json[] = [];
  for (const claim of claims) {
    if (!isJsonObject(claim)) {
      resolved.push(claim);
      continue;
    }
    const result = resolveOne(claim, list);
    if (!result.ok) return result;
    resolved.push(result.claim);
  }
  return { ok: true, claims: resolved };
}
