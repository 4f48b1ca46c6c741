/**
 * Checks of evidence about artifacts, bindings and channels before something becomes active (evidence.md
 * 15).
 */
import { type Check, type Failed, failed } from "./check.ts";
import { decideRisk, RISK_RULES } from "./risk.ts";
import { originOf, sourceMatches } from "./source.ts";
import { aggregateTrust, meetsTrust, type TrustedWitness } from "./trust.ts";
import type { RiskLevel } from "./types.ts";

export interface SetWitness extends TrustedWitness {
  readonly fresh: boolean;
}

/** Refusals: no_evidence, all_evidence_expired, low_trust {got, need}, not_enough_sources {need, have}. */
export function gateSet(
  evidence: readonly SetWitness[],
  domain: RiskLevel | null,
  hint?: string | null,
): Check<{ readonly aggTrust: number; readonly count: number; readonly risk: RiskLevel }> {
  if (evidence.length === 0) return failed("no_evidence");
  const fresh = evidence.filter((witness) => witness.fresh);
  if (fresh.length === 0) return failed("all_evidence_expired");
  const { risk } = decideRisk(domain, hint);
  const { minTrust, minSources } = RISK_RULES[risk];
  const aggTrust = aggregateTrust(fresh);
  if (!meetsTrust(aggTrust, minTrust)) return failed("low_trust", { got: aggTrust, need: minTrust });
  const have = distinctOrigins(fresh);
  if (have < minSources) return failed("not_enough_sources", { need: minSources, have });
  return { ok: true, aggTrust, count: fresh.length, risk };
}

const distinctOrigins = (witnesses: readonly TrustedWitness[]): number =>
  new Set(witnesses.map(({ origin }) => origin)).size;

export interface BindingWitness {
  readonly source: string;
  readonly trust: number;
  readonly fresh: boolean;
}

interface Thresholds {
  readonly minSources: number;
  readonly minTrust: number;
}

function checkBinding(
  binding: string,
  evidence: readonly BindingWitness[],
  { minSources, minTrust }: Thresholds,
): Failed | null {
  const about = evidence.filter(({ source }) => sourceMatches(source, binding));
  if (about.length === 0) return failed("missing_evidence", { binding });
  const fresh = about.filter((witness) => witness.fresh);
  if (fresh.length === 0) return failed("expired_evidence", { binding });
  const witnesses = fresh.map(({ source, trust }) => ({ trust, origin: originOf(source) }));
  const have = distinctOrigins(witnesses);
  if (have < minSources) return failed("not_enough_sources", { binding, need: minSources, have });
  const got = aggregateTrust(witnesses);
  return meetsTrust(got, minTrust) ? null : failed("low_trust", { binding, got, need: minTrust });
}

/** Every bound source needs evidence about itself or a path-boundary prefix of it. */
export function checkBindings(
  bindings: readonly string[],
  evidence: readonly BindingWitness[],
  thresholds: Thresholds,
): Check<{ readonly checked: number }> {
  for (const binding of bindings) {
    const failure = checkBinding(binding, evidence, thresholds);
    if (failure) return failure;
  }
  return { ok: true, checked: bindings.length };
}

export interface ChannelDescription {
  readonly name: string;
  readonly type: string;
  readonly unit?: string;
  readonly required: boolean;
}

/** An integer is a number; an instant tells its date. Never the reverse. */
const satisfies = (described: string, expected: string): boolean =>
  described === expected ||
  (described === "integer" && expected === "number") ||
  (described === "datetime" && expected === "date");

function checkChannel(expected: ChannelDescription, described: readonly ChannelDescription[]): Failed | null {
  const { name: channel } = expected;
  const found = described.find(({ name }) => name === channel);
  if (!found) return expected.required ? failed("channel_missing", { channel }) : null;
  if (!satisfies(found.type, expected.type)) {
    return failed("type_mismatch", { channel, want: expected.type, got: found.type });
  }
  if (expected.unit === undefined || found.unit === undefined || expected.unit === found.unit) return null;
  return failed("unit_mismatch", { channel, want: expected.unit, got: found.unit });
}

/** What a driver describes against what a program expects. Refusals name the channel. */
export function checkChannels(
  expected: readonly ChannelDescription[],
  described: readonly ChannelDescription[] | null,
  schemaEvidence: readonly TrustedWitness[],
  { minSources, minTrust }: Thresholds,
): Check {
  if (described === null) return failed("schema_missing");
  const have = distinctOrigins(schemaEvidence);
  if (have < minSources) return failed("not_enough_schema_sources", { need: minSources, have });
  const got = aggregateTrust(schemaEvidence);
  if (!meetsTrust(got, minTrust)) return failed("low_schema_trust", { got, need: minTrust });
  for (const channel of expected) {
    const failure = checkChannel(channel, described);
    if (failure) return failure;
  }
  return { ok: true };
}
