/** What a finished call leaves behind: released slots, refunds, safe states and records (capabilities.md 4). */

import { messageOf, type Refusal } from "../../core/errors.ts";
import { hashJson } from "../../core/hash.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import { GATE_LIMITS } from "../../core/limits.ts";
import type { CallFailure, CallResult } from "../call-result.ts";
import type { EvidenceDraft } from "../ports.ts";
import type { CallState } from "./call-state.ts";
import { blockedCallVerdict } from "./incidents.ts";
import type { Step } from "./steps.ts";
import { argsSummary } from "./text.ts";

/** Trust of the wrapper's own records (evidence.md 3). */
const BLOCK_TRUST = 0.7;
const SENSOR_TRUST = 0.4;

const sourceOf = (call: CallState): string => `local://capability/${call.id}`;

/** Gives the charge back when the driver was not reached, or says that the bus was not touched. */
function refundUntouched(call: CallState, failedAt: Step | null): EvidenceDraft | null {
  const undone = failedAt !== null && (failedAt.number < 15 || (failedAt.number === 15 && !call.touched));
  if (!undone || call.chargedMilli === 0) return null;
  const refunded = call.chargedMilli;
  call.chargedMilli = 0;
  call.parts.budget.refund(call.ctx.runId, refunded);
  return {
    kind: "phi_refund",
    source: sourceOf(call),
    payload: { capability: call.id, refundedMilli: refunded },
  };
}

function refusalRecords(
  call: CallState,
  failedAt: Step,
  refused: Refusal,
  safeState: Json | undefined,
): EvidenceDraft[] {
  const source = sourceOf(call);
  const output = call.target?.output?.name;
  const effect = call.target?.class === "effect";
  const fallback: EvidenceDraft = {
    kind: "fallback_used",
    source,
    payload: {
      reason: refused.reason,
      details: refused.details,
      ...(output === undefined ? {} : { output }),
      ...(safeState === undefined ? {} : { safeState }),
    },
  };
  const payload = {
    capability: call.id,
    code: refused.code,
    reason: refused.reason,
    details: refused.details,
  };
  switch (failedAt.number) {
    case 7:
      return [
        {
          kind: "permission_block",
          source,
          payload,
          declaredTrust: BLOCK_TRUST,
          ttlMs: GATE_LIMITS.blockTtlMs,
        },
      ];
    case 9:
      return refused.code === "resource_required" ? [{ kind: "resource_required", source, payload }] : [];
    case 13:
      return [{ kind: "phi_reject", source, payload }];
    case 5:
    case 12:
    case 14:
      return [fallback];
    case 15:
    case 16:
    case 17:
      if (effect) return [fallback];
      if (call.target?.class !== "read") return [];
      return [
        {
          kind: refused.code === "resource_required" ? "sensor_absent" : "sensor_error",
          source,
          payload,
          declaredTrust: SENSOR_TRUST,
        },
      ];
    default:
      return [];
  }
}

/** Records never decide a call: one that cannot be kept is an alert. */
function keep(call: CallState, drafts: readonly EvidenceDraft[]): void {
  for (const draft of drafts) {
    try {
      call.ctx.evidence.record(draft);
    } catch (error) {
      call.parts.observer.alert("evidence_failed", { kind: draft.kind, message: messageOf(error) });
    }
  }
}

function ask(call: CallState, failedAt: Step, refused: Refusal): void {
  const program = call.ctx.program?.name;
  if (program === undefined) return;
  const common = { program, subject: call.ctx.subject, details: refused.details };
  if (refused.code === "resource_required") {
    call.parts.observer.asked({ ...common, kind: "resource", about: String(refused.details.resource) });
  } else if (failedAt.name === "policy" && refused.code === "consent_required") {
    const about = `${call.target?.uri}:${call.target?.action}`;
    call.parts.observer.asked({ ...common, kind: "consent", about });
  }
}

/** The blocked call of the limit's number ends the run; until then the run is only tightened. */
function blocked(call: CallState, refused: Refusal): Refusal {
  const { ctx, parts } = call;
  ctx.counters.blocked++;
  ctx.mode = "strict";
  parts.observer.incident({
    ts: parts.clock.wallMs(),
    runId: ctx.runId,
    subject: ctx.subject,
    capability: call.id,
    reason: refused.reason,
    mode: "strict",
    argsHash: hashJson(call.args),
  });
  const verdict = blockedCallVerdict(ctx.counters.blocked, parts.settings.blockedCallsPerRun);
  return verdict.runContinues ? refused : { ...refused, ...verdict.error, status: 429 };
}

