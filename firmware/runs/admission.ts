/** Whether a trigger may become a run (vm.md 9.3, policy.md 5.3): the first refusal decides and is recorded. */

import { canonicalSize } from "../core/canonical-size.ts";
import { type Refusal, refusal } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import { shortText } from "../core/short-text.ts";
import type { RequirementLayer } from "../evidence/index.ts";
import { scoreOf } from "../policy/index.ts";
import type { Subject } from "../policy/types.ts";
import { tierOf } from "../vm/index.ts";
import type { Limits, Tier } from "../vm/types.ts";
import { type InstalledProgram, type ReleaseSet, subjectIn, subjectOf } from "./program-set.ts";
import { RightsMemo } from "./rights-memo.ts";

/** Judges a value by a contract of the document; null when it holds. */
export type ContractCheck = (schema: JsonObject, value: JsonObject) => JsonObject | null;

export interface Admitted {
  readonly ok: true;
  readonly program: InstalledProgram;
  readonly subject: string;
  readonly rights: Subject;
  readonly tier: Tier;
  readonly limits: Limits;
  readonly demands: RequirementLayer;
}

const denied = (reason: string, details: JsonObject): Refusal =>
  refusal("policy_denied", 403, { ...details, reason }, reason);

/**
 * @param count false for a dry run: rates are looked at but not used up.
 * @param memo of the one who asks again and again.
 */
export function admit(
  set: ReleaseSet,
  name: string,
  payload: JsonObject,
  options: { readonly check: ContractCheck; readonly count: boolean; readonly memo?: RightsMemo },
): Admitted | Refusal {
  const program = set.programs.get(name);
  if (!program) return refusal("unknown_program", 404, { program: shortText(name, 128) });
  const subject = subjectOf(name);
  const { policy } = set;
  const rights = subjectIn(policy, subject);
  const base = { subject, topic: `program://${name}`, action: "invoke", policyHash: policy.policyHash };
  if (!rights) return denied("unknown_subject", base);
  if (!rights.enabled) return denied("subject_disabled", base);
  if (rights.programHash !== undefined && rights.programHash !== program.programHash) {
    return denied("unknown_subject", {
      ...base,
      expectedHash: rights.programHash,
      programHash: program.programHash,
    });
  }
  const tier = tierOf(scoreOf(rights.tier));
  if (tier === null) return refusal("trust_below_min", 403, base);
  const verdict = options.count
    ? set.decider.decide(subject, base.topic, base.action)
    : set.decider.explain(subject, base.topic, base.action);
  if (verdict.decision !== "allow") {
    const details = { ...base, ruleId: verdict.ruleId };
    if (verdict.decision === "require_consent")
      return refusal("consent_required", 428, details, verdict.reason);
    if (verdict.reason === "rate_exceeded")
      return refusal("rate_exceeded", 429, { ...details, retryAfterMs: verdict.retryAfterMs ?? null });
    return denied(verdict.reason, details);
  }
  const { limits, demands } = (options.memo ?? new RightsMemo()).rights(set, program, rights, tier);
  const size = canonicalSize(payload);
  if (size > limits.inputBytes)
    return refusal("payload_too_large", 400, { limit: limits.inputBytes, got: size });
  const contract = program.document.payload;
  const problem = contract ? options.check(contract, payload) : null;
  if (problem) return refusal("contract_violation", 422, { where: "payload", ...problem });
  return { ok: true, program, subject, rights, tier, limits, demands };
}
