/**
 * The decision kernel (policy.md 5). Enforcement, `explain`, dry runs and shadow replay call this one function;
 * it is pure: counters, grants and time are handed in.
 */
import { hashJson } from "../core/hash.ts";
import { literalLength, matchesGlob } from "./glob.ts";
import { thresholdOf } from "./trust.ts";
import type { DecisionResult, DecisionWord, Grant, Rule } from "./types.ts";

/** What the kernel reads of a compiled policy. */
export interface DecisionTable {
  readonly rules: readonly Rule[];
  readonly noRule: "block" | "require_consent";
  readonly lowTrust: "block" | "require_consent";
}

/** Who asks. `known: false` is a subject that the policy does not list. */
export type DecisionSubject =
  | { readonly id: string; readonly known: false }
  | { readonly id: string; readonly known: true; readonly enabled: boolean; readonly trust: number };

export interface DecisionQuestion {
  readonly subject: DecisionSubject;
  readonly topic: string;
  readonly action: string;
}

export interface DecisionState {
  /** Calls of this subject and the selected rule in the last 60 s that passed the rate line, plus this call. */
  readonly rateCount: number;
  /** Milliseconds until one more call would pass the rate line. */
  readonly retryAfterMs?: number;
  readonly grants: readonly Grant[];
  /** Wall clock, ms since the epoch. */
  readonly now: number;
  readonly clockTrusted: boolean;
}

const severity: Readonly<Record<DecisionWord, number>> = { block: 0, require_consent: 1, allow: 2 };

const topicsOf = (rule: Rule): readonly string[] =>
  typeof rule.topic === "string" ? [rule.topic] : rule.topic;

const DEFAULT_PRIORITY = 100;
export const priorityOf = (rule: Rule): number => rule.priority ?? DEFAULT_PRIORITY;

/** Most literal characters among the globs of the rule that match; −1 if the rule does not match at all. */
function matchStrength(rule: Rule, question: DecisionQuestion): number {
  if (rule.action !== "*" && rule.action !== question.action) return -1;
  if (rule.subjects && !rule.subjects.some((glob) => matchesGlob(glob, question.subject.id))) return -1;
  let best = -1;
  for (const glob of topicsOf(rule)) {
    if (matchesGlob(glob, question.topic)) best = Math.max(best, literalLength(glob));
  }
  return best;
}

/**
 * The one rule that answers a question, or null. Order: priority ascending, block before require_consent before
 * allow, more literal characters in the matching topic glob, document order (policy.md 5, line 2).
 */
export function selectRule(rules: readonly Rule[], question: DecisionQuestion): Rule | null {
  let chosen: { readonly rule: Rule; readonly strength: number } | null = null;
  for (const rule of rules) {
    const strength = matchStrength(rule, question);
    if (strength < 0) continue;
    const order = chosen
      ? priorityOf(rule) - priorityOf(chosen.rule) ||
        severity[rule.decision] - severity[chosen.rule.decision] ||
        chosen.strength - strength
      : -1;
    if (order < 0) chosen = { rule, strength };
  }
  return chosen?.rule ?? null;
}

/** The identity of a rule's text: a grant is void as soon as its rule changes. */
export const ruleHash = (rule: Rule): string => hashJson(rule);

function isLive(grant: Grant, rule: Rule, hash: string, trust: number, ask: Asked): boolean {
  const age = ask.state.now - grant.grantedAt;
  return (
    ask.state.clockTrusted &&
    grant.subject === ask.question.subject.id &&
    grant.ruleId === rule.id &&
    grant.ruleHash === hash &&
    grant.action === ask.question.action &&
    matchesGlob(grant.topic, ask.question.topic) &&
    age >= 0 &&
    age <= grant.ttlMs &&
    !grant.revoked &&
    (grant.usesLeft === null || grant.usesLeft > 0) &&
    trust >= grant.trust
  );
}

interface Asked {
  readonly question: DecisionQuestion;
  readonly state: DecisionState;
}

function withConsent(rule: Rule, trust: number, ask: Asked, otherwise: string): DecisionResult {
  const hash = ask.state.grants.length > 0 ? ruleHash(rule) : "";
  const grant = ask.state.grants.find((candidate) => isLive(candidate, rule, hash, trust, ask));
  return grant
    ? { decision: "allow", reason: "granted", ruleId: rule.id, grantId: grant.id }
    : { decision: "require_consent", reason: otherwise, ruleId: rule.id };
}

/** Answers one question; the first line of policy.md 5 that applies ends it. Changes nothing. */
export function decide(
  table: DecisionTable,
  question: DecisionQuestion,
  state: DecisionState,
): DecisionResult {
  const isAsked = question.subject.known && question.subject.enabled;
  return decideBy(table, isAsked ? selectRule(table.rules, question) : null, question, state);
}

/** The same with the rule that `selectRule` has found for the question; it is not looked at for a subject without a say. */
export function decideBy(
  table: Pick<DecisionTable, "noRule" | "lowTrust">,
  rule: Rule | null,
  question: DecisionQuestion,
  state: DecisionState,
): DecisionResult {
  const { subject } = question;
  if (!subject.known) return { decision: "block", reason: "unknown_subject", ruleId: null };
  if (!subject.enabled) return { decision: "block", reason: "subject_disabled", ruleId: null };
  if (!rule) return { decision: table.noRule, reason: "no_rule", ruleId: null };
  if (rule.decision === "block") return { decision: "block", reason: "rule_block", ruleId: rule.id };
  if (rule.maxRatePerMin !== undefined && state.rateCount > rule.maxRatePerMin) {
    const wait = state.retryAfterMs === undefined ? {} : { retryAfterMs: state.retryAfterMs };
    return { decision: "block", reason: "rate_exceeded", ruleId: rule.id, ...wait };
  }
  const ask = { question, state };
  if (rule.minTrust !== undefined && subject.trust < thresholdOf(rule.minTrust)) {
    const lowTrust = rule.lowTrust ?? table.lowTrust;
    return lowTrust === "block"
      ? { decision: "block", reason: "trust_below_min", ruleId: rule.id }
      : withConsent(rule, subject.trust, ask, "trust_below_min");
  }
  return rule.decision === "allow"
    ? { decision: "allow", reason: "rule_allow", ruleId: rule.id }
    : withConsent(rule, subject.trust, ask, "consent_required");
}

/** The HTTP-like status that goes with a decision (policy.md 5 and 12). */
export function statusOf(result: DecisionResult): number {
  if (result.decision === "allow") return 200;
  if (result.reason === "rate_exceeded") return 429;
  return result.decision === "require_consent" ? 428 : 403;
}
