/** Planning: steps 1 to 9 without acting (capabilities.md 5). */
import type { Json, JsonObject } from "../../core/json.ts";
import type { ResourceRequirement } from "../../core/resource-required.ts";
import type { Requirement } from "../../evidence/types.ts";
import type { DecisionResult } from "../../policy/types.ts";
import { costOfCall } from "./acts.ts";
import type { CallState } from "./call-state.ts";
import { planHashOf } from "./plan-hash.ts";
import { STEPS } from "./steps.ts";

export interface Finding {
  readonly step: number;
  readonly code: string;
  readonly details: JsonObject;
}

export interface Plan {
  readonly ok: boolean;
  /** Code of the first finding, null when there is none. */
  readonly reason: string | null;
  readonly capability: string;
  readonly version: string | null;
  readonly args: JsonObject;
  readonly topic: string | null;
  readonly action: string | null;
  readonly target: string | null;
  readonly decision: DecisionResult | null;
  readonly findings: readonly Finding[];
  readonly needs: readonly ResourceRequirement[];
  readonly guard: Requirement | null;
  readonly costMilli: number | null;
  readonly rate: { readonly rps: number; readonly burst: number } | null;
  /** Declared safe state of the output. */
  readonly safe: Json;
  readonly planHash: string | null;
}

function requirementOf(details: JsonObject): ResourceRequirement | null {
  const { resource, why, howTo, commands, requiresConsent } = details;
  const complete =
    typeof resource === "string" &&
    typeof why === "string" &&
    typeof howTo === "string" &&
    Array.isArray(commands) &&
    typeof requiresConsent === "boolean";
  return complete ? { resource, why, howTo, commands: commands.map(String), requiresConsent } : null;
}

/** Walks the planned steps; a refusal of 1 or 2 ends it, those of 3 to 9 are collected in order. */
export async function planCall(call: CallState): Promise<Plan> {
  const findings: Finding[] = [];
  for (const step of STEPS) {
    if (step.inPlan === "never" || !step.applies(call)) continue;
    const refused = await step.run(call, "plan");
    if (!refused) continue;
    findings.push({ step: step.number, code: refused.code, details: refused.details });
    if (step.inPlan === "ends") break;
  }
  const { capability, target } = call;
  const contract = capability?.contract ?? null;
  const safe = target?.output?.safe;
  return {
    ok: findings.length === 0,
    reason: findings[0]?.code ?? null,
    capability: call.id,
    version: contract?.version ?? null,
    args: call.args,
    topic: target?.uri ?? null,
    action: target?.action ?? null,
    target: target?.uri ?? null,
    decision: call.decision,
    findings,
    needs: findings.flatMap(({ code, details }) => {
      const need = code === "resource_required" ? requirementOf(details) : null;
      return need ? [need] : [];
    }),
    guard: target?.class === "effect" ? (target.output?.requirement ?? null) : null,
    costMilli: target ? costOfCall(call) : null,
    rate: contract?.rate ?? null,
    safe: safe === undefined ? null : typeof safe === "object" ? { program: safe.program } : safe,
    planHash: contract && target ? planHashOf(contract, target.uri, call.args) : null,
  };
}
