/** The one function every reply passes (vm.md 10): trace, claims, guard; a refused reply is replaced, never altered. */
import { isJsonObject, type Json, type JsonObject } from "../core/json.ts";
import {
  computeClaim,
  fallbackText,
  type RunEvidence,
  resolveClaimSources,
  type VmTrace,
} from "../evidence/index.ts";
import type { Requirement } from "../evidence/types.ts";
import type { ProgramClaim } from "../vm/types.ts";
import { withRecordedSources } from "./evidence-sink.ts";

/** The evidence of a run that is ending, or of one that ended, at the moment of its reply. */
export type JudgedEvidence = Pick<RunEvidence, "list" | "guard">;

export interface ReplyRequest {
  readonly status: number;
  readonly body: Json;
  readonly claims: readonly ProgramClaim[];
  /** Capability calls of the run; a pure computation may answer without claims where policy allows it. */
  readonly calls: number;
  readonly allowCompute: boolean;
  readonly trace: VmTrace;
  readonly requirement: Requirement;
  readonly simulated: boolean;
}

export interface Reply {
  readonly ok: boolean;
  readonly status: number;
  readonly reason: string | null;
  readonly details: JsonObject;
  /** What leaves the device. */
  readonly body: Json;
}

function refused(reason: string, details: JsonObject, status = 412): Reply {
  const body = { text: fallbackText(reason, details), guardRejected: true };
  return { ok: false, status, reason, details, body };
}

/** Judges a reply against the evidence of its own run. @param traceId evidence id of the run's `vm_trace`. */
export function releaseReply(evidence: JudgedEvidence, request: ReplyRequest, traceId: string): Reply {
  let claims = withRecordedSources(request.claims, request.simulated);
  if (claims.length === 0 && request.calls === 0 && request.allowCompute) {
    const claim: unknown = computeClaim(request.trace, traceId);
    if (isJsonObject(claim)) claims = [claim];
  }
  if (claims.length === 0) return refused("no_claims_no_response", {});
  const resolved = resolveClaimSources(claims, evidence.list);
  if (!resolved.ok) return refused(resolved.reason, resolved.details);
  const requirement = { ...request.requirement, requireClaims: true };
  const verdict = evidence.guard({ effect: "RESPOND", requirement, claims: resolved.claims, risk: "medium" });
  if (!verdict.ok)
    return refused(verdict.reason, verdict.details, verdict.reason === "claim_invalid" ? 422 : 412);
  return { ok: true, status: request.status, reason: null, details: {}, body: request.body };
}
