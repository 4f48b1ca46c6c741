/** Judges one record against a requirement (evidence.md 8, tests 1 to 8). */
import { codeOf } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import { isFresh, isFuture, MAX_SKEW_MS } from "./freshness.ts";
import type { KindTable } from "./kinds.ts";
import { RISK_RULES } from "./risk.ts";
import { baseTrust, meetsTrust, trustNow } from "./trust.ts";
import type { ProvenanceLevel, Requirement, RiskLevel } from "./types.ts";

/** The first test a record fails, as `claim_evidence_invalid` names it. */
export type RecordFault =
  | "bookkeeping"
  | "not_accepted"
  | "foreign"
  | "integrity"
  | "future"
  | "old"
  | "low_trust"
  | "low_level";

/** What the guard needs to know about one record at the moment of use. */
export interface GuardRecord {
  readonly id: string;
  readonly kind: string;
  readonly source: string;
  readonly origin: string;
  /** Of another run, subject or device. */
  readonly foreign: boolean;
  /** Re-hashes and checks the seal; asked only for records that passed the tests before. */
  readonly integrity: () => boolean;
  readonly level: () => ProvenanceLevel;
  /** ms, negative if the record is ahead of this clock. */
  readonly rawAgeMs: number;
  readonly ts: number;
  readonly ttlMs: number;
  readonly declaredTrust?: number;
  readonly sourceTrust: number;
  readonly reputation: number;
  readonly points: number;
  readonly payload: () => Json | undefined;
}

export interface AssessedRecord {
  readonly record: GuardRecord;
  /** In the order of the tests; empty = valid. Only `old`, `low_trust` and `low_level` occur together. */
  readonly faults: readonly RecordFault[];
  /** Trust now; 0 for a record that failed tests 1 to 5. */
  readonly trust: number;
  readonly level: ProvenanceLevel;
  readonly ageMs: number;
}

export interface AssessContext {
  readonly requirement: Requirement;
  readonly kinds: KindTable;
  readonly risk?: RiskLevel;
  readonly maxSkewMs?: number;
}

/** Bookkeeping never; triggers and effects only by name; other classes by name or by `accept`. */
function classFault(kind: string, { requirement, kinds }: AssessContext): RecordFault | null {
  const cls = kinds.get(kind)?.class;
  if (cls === "bookkeeping") return "bookkeeping";
  if (cls === undefined) return "not_accepted";
  if (requirement.requiredKinds.includes(kind)) return null;
  if (cls === "trigger" || cls === "effect") return "not_accepted";
  return requirement.accept.includes(cls) ? null : "not_accepted";
}

function firstFault(record: GuardRecord, context: AssessContext): RecordFault | null {
  const cls = classFault(record.kind, context);
  if (cls) return cls;
  if (record.foreign) return "foreign";
  const numbers = [record.rawAgeMs, record.ttlMs, record.sourceTrust, record.declaredTrust ?? 0];
  if (numbers.some((x) => !Number.isFinite(x)) || !record.integrity()) return "integrity";
  return isFuture(record.rawAgeMs, context.maxSkewMs ?? MAX_SKEW_MS) ? "future" : null;
}

/** Evaluates one record. Never throws for what the record contains. */
export function assess(record: GuardRecord, context: AssessContext): AssessedRecord {
  const ageMs = Math.max(0, record.rawAgeMs);
  const first = firstFault(record, context);
  const profile = context.kinds.get(record.kind)?.profile;
  if (first || !profile) return { record, faults: [first ?? "not_accepted"], trust: 0, level: 0, ageMs };
  const { requirement } = context;
  const level = context.risk ? RISK_RULES[context.risk] : undefined;
  const trust = trustNow({
    base: baseTrust(record.declaredTrust, record.sourceTrust),
    ageMs,
    profileDecayPerDay: profile.decayPerDay,
    levelDecayPerDay: level?.decayPerDay ?? 0,
    reputation: record.reputation,
  });
  const provenance = record.level();
  const faults: RecordFault[] = [];
  const limits = { ttlMs: record.ttlMs, profile, levelMaxAgeMs: level?.maxAgeMs ?? null };
  if (!isFresh(ageMs, { ...limits, requirementMaxAgeMs: requirement.maxAgeMs })) faults.push("old");
  if (!meetsTrust(trust, requirement.minTrust)) faults.push("low_trust");
  if (provenance < requirement.minLevel) faults.push("low_level");
  return { record, faults, trust, level: provenance, ageMs };
}

/** For messages of `guard_error`: a code, never the text of what was thrown. */
export const guardErrorDetails = (error: unknown): { readonly why: string } => ({ why: codeOf(error) });
