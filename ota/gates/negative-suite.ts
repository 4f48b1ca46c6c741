/**
 * Gate `negative_suite` (rollout.md 6.1): the real guard, decision kernel, budget and machine with made-up inputs under
 * the candidate's own rules. A red case must be refused with exactly its code; nothing moves.
 */

import { verifyEnvelope } from "../../firmware/core/dsse-verify.ts";
import { isJsonObject, type Json, type JsonObject, member } from "../../firmware/core/json.ts";
import {
  BUILT_IN_KINDS,
  type GuardRecord,
  guard,
  type KindTable,
  type Requirement,
} from "../../firmware/evidence/index.ts";
import { charge, costOf, type PhiBudget } from "../../firmware/phi/index.ts";
import {
  type CompiledOutput,
  type CompiledPolicy,
  decide,
  evidenceRules,
  isGlob,
  type Rule,
  selectRule,
} from "../../firmware/policy/index.ts";
import { createMachine, effectiveLimits, verifyProgram } from "../../firmware/vm/index.ts";
import type { Gate } from "./runner.ts";

export interface NegativeCase {
  readonly case: string;
  /** The output or rule it was made for. */
  readonly of: string;
  readonly expected: string;
  readonly got: string;
}

export interface NegativeReport {
  readonly ran: number;
  readonly skipped: number;
  readonly failed: readonly NegativeCase[];
}

const TTL_MS = 600_000;
const OBSERVED = ["sensor_reading", "official_verified", "vm_trace"] as const;

const record = (kind: string, index: number, change: Partial<GuardRecord> = {}): GuardRecord => ({
  id: `made-up-${index}`,
  kind,
  source: `made-up://${index}`,
  origin: `made-up://${index}`,
  foreign: false,
  integrity: () => true,
  level: () => 3,
  rawAgeMs: 0,
  ts: 0,
  ttlMs: TTL_MS,
  sourceTrust: 1,
  reputation: 1,
  points: 5,
  payload: () => ({ value: 1 }),
  ...change,
});

/** A kind that counts under the requirement without being named by it. */
function otherKind({ accept, requiredKinds }: Requirement): string | null {
  const found = OBSERVED.find((kind) => {
    const rule = BUILT_IN_KINDS.get(kind);
    return rule !== undefined && accept.includes(rule.class) && !requiredKinds.includes(kind);
  });
  return found ?? null;
}

/** The smallest set of evidence that should satisfy a requirement, each record of an origin of its own. */
function greenSet(requirement: Requirement): readonly string[] | null {
  const { requiredKinds, minKinds, minCount, minSources } = requirement;
  const kinds = [...new Set([...requiredKinds, ...(minKinds?.kinds.slice(0, minKinds.min) ?? [])])];
  const filler = otherKind(requirement) ?? kinds[0];
  if (filler === undefined) return null;
  const count = Math.max(kinds.length, minCount, minSources, 1);
  return [...kinds, ...new Array<string>(count - kinds.length).fill(filler)];
}

class Suite {
  #ran = 0;
  #skipped = 0;
  readonly #failed: NegativeCase[] = [];

  expect(name: string, of: string, expected: string, got: string): void {
    this.#ran++;
    if (expected !== got) this.#failed.push({ case: name, of, expected, got });
  }

  skip(count = 1): void {
    this.#skipped += count;
  }

