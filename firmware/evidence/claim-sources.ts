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

/** Where a value was read, if `from` names a source: the newest record of it among the evidence of the claim. */
function resolveOrigin(from: Json, ids: readonly Json[], list: readonly Evidence[]): Json {
  const pattern = isJsonObject(from) ? member(from, "evidence") : undefined;
  if (!isJsonObject(from) || typeof pattern !== "string" || !pattern.includes("://")) return from;
  const found = list.findLast(({ id, body }) => ids.includes(id) && sourceMatches(pattern, body.source));
  return found === undefined ? from : { ...from, evidence: found.id };
}

function resolveOne(claim: JsonObject, list: readonly Evidence[]): Check<{ readonly claim: JsonObject }> {
  const { sources: patterns, from, ...rest } = claim;
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
  const evidence = [...new Set(ids)].slice(0, MAX_CLAIM_EVIDENCE);
  const origin = from === undefined ? {} : { from: resolveOrigin(from, evidence, list) };
  return { ok: true, claim: { ...rest, ...origin, evidence } };
}

/**
 * Claims with their patterns replaced by ids, at most 16 per claim; `sources` is removed, a source in `from` becomes
 * the newest of the claim's own records of it, other members stay. A pattern that matches nothing is
 * `claim_evidence_unknown` {claim, evidence: pattern}. Entries that
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

/**
 * The same for claims that go with an effect, which the guard judges after its evidence: a pattern that matches nothing
 * stays as the only evidence of its claim, so that the guard finds it unknown in its turn.
 */
export function nameEvidence(claims: readonly unknown[], list: readonly Evidence[]): readonly unknown[] {
  return claims.map((claim) => {
    if (!isClaimObject(claim)) return claim;
    const resolved = resolveOne(claim, list);
    return resolved.ok ? resolved.claim : { ...claim, evidence: [resolved.details.evidence ?? null] };
  });
}

const isClaimObject = (claim: unknown): claim is JsonObject =>
  typeof claim === "object" && claim !== null && !Array.isArray(claim);

/** The evidence that the value of a claim was read from, undefined for a claim that names none. */
export function valueEvidence(claims: readonly unknown[], id: string): string | undefined {
  const claim = claims.filter(isClaimObject).find((one) => one.id === id);
  const from = claim === undefined ? undefined : member(claim, "from");
  const evidence = from !== undefined && isJsonObject(from) ? member(from, "evidence") : undefined;
  return typeof evidence === "string" ? evidence : undefined;
}
