/** Steps 10 to 17: what is taken, the guard, the driver and its result (capabilities.md 4). */
import { canonicalSize } from "../../core/canonical-size.ts";
import { messageOf, refusal } from "../../core/errors.ts";
import { hashJson } from "../../core/hash.ts";
import type { JsonObject } from "../../core/json.ts";
import { isJsonObject, member } from "../../core/json.ts";
import { officialIn } from "../../evidence/index.ts";
import type { Target } from "../capability.ts";
import type { RunContext } from "../context.ts";
import { violationRefusal, violationsOf } from "../contract/validate.ts";
import type { EvidenceSink } from "../ports.ts";
import { type CallState, resolved, type StepResult } from "./call-state.ts";
import { applicableRates } from "./rates.ts";
import { RequirementMemo } from "./requirement-memo.ts";

/** Operators and the daemon's own work are subjects with a cap of their own. */
const SERVICE_CAP = 4;

/** Step 10. */
export async function admit(call: CallState): Promise<StepResult> {
  const { ctx, parts } = call;
  const entry = {
    id: call.callId,
    subject: ctx.subject,
    capability: call.id,
    ...(ctx.program ? {} : { subjectCap: SERVICE_CAP }),
  };
  const answer = await parts.admission.enter(entry, parts.settings.waitMs, call.signal);
  if (!("waited" in answer)) return answer;
  call.slotTaken = true;
  call.waited = answer.waited;
  return null;
}

/** Step 11. */
export function takeRate(call: CallState): StepResult {
  const { capability, target } = resolved(call);
  const { ctx, parts } = call;
  const rates = applicableRates(ctx.policy, {
    subject: ctx.subject,
    capability: call.id,
    target: target.uri,
    rate: capability.contract.rate,
  });
  return parts.rates.take(rates, parts.clock.monoMs());
}

/** What the guard is asked before an effect; null if signed policy names no output, so that nothing could be demanded. */
export function guardRequest(
  id: string,
  { output }: Pick<Target, "output">,
  { demands }: Pick<RunContext, "demands">,
  claims: readonly unknown[],
  memo = new RequirementMemo(),
): Parameters<EvidenceSink["guard"]>[0] | null {
  if (!output?.requirement) return null;
  const { requirement, hash } = memo.demand(output.requirement, demands);
  return {
    effect: `${id}:${output.name}`,
    requirement,
    requirementHash: hash,
    claims,
    risk: output.risk,
  };
}

/** Step 12: only evidence of this run counts, judged at the moment of acting. A guard that throws refuses. */
export function guard(call: CallState): StepResult {
  try {
    const request = guardRequest(
      call.id,
      resolved(call).target,
      call.ctx,
      call.options.claims ?? [],
      call.demands,
    );
    if (request === null) return refusal("guard_error", 412, { why: "no_requirement" });
    const verdict = call.ctx.evidence.guard(request);
    if (verdict.ok) return resolved(call).capability.ungrounded?.(call.ctx, call.args) ?? null;
    return refusal(verdict.reason, verdict.reason === "claim_invalid" ? 422 : 412, { ...verdict.details });
  } catch (error) {
    call.parts.observer.alert("guard_error", { capability: call.id, message: messageOf(error) });
    return refusal("guard_error", 412, { why: "guard_failed" });
  }
}

/** mΦ that a call would cost by policy, else by its contract; charging itself is the budget's. */
export function costOfCall(call: CallState): number {
  const { capability } = resolved(call);
  const phi = call.ctx.policy.compiled.phi;
  const budget = phi !== undefined && isJsonObject(phi) ? member(phi, "budget") : undefined;
  const table = budget !== undefined && isJsonObject(budget) ? member(budget, "cost") : undefined;
  const cost = table !== undefined && isJsonObject(table) ? member(table, call.id) : undefined;
  return typeof cost === "number" ? cost : capability.contract.costMilli;
}

/** Step 13. */
export function charge(call: CallState): StepResult {
  const { capability } = resolved(call);
  const { ctx, parts, id } = call;
  const answer = parts.budget.charge(ctx.runId, ctx.subject, id, capability.contract.costMilli);
  if (!answer.ok) return answer.refusal;
  call.chargedMilli = answer.chargedMilli;
  return null;
}

/** Step 14: only for outputs of durability `before`. */
export async function commitIntent(call: CallState): Promise<StepResult> {
  const { ctx, parts } = call;
  const { target } = resolved(call);
  try {
    const commit = parts.intents.commit({
      kind: "effect_intent",
      actor: ctx.subject,
      severity: "info",
      runId: ctx.runId,
      data: {
        effectId: call.callId,
        kind: call.id,
        output: target.output?.name ?? null,
        target: target.uri,
        valueHash: hashJson(call.args),
      },
    });
    ctx.openIntents.begin(call.callId, commit);
    await commit;
    call.intentKept = true;
    return null;
  } catch (error) {
    ctx.openIntents.end(call.callId);
    parts.observer.alert("ledger_unavailable", { capability: call.id, message: messageOf(error) });
    return refusal("ledger_unavailable", 503, { capability: call.id });
  }
}

/** Step 16. */
export function checkResult(call: CallState): StepResult {
  const { capability } = resolved(call);
  const { outcome } = call;
  if (!outcome)
    return refusal("result_invalid", 500, { where: "result", reason: "type_mismatch", path: "$" });
  if (!call.parts.registry.checksOf(capability.contract).result(outcome.result)) {
    const found = violationsOf(capability.contract.result, outcome.result);
    return violationRefusal("result_invalid", 500, "result", found);
  }
  const size = canonicalSize(outcome.result);
  return size > capability.contract.maxResultBytes
    ? refusal("result_too_large", 500, { limit: capability.contract.maxResultBytes, got: size })
    : null;
}

/** What a simulated board gives keeps its mark for ever (evidence.md 4). */
const simulatedSource = (source: string): string =>
  source.replace(/^(gpio|i2c|spi|serial):\/\//, (_, scheme: string) => `sim://${scheme}/`);

/** Step 17: seals what was observed or done, and verifies what others have signed. */
export function recordEvidence(call: CallState): StepResult {
  try {
    for (const draft of call.outcome?.evidence ?? []) {
      const source = call.parts.simulated ? simulatedSource(draft.source) : draft.source;
      call.evidence.push(call.ctx.evidence.record({ ...draft, source }).id);
    }
    call.evidence.push(...(call.outcome?.calls?.evidence ?? []));
    const statement = officialIn(call.outcome?.result ?? null);
    return statement === null ? null : (call.ctx.official?.(statement) ?? null);
  } catch (error) {
    const details: JsonObject = { capability: call.id };
    call.parts.observer.alert("evidence_failed", { ...details, message: messageOf(error) });
    return refusal("integrity_error", 412, details);
  }
}
