/**
 * Claims: what a program says about the world, and what the evidence it names says to that (evidence.md 9).
 */
import type { Json } from "../core/json.ts";
import { isJsonObject, member } from "../core/json.ts";
import type { AssessedRecord, RecordFault } from "./assess.ts";
import { type Check, type Details, type Failed, failed } from "./check.ts";
import { checkSchema } from "./claim-schema.ts";
import { readClaims } from "./claim-shape.ts";
import { checkGroups } from "./groups.ts";
import { resolvePointer } from "./json-pointer.ts";
import { countPoints } from "./points.ts";
import { predicateHolds, sameValue } from "./predicate.ts";
import { checkRelations } from "./relations.ts";
import { meetsTrust } from "./trust.ts";
import type { Claim, GroupResolution, Requirement } from "./types.ts";

export interface ClaimCheckInput {
  readonly effect: string;
  readonly claims: readonly unknown[];
  readonly requirement: Requirement;
  /** The judged evidence of this run. */
  readonly evidence: (id: string) => AssessedRecord | undefined;
  /** Units that policy declares beside the built-in table. */
  readonly units?: readonly string[];
}

export interface ClaimResult {
  readonly claims: readonly Claim[];
  readonly resolutions: readonly GroupResolution[];
  readonly overruled: readonly string[];
  readonly warnings: readonly { readonly reason: string; readonly details: Details }[];
}

type Lookup = ClaimCheckInput["evidence"];

const own = <T>(record: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(record, key) ? record[key] : undefined;

/** A `minTrust` that is not a number is an unreachable demand, not none. */
function claimMinTrust(claim: Claim): number {
  if (claim.minTrust === undefined) return 0;
  return typeof claim.minTrust === "number" && Number.isFinite(claim.minTrust)
    ? claim.minTrust
    : Number.POSITIVE_INFINITY;
}

function evidenceFault(entry: AssessedRecord, minTrust: number): RecordFault | null {
  const first = entry.faults[0] ?? null;
  if (first !== null && first !== "low_level") return first;
  return meetsTrust(entry.trust, minTrust) ? first : "low_trust";
}

function checkNamedEvidence(claim: Claim, lookup: Lookup): Failed | null {
  const minTrust = claimMinTrust(claim);
  for (const id of claim.evidence) {
    const entry = lookup(id);
    if (!entry) return failed("claim_evidence_unknown", { claim: claim.id, evidence: id });
    const why = evidenceFault(entry, minTrust);
    if (why) return failed("claim_evidence_invalid", { claim: claim.id, evidence: id, why });
  }
  return null;
}

/** The value must be in the evidence, in the unit of the evidence; units are never converted. */
function checkOrigin(claim: Claim, lookup: Lookup): Failed | null {
  if (!claim.from) return null;
  const { evidence, pointer } = claim.from;
  if (!claim.evidence.includes(evidence)) {
    return failed("claim_evidence_unknown", { claim: claim.id, evidence });
  }
  const payload = lookup(evidence)?.record.payload();
  const found = payload === undefined ? undefined : resolvePointer(payload, pointer);
  if (found === undefined) return failed("claim_pointer_missing", { claim: claim.id, pointer });
  if (!sameValue(found, claim.value)) {
    return failed("claim_value_mismatch", { claim: claim.id, expected: found, got: claim.value });
  }
  const unit = isJsonObject(payload) ? member(payload, "unit") : undefined;
  const want = "unit" in claim.schema ? claim.schema.unit : undefined;
  if (want === undefined || unit === undefined || unit === null || unit === want) return null;
  return failed("schema_unit_mismatch", { claim: claim.id, path: claim.id, want, got: unit });
}

function checkPredicate(claim: Claim): Failed | null {
  const predicate: Json | undefined = claim.predicate;
  if (predicate === undefined) return null;
  const op = isJsonObject(predicate) ? (member(predicate, "op") ?? null) : null;
  const operand = isJsonObject(predicate) ? (member(predicate, "value") ?? null) : null;
  if (predicateHolds(op, claim.value, operand)) return null;
  return failed("claim_predicate_failed", { claim: claim.id, op, value: operand, got: claim.value });
}

function entriesOf(claim: Claim, lookup: Lookup): AssessedRecord[] {
  return claim.evidence.flatMap((id) => lookup(id) ?? []);
}

function checkPoints(claim: Claim, lookup: Lookup, { points }: Requirement): Failed | null {
  const rule = { ...points, ...own(points.byType, claim.type) };
  const witnesses = entriesOf(claim, lookup).map(({ record }) => record);
  const counted = countPoints(witnesses, rule);
  return counted.ok ? null : failed(counted.reason, { claim: claim.id, ...counted.details });
}

function checkLevel(claim: Claim, lookup: Lookup, { minLevelByType }: Requirement): Failed | null {
  const need = own(minLevelByType, claim.type) ?? 0;
  const got = Math.max(0, ...entriesOf(claim, lookup).map(({ level }) => level));
  return got >= need ? null : failed("provenance_too_low", { claim: claim.id, need, got });
}

function checkFreshness(claim: Claim, lookup: Lookup, requirement: Requirement): Failed | null {
  const slaMs = own(requirement.freshnessMsByType, claim.type) ?? requirement.defaultFreshnessMs;
  const minAgeMs = Math.min(...entriesOf(claim, lookup).map(({ ageMs }) => ageMs));
  return slaMs === 0 || minAgeMs <= slaMs
    ? null
    : failed("claim_stale", { claim: claim.id, minAgeMs, slaMs });
}

function firstFailure(
  claims: readonly Claim[],
  checks: readonly ((claim: Claim) => Failed | null)[],
): Failed | null {
  for (const check of checks) {
    for (const claim of claims) {
      const failure = check(claim);
      if (failure) return failure;
    }
  }
  return null;
}

/** All twelve checks in their order; a check runs over every claim before the next one starts. */
export function checkClaims(input: ClaimCheckInput): Check<ClaimResult> {
  const { requirement, evidence } = input;
  if (input.claims.length === 0) {
    if (!requirement.requireClaims) {
      return { ok: true, claims: [], resolutions: [], overruled: [], warnings: [] };
    }
    return failed(input.effect === "RESPOND" ? "no_claims_no_response" : "claims_required");
  }
  if (input.claims.length > requirement.maxClaims) {
    return failed("too_many_claims", { max: requirement.maxClaims, got: input.claims.length });
  }
  const read = readClaims(input.claims);
  if (!read.ok) return read;
  const { claims } = read;
  const early = firstFailure(claims, [
    (claim) => checkNamedEvidence(claim, evidence),
    (claim) => checkSchema(claim.id, claim.schema, claim.value, input.units),
    (claim) => checkOrigin(claim, evidence),
    checkPredicate,
  ]);
  if (early) return early;
  const groups = checkGroups(claims, evidence, requirement);
  if (!groups.ok) return groups;
  const late = firstFailure(claims, [
    (claim) => checkPoints(claim, evidence, requirement),
    (claim) => checkLevel(claim, evidence, requirement),
    (claim) => checkFreshness(claim, evidence, requirement),
  ]);
  if (late) return late;
  const values = new Map<string, Json>(claims.map(({ id, value }) => [id, value]));
  for (const { group, value } of groups.resolutions) values.set(`group:${group}`, value);
  const related = checkRelations(requirement.relations, (id) => values.get(id));
  if (!related.ok) return related;
  const { resolutions, warnings } = groups;
  return { ok: true, claims, resolutions, overruled: related.overruled, warnings };
}
