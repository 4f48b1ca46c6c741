/**
 * The guard: no effect without evidence of this very run (evidence.md 8). Pure; `RunEvidence` supplies the
 * records.
 */
import type { Json } from "../core/json.ts";
import {
  type AssessContext,
  type AssessedRecord,
  assess,
  type GuardRecord,
  guardErrorDetails,
  type RecordFault,
} from "./assess.ts";
import { failed } from "./check.ts";
import { checkClaims } from "./claims.ts";
import { aggregateTrust } from "./trust.ts";
import type { GuardVerdict, Requirement } from "./types.ts";

export interface GuardInput extends Omit<AssessContext, "requirement"> {
  /** Contract id of the effect, `RESPOND` for replies. */
  readonly effect: string;
  /** Without one the guard refuses. */
  readonly requirement: Requirement | null | undefined;
  readonly records: readonly GuardRecord[];
  /** As the program gave them; their shape is checked here. */
  readonly claims?: readonly unknown[];
  readonly units?: readonly string[];
}

const COUNTERS = [
  ["foreign", "rejectedForeign"],
  ["integrity", "rejectedIntegrity"],
  ["future", "rejectedFuture"],
  ["old", "rejectedOld"],
  ["low_trust", "rejectedLowTrust"],
  ["low_level", "rejectedLowLevel"],
] as const;

const countOf = (assessed: readonly AssessedRecord[], fault: RecordFault): number =>
  assessed.filter(({ faults }) => faults.includes(fault)).length;

function checkEvidence(
  requirement: Requirement,
  assessed: readonly AssessedRecord[],
  valid: readonly AssessedRecord[],
): GuardVerdict | null {
  const ignoredBookkeeping = countOf(assessed, "bookkeeping");
  const ignoredNotAccepted = countOf(assessed, "not_accepted");
  if (requirement.required && ignoredBookkeeping + ignoredNotAccepted === assessed.length) {
    const why = "required_evidence_missing";
    return failed("no_evidence", { why, ignoredBookkeeping, ignoredNotAccepted });
  }
  if (valid.length < requirement.minCount) {
    const { minCount, minTrust, maxAgeMs } = requirement;
    const rejected = Object.fromEntries(COUNTERS.map(([fault, name]) => [name, countOf(assessed, fault)]));
    return failed("insufficient_evidence", {
      minCount,
      haveValid: valid.length,
      minTrust,
      maxAgeMs,
      ...rejected,
    });
  }
  const kinds = new Set(valid.map(({ record }) => record.kind));
  const missing = requirement.requiredKinds.filter((kind) => !kinds.has(kind));
  if (missing.length > 0) return failed("missing_required_kinds", { missing });
  if (requirement.minKinds) {
    const { kinds: listed, min } = requirement.minKinds;
    const have = new Set(listed.filter((kind) => kinds.has(kind))).size;
    if (have < min) return failed("min_kinds_not_met", { kinds: [...listed], need: min, have });
  }
  const origins = [...new Set(valid.map(({ record }) => record.origin))].sort();
  if (origins.length < requirement.minSources) {
    return failed("not_enough_sources", { need: requirement.minSources, have: origins.length, origins });
  }
  return null;
}

/** A comparison with something that is no number never holds, so such a limit would limit nothing. */
function isSoundRequirement(requirement: Requirement): boolean {
  const { minTrust, minCount, minSources, minLevel, maxClaims } = requirement;
  return [minTrust, minCount, minSources, minLevel, maxClaims].every(Number.isFinite);
}

function judge(input: GuardInput, requirement: Requirement): GuardVerdict {
  if (!isSoundRequirement(requirement)) return failed("guard_error", { why: "requirement_malformed" });
  const assessed = input.records.map((record) => assess(record, { ...input, requirement }));
  const valid = assessed.filter(({ faults }) => faults.length === 0);
  const refused = checkEvidence(requirement, assessed, valid);
  if (refused) return refused;
  const verdict = {
    ok: true,
    valid: valid.map(({ record }) => record.id),
    trust: aggregateTrust(valid.map(({ trust, record }) => ({ trust, origin: record.origin }))),
  } as const;
  const claims = input.claims ?? [];
  if (claims.length === 0 && !requirement.requireClaims) return verdict;
  const byId = new Map(assessed.map((entry) => [entry.record.id, entry]));
  const checked = checkClaims({
    effect: input.effect,
    claims,
    requirement,
    evidence: (id) => byId.get(id),
    ...(input.units ? { units: input.units } : {}),
  });
  if (!checked.ok) return checked;
  const { resolutions, overruled, warnings } = checked;
  return {
    ...verdict,
    ...(resolutions.length > 0 ? { resolutions } : {}),
    ...(overruled.length > 0 ? { overruled } : {}),
    ...(warnings.length > 0 ? { warnings } : {}),
  };
}

/**
 * Decides before the effect. Reasons: no_evidence, insufficient_evidence, missing_required_kinds,
 * min_kinds_not_met, not_enough_sources, those of section 9, and guard_error when judging itself failed:
 * never a pass by accident.
 */
export function guard(input: GuardInput): GuardVerdict {
  if (!input.requirement) return failed("guard_error", { why: "requirement_missing" });
  try {
    return judge(input, input.requirement);
  } catch (error) {
    return failed("guard_error", guardErrorDetails(error));
  }
}

/** For logs and `guard_decision`: what a verdict says in one line. */
export const verdictReason = (verdict: GuardVerdict): Json => (verdict.ok ? null : verdict.reason);