function toFailure(refused: Refusal, safeState: Json | undefined): CallFailure {
  const { details } = refused;
  const retryAfterMs = details.retryAfterMs;
  const { resource, why, howTo, commands, requiresConsent } = details;
  const isResource =
    refused.code === "resource_required" &&
    typeof resource === "string" &&
    typeof why === "string" &&
    typeof howTo === "string" &&
    Array.isArray(commands) &&
    typeof requiresConsent === "boolean";
  return {
    ok: false,
    code: refused.code,
    status: refused.status,
    reason: refused.reason,
    details,
    ...(typeof retryAfterMs === "number" ? { retryAfterMs } : {}),
    ...(isResource
      ? { resource: { resource, why, howTo, commands: commands.map(String), requiresConsent } }
      : {}),
    ...(safeState === undefined ? {} : { safeState }),
  };
}

function usage(call: CallState, status: "ok" | "refused" | "error", code: string, tookMs: number): void {
  const { ctx, parts } = call;
  parts.observer.usage({
    ts: parts.clock.wallMs(),
    runId: ctx.runId,
    subject: ctx.subject,
    capability: call.capability ? call.id : "unknown",
    target: call.target?.uri ?? "",
    status,
    code,
    durationMs: tookMs,
    costMilli: call.chargedMilli,
    // Written only for an observer that reads it.
    get argsSummary() {
      return argsSummary(call.args);
    },
  });
}

function countBytes({ ctx, outcome }: CallState): void {
  ctx.counters.readBytes += outcome?.readBytes ?? 0;
  ctx.counters.writtenBytes += outcome?.writtenBytes ?? 0;
  ctx.counters.netBytes += outcome?.netBytes ?? 0;
}

/** Step 18 for a refused or failed call: everything taken is given back, in reverse order of taking. */
export async function finishRefused(call: CallState, failedAt: Step, refused: Refusal): Promise<CallResult> {
  const { ctx, parts } = call;
  const answer = failedAt.name === "allowlist" ? blocked(call, refused) : refused;
  const drives =
    failedAt.drivesSafeState && !ctx.dry && call.target?.class === "effect" && call.target.output !== null;
  const refund = refundUntouched(call, failedAt);
  let safeState: JsonObject | undefined;
  try {
    if (drives && call.target?.output)
      safeState = await parts.outputs.driveSafe(call.target.output, refused.reason);
  } finally {
    if (call.slotTaken) parts.admission.leave(call.callId);
  }
  ctx.counters.refusals++;
  if (call.intentKept) {
    ctx.openIntents.end(call.callId);
    ctx.intents.push({ effectId: call.callId, ok: false, reason: answer.reason });
  }
  countBytes(call);
  ctx.counters.chargedMilli += call.chargedMilli;
  // The failed call of a compound capability has left its own records and asked for what it needs.
  if (!call.failedStep) {
    const records = refusalRecords(call, failedAt, answer, safeState);
    keep(call, refund ? [refund, ...records] : records);
    ask(call, failedAt, answer);
  }
  const tookMs = parts.clock.monoMs() - call.startedMs;
  usage(call, failedAt.number >= 15 ? "error" : "refused", answer.code, tookMs);
  return toFailure(answer, safeState ?? call.failedStep?.safeState);
}

/** Step 18 for a call that took place. */
export function finishDone(call: CallState): CallResult {
  const { ctx, parts, outcome } = call;
  if (call.slotTaken) parts.admission.leave(call.callId);
  const tookMs = parts.clock.monoMs() - call.startedMs;
  if (call.intentKept) {
    ctx.openIntents.end(call.callId);
    ctx.intents.push({ effectId: call.callId, ok: true });
  }
  countBytes(call);
  ctx.counters.chargedMilli += call.chargedMilli;
  ctx.evidence.tally(call.id, call.chargedMilli, tookMs);
  usage(call, "ok", "ok", tookMs);
  return {
    ok: true,
    result: outcome?.result ?? null,
    evidence: [...call.evidence],
    chargedMilli: call.chargedMilli + (outcome?.calls?.chargedMilli ?? 0),
    tookMs,
  };
}