  get report(): NegativeReport {
    return { ran: this.#ran, skipped: this.#skipped, failed: this.#failed };
  }
}

function outputCases(suite: Suite, output: CompiledOutput, table: KindTable): void {
  const { requirement, risk, name } = output;
  const kinds = requirement.required ? greenSet(requirement) : null;
  // Claims, groups and relations need values that only a real program can make.
  const isBeyond = requirement.requireClaims || requirement.requireGroups || requirement.relations.length > 0;
  if (kinds === null || isBeyond) {
    suite.skip(9);
    return;
  }
  const judge = (records: readonly GuardRecord[]): string => {
    const verdict = guard({ effect: `made-up:${name}`, requirement, records, kinds: table, risk });
    return verdict.ok ? "allow" : verdict.reason;
  };
  const all = (change: Partial<GuardRecord> = {}): readonly GuardRecord[] =>
    kinds.map((kind, i) => record(kind, i, change));
  suite.expect("green", name, "allow", judge(all()));
  suite.expect("no_evidence", name, "no_evidence", judge([]));
  const books = ["phi_charge", "run_start", "run_end"].map((kind, i) => record(kind, i));
  suite.expect("bookkeeping_only", name, "no_evidence", judge(books));
  const limit = Math.min(requirement.maxAgeMs ?? TTL_MS, TTL_MS);
  const weak = "insufficient_evidence";
  if (requirement.minCount > 0) {
    suite.expect("stale", name, weak, judge(all({ rawAgeMs: limit + 1 })));
    suite.expect("bad_seal", name, weak, judge(all({ integrity: () => false })));
    suite.expect("foreign_run", name, weak, judge(all({ foreign: true })));
    if (requirement.minTrust > 0.01) {
      suite.expect("low_trust", name, weak, judge(all({ sourceTrust: requirement.minTrust - 0.01 })));
    } else suite.skip();
  } else suite.skip(4);
  missingKindCase(suite, output, kinds, judge);
  if (requirement.minSources > 1) {
    suite.expect("one_source", name, "not_enough_sources", judge(all({ origin: "made-up://one" })));
  } else suite.skip();
}

function missingKindCase(
  suite: Suite,
  { requirement, name }: CompiledOutput,
  kinds: readonly string[],
  judge: (records: readonly GuardRecord[]) => string,
): void {
  const other = otherKind(requirement);
  const left = requirement.requiredKinds[0];
  if (left === undefined || other === null) {
    suite.skip();
    return;
  }
  const records = kinds.map((kind, i) => record(kind === left ? other : kind, i));
  suite.expect("missing_kind", name, "missing_required_kinds", judge(records));
}

/** A question that this very rule answers, or null if its texts are patterns or another rule comes first. */
function questionFor(
  policy: CompiledPolicy,
  rule: Rule,
): { topic: string; action: string; id: string } | null {
  const topic = [rule.topic].flat().find((text) => !isGlob(text));
  const id = (rule.subjects ?? Object.keys(policy.subjects)).find(
    (text) => !isGlob(text) && Object.hasOwn(policy.subjects, text),
  );
  if (topic === undefined || id === undefined) return null;
  const action = rule.action === "*" ? "read" : rule.action;
  const subject = { id, known: true, enabled: true, trust: 100 } as const;
  return selectRule(policy.rules, { subject, topic, action }) === rule ? { topic, action, id } : null;
}

function ruleCases(suite: Suite, policy: CompiledPolicy): void {
  const state = { rateCount: 1, grants: [], now: 0, clockTrusted: true };
  for (const rule of policy.rules) {
    const asked = questionFor(policy, rule);
    if (!asked) {
      suite.skip(2);
      continue;
    }
    const { topic, action, id } = asked;
    const subject = { id, known: true, enabled: true, trust: 100 } as const;
    const stranger = { id: "program:made-up", known: false } as const;
    const unknown = decide(policy, { subject: stranger, topic, action }, state);
    suite.expect(
      "unknown_subject",
      rule.id,
      "block unknown_subject",
      `${unknown.decision} ${unknown.reason}`,
    );
    if (rule.decision === "block") {
      const blocked = decide(policy, { subject, topic, action }, state);
      suite.expect("blocked", rule.id, "rule_block", blocked.reason);
    } else if (rule.maxRatePerMin !== undefined) {
      const flood = { ...state, rateCount: rule.maxRatePerMin + 1 };
      suite.expect(
        "over_rate",
        rule.id,
        "rate_exceeded",
        decide(policy, { subject, topic, action }, flood).reason,
      );
    } else suite.skip();
  }
}

function budgetOf(policy: CompiledPolicy): PhiBudget | null {
  const { phi } = policy.compiled;
  const budget = phi !== undefined && isJsonObject(phi) ? member(phi, "budget") : undefined;
  if (budget === undefined || !isJsonObject(budget)) return null;
  const { capacityMilli, refillPerHourMilli, cost } = budget;
  if (typeof capacityMilli !== "number" || typeof refillPerHourMilli !== "number") return null;
  const prices: Record<string, number> = {};
  if (cost !== undefined && isJsonObject(cost)) {
    for (const [id, price] of Object.entries(cost)) if (typeof price === "number") prices[id] = price;
  }
  return { capacityMilli, refillPerHourMilli, cost: prices };
}

function budgetCase(suite: Suite, policy: CompiledPolicy): void {
  const budget = budgetOf(policy);
  const capability = "made.up";
  const cost = budget === null ? 0 : costOf(budget, capability);
  if (budget === null || cost < 1 || cost - 1 > budget.capacityMilli) {
    suite.skip();
    return;
  }
  const state = { balanceMilli: cost - 1, carry: 0, atMs: 0 };
  const result = charge(state, budget, capability, cost, 0);
  suite.expect("over_budget", capability, "budget_exceeded", result.ok ? "allow" : result.refusal.code);
}

/** One step more than the limit: the machine itself is asked. */
function quotaCase(suite: Suite, policy: CompiledPolicy): void {
  const document: Json = {
    format: "imu.program/1",
    name: "made-up",
    version: "1.0.0",
    isa: 1,
    code: [{ op: "PUSH", value: 1 }, { op: "STORE", reg: "a" }, { op: "HALT" }],
  };
  const program = verifyProgram(document, { resolve: () => null });
  if (!program.ok) {
    suite.expect("over_quota", "machine", "verified", "program_invalid");
    return;
  }
  const limits = { ...effectiveLimits({ tier: "low", policy: policy.limits }), cpuSteps: 2 };
  const inputs = { elapsedMs: () => 0 };
  const machine = createMachine(program, { payload: {}, trigger: { kind: "command" }, limits, inputs });
  machine.runSlice(100);
  suite.expect("over_quota", "machine", "cpu_steps_exceeded", machine.result?.error?.reason ?? "allow");
}

function unsignedCase(suite: Suite): void {
  const type = "application/vnd.imu.command+json";
  const envelope: JsonObject = { payloadType: type, payload: "e30=", signatures: [] };
  const result = verifyEnvelope(envelope, { expectedType: type, keys: new Map() });
  suite.expect("unsigned_command", "commands", "missing_signature", result.ok ? "allow" : result.code);
}

/** All cases for a candidate. Cases that do not apply are counted, not passed over in silence. */
export function negativeSuite(policy: CompiledPolicy): NegativeReport {
  const suite = new Suite();
  const { kinds } = evidenceRules(policy);
  for (const output of policy.outputs) outputCases(suite, output, kinds);
  ruleCases(suite, policy);
  budgetCase(suite, policy);
  quotaCase(suite, policy);
  unsignedCase(suite);
  return suite.report;
}

export const negativeSuiteGate = (policy: CompiledPolicy): Gate => ({
  name: "negative_suite",
  class: "hard",
  check: () => {
    const { failed, ran, skipped } = negativeSuite(policy);
    const violations = failed.map(({ case: code, of, expected, got }) => ({
      code,
      details: { of, expected, got },
    }));
    return { violations, facts: { ran, skipped } };
  },
});
