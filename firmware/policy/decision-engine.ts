/** Decisions with their state: the calls of the last minute per subject and rule, and the grants (policy.md 5). */
import { encodeCbor } from "../core/cbor.ts";
import { CodedError } from "../core/errors.ts";
import { POLICY_LIMITS } from "../core/limits.ts";
import type { Clock } from "../ports/clock.ts";
import { put, type StoreOp } from "../ports/store.ts";
import { type DecisionQuestion, type DecisionSubject, decideBy, selectRule } from "./decide.ts";
import { scoreOf } from "./trust.ts";
import type { CompiledPolicy, DecisionResult, Grant, Rule } from "./types.ts";

const WINDOW_MS = 60_000;

export interface Explanation extends DecisionResult {
  readonly policyHash: string;
  /** The rule that spoke, as it stands in the policy. */
  readonly rule: Rule | null;
  /** Ids of all rules that match, the speaking one first. */
  readonly matching: readonly string[];
  readonly trust: number | null;
}

/**
 * Invariants: a counter never holds more calls than its rule allows; only `decide` changes counters; a grant that
 * is used is decremented in memory at once and on disk with the batch that the caller gets.
 */
export class DecisionEngine {
  readonly #clock: Clock;
  #policy: CompiledPolicy;
  /** Monotonic times of the calls that passed the rate line, oldest first, by subject and rule. */
  readonly #calls = new Map<string, number[]>();
  readonly #grants = new Map<string, Grant>();
  /** The rule that speaks, by question: the same few are asked at every run, and a policy never changes. */
  readonly #spoken = new Map<string, Rule | null>();

  constructor(policy: CompiledPolicy, clock: Clock, grants: Iterable<Grant> = []) {
    this.#policy = policy;
    this.#clock = clock;
    for (const grant of grants) this.addGrant(grant);
  }

  /** Decides and counts the call against the rate of the rule that speaks. */
  decide(subject: string, topic: string, action: string): DecisionResult {
    const question = this.#question(subject, topic, action);
    const rule = this.#speaking(question);
    const result = this.#answer(question, rule);
    if (rule?.maxRatePerMin !== undefined && rule.decision !== "block" && result.reason !== "rate_exceeded") {
      this.#recent(subject, rule).push(this.#clock.monoMs());
    }
    return result;
  }

  /** The same answer with its reasons; counts nothing and uses no grant. */
  explain(subject: string, topic: string, action: string): Explanation {
    const question = this.#question(subject, topic, action);
    const matching: Rule[] = [];
    let rest: readonly Rule[] = this.#policy.rules;
    for (let next = selectRule(rest, question); next; next = selectRule(rest, question)) {
      const found = next;
      matching.push(found);
      rest = rest.filter((rule) => rule !== found);
    }
    const rule = this.#speaking(question);
    return {
      ...this.#answer(question, rule),
      policyHash: this.#policy.policyHash,
      rule,
      matching: matching.map(({ id }) => id),
      trust: question.subject.known ? question.subject.trust : null,
    };
  }

  /** New runs see the new policy. Counters of rules that are gone or changed are dropped. */
  adopt(policy: CompiledPolicy): void {
    const before = new Map(this.#policy.rules.map((rule) => [rule.id, rule.maxRatePerMin]));
    const kept = new Set(
      policy.rules.filter((rule) => before.get(rule.id) === rule.maxRatePerMin).map((rule) => rule.id),
    );
    for (const key of this.#calls.keys()) {
      if (!kept.has(key.slice(key.indexOf("\n") + 1))) this.#calls.delete(key);
    }
    this.#policy = policy;
    this.#spoken.clear();
  }

  /**
   * Keeps a grant that consent has created. The oldest goes when 1024 are held.
   * @throws CodedError `grant_exists` (409) for an id that is held already.
   */
  addGrant(grant: Grant): void {
    if (this.#grants.has(grant.id)) {
      throw new CodedError("grant_exists", `The grant ${grant.id} exists.`, { status: 409 });
    }
    if (this.#grants.size >= POLICY_LIMITS.grants) {
      const oldest = [...this.#grants.values()].sort((a, b) => a.grantedAt - b.grantedAt)[0];
      if (oldest) this.#grants.delete(oldest.id);
    }
    this.#grants.set(grant.id, Object.freeze({ ...grant }));
  }

  /** Marks a grant as used once; the operation belongs into the batch that settles the run. */
  useGrant(id: string): readonly StoreOp[] {
    const grant = this.#grants.get(id);
    if (!grant || grant.usesLeft === null) return [];
    return this.#replace({ ...grant, usesLeft: Math.max(0, grant.usesLeft - 1) });
  }

  /** Withdraws a grant at once; the operation makes it lasting. */
  revokeGrant(id: string): readonly StoreOp[] {
    const grant = this.#grants.get(id);
    return grant ? this.#replace({ ...grant, revoked: true }) : [];
  }

  #replace(grant: Grant): readonly StoreOp[] {
    this.#grants.set(grant.id, Object.freeze(grant));
    return [put("policy", `grant/${grant.id}`, encodeCbor(grant))];
  }

  #question(id: string, topic: string, action: string): DecisionQuestion {
    const { subjects } = this.#policy;
    const found = Object.hasOwn(subjects, id) ? subjects[id] : undefined;
    const subject: DecisionSubject = found
      ? { id, known: true, enabled: found.enabled, trust: scoreOf(found.tier) }
      : { id, known: false };
    return { subject, topic, action };
  }

  #speaking(question: DecisionQuestion): Rule | null {
    const { subject, topic, action } = question;
    if (!subject.known || !subject.enabled) return null;
    const key = `${subject.id}\n${action}\n${topic}`;
    const known = this.#spoken.get(key);
    if (known !== undefined) return known;
    const rule = selectRule(this.#policy.rules, question);
    if (this.#spoken.size >= POLICY_LIMITS.rememberedQuestions) this.#spoken.clear();
    this.#spoken.set(key, rule);
    return rule;
  }

  #answer(question: DecisionQuestion, rule: Rule | null): DecisionResult {
    const calls = rule?.maxRatePerMin === undefined ? [] : this.#recent(question.subject.id, rule);
    const oldest = calls[calls.length - (rule?.maxRatePerMin ?? 0)];
    const wait = oldest === undefined ? WINDOW_MS : oldest + WINDOW_MS - this.#clock.monoMs();
    return decideBy(this.#policy, rule, question, {
      rateCount: calls.length + 1,
      retryAfterMs: Math.max(1, Math.floor(wait) + 1),
      grants: [...this.#grants.values()],
      now: this.#clock.wallMs(),
      clockTrusted: this.#clock.trust() === "trusted",
    });
  }

  /** The calls still inside the window, which is inclusive at its old end. */
  #recent(subject: string, rule: Rule): number[] {
    const key = `${subject}\n${rule.id}`;
    const since = this.#clock.monoMs() - WINDOW_MS;
    const calls = (this.#calls.get(key) ?? []).filter((at) => at >= since);
    this.#calls.set(key, calls);
    return calls;
  }
}
