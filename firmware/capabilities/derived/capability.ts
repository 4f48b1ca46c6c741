/** A derived capability at work: its steps pass the wrapper one by one, as if the program had made the calls itself. */
import { refusal } from "../../core/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../../core/json.ts";
import { plainTarget } from "../builtins/define.ts";
import type { CallFailure, CallResult } from "../call-result.ts";
import type { Capability, DriverOutcome, Invocation, StepFailure, Target } from "../capability.ts";
import type { RunContext } from "../context.ts";
import { fillTemplate } from "../contract/template.ts";
import { renderReturns, renderStep } from "./render.ts";
import type { CompiledDerived } from "./types.ts";

/** The whole wrapper: `CapabilityGate.call`. */
export type StepCaller = (
  ctx: RunContext,
  id: string,
  args: Json,
  signal: AbortSignal,
  options: { readonly claims: readonly unknown[] },
) => Promise<CallResult>;

/** A capability of the registry; every right, guard, cost and record is that of its steps. */
export const derivedCapability = (compiled: CompiledDerived, call: StepCaller): Capability => ({
  contract: compiled.contract,
  compound: true,
  resolve: (ctx, args) => targetOf(compiled, ctx, args),
  perform: (invocation) => performSteps(compiled, call, invocation),
});

/** What policy decides on; hardware, outputs and permissions are named by the steps alone. */
function targetOf({ contract }: CompiledDerived, ctx: RunContext, args: JsonObject): Target {
  const self = ctx.program?.name ?? "";
  const fill = (template: string): string => fillTemplate(template, args, self);
  return plainTarget({
    uri: fill(contract.topic),
    action: fill(contract.action),
    class: contract.class,
    resources: contract.resources.map(fill).filter((resource) => !resource.includes("?")),
  });
}

const failureOf = ({ code, status, reason, details, safeState }: CallFailure): StepFailure => ({
  ...refusal(code, status, isJsonObject(details) ? details : {}, reason),
  step: { safeState },
});

/** The first failure ends it and is the answer; what earlier steps did stays done. */
async function performSteps(
  compiled: CompiledDerived,
  call: StepCaller,
  { ctx, args, signal, claims }: Invocation,
): Promise<DriverOutcome | StepFailure> {
  const results = new Map<string, Json>();
  const evidence: string[] = [];
  let chargedMilli = 0;
  for (const step of compiled.steps) {
    if (signal.aborted) return refusal("io_aborted", 409, { step: step.as });
    const rendered = renderStep(step, args, results);
    if (!rendered.ok) return rendered;
    const answer = await call(ctx, step.call, rendered.value, signal, { claims });
    if (!answer.ok) return failureOf(answer);
    results.set(step.as, answer.result);
    evidence.push(...answer.evidence);
    chargedMilli += answer.chargedMilli;
  }
  const returned = renderReturns(compiled, args, results);
  return returned.ok ? { result: returned.value, evidence: [], calls: { evidence, chargedMilli } } : returned;
}
