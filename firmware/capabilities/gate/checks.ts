/** Steps 0 to 9: nothing is taken, nothing is waited for but a passive probe (capabilities.md 4). */
import { type Refusal, refusal } from "../../core/errors.ts";
import { isJsonObject, member } from "../../core/json.ts";
import { checkArguments } from "../contract/validate.ts";
import type { HomeostasisClass } from "../ports.ts";
import { canonicalId } from "../registry.ts";
import { type CallState, resolved, type StepResult } from "./call-state.ts";
import { isPermitted } from "./permissions.ts";

/** Step 0. The machine has counted the call; bytes already beyond their quota end the run's I/O too. */
export function countCall({ ctx }: CallState): StepResult {
  const { counters, limits } = ctx;
  if (!ctx.countCall()) return refusal("quota_exceeded", 429, {}, "io_calls_exceeded");
  if (ctx.evidence.room === 0) return refusal("quota_exceeded", 429, {}, "evidence_overflow");
  const over =
    counters.readBytes > limits.ioReadBytes
      ? "io_read_bytes_exceeded"
      : counters.writtenBytes > limits.ioWriteBytes
        ? "io_write_bytes_exceeded"
        : counters.netBytes > limits.netOutBytes
          ? "net_out_bytes_exceeded"
          : null;
  return over ? refusal("quota_exceeded", 429, {}, over) : null;
}

/** Step 1. */
export function resolveContract(call: CallState): StepResult {
  call.id = canonicalId(call.id);
  call.capability = call.parts.registry.get(call.id) ?? null;
  return call.capability ? null : refusal("unknown_capability", 404, { capability: call.id.slice(0, 64) });
}

/** Step 2; from here on the target is known. */
export function checkContract(call: CallState): StepResult {
  const { capability, ctx, parts } = call;
  if (!capability) return refusal("unknown_capability", 404);
  const { contract } = capability;
  const verdict = checkArguments(contract, call.rawArgs, parts.registry.checksOf(contract).params);
  if (!verdict.ok) return verdict;
  call.args = verdict.args;
  call.target = capability.resolve(ctx, verdict.args);
  return null;
}

/** The class of homeostasis that a call belongs to, or null (capabilities.md 4). */
export function homeostasisClass(id: string, contractClass: string): HomeostasisClass | null {
  if (id === "mqtt.publish" || id === "signal.emit") return "publish";
  if (contractClass === "read") return "sense";
  return contractClass === "effect" ? "actuate" : null;
}

/** Step 3. The safe value belongs to no class that could be withdrawn. */
export function checkAllowList(call: CallState): StepResult {
  const { ctx, id, parts } = call;
  const { target } = resolved(call);
  const refuse = (kind: string, decisive: string): Refusal =>
    refusal("not_in_allowlist", 403, { capability: id, class: kind, decisive });
  if (ctx.program) {
    if (target.class === "control") return refuse("control", "class");
    if (!ctx.program.capabilities.some((name) => canonicalId(name) === id)) {
      return refuse(target.class, "document");
    }
  }
  const kind = homeostasisClass(id, target.class);
  if (kind === null || target.safeValue || ctx.safeProgram) return null;
  if (kind === "actuate" && target.output?.protective) return null;
  return parts.standing.withdrawn(ctx.subject).includes(kind) ? refuse(kind, "homeostasis") : null;
}

/** Step 4. */
export function checkSwitch({ ctx, id, parts }: CallState): StepResult {
  const features = ctx.policy.compiled.features;
  const feature =
    features !== undefined && isJsonObject(features) ? member(features, `capability.${id}`) : undefined;
  if (feature !== undefined && isJsonObject(feature) && member(feature, "enabled") === false) {
    return refusal("capability_disabled", 403, { capability: id, by: "policy" });
  }
  return parts.killSwitch.killed(id)
    ? refusal("capability_disabled", 403, { capability: id, by: "operator" })
    : null;
}

/** Step 5, for effects. */
export function checkStanding(call: CallState): StepResult {
  const { standing } = call.parts;
  if (!standing.bootLocked()) return refusal("boot_not_locked", 503);
  if (standing.canRecord?.() === false) return refusal("ledger_unavailable", 503, { capability: call.id });
  const block = standing.quarantine(call.id, resolved(call).target.uri);
  return block ? refusal("quarantined", 503, { ...block }) : null;
}

/** Step 6. A plan only asks; a call counts for the rate of the rule. */
export function checkPolicy(call: CallState, ask: "decide" | "explain"): StepResult {
  const { target } = resolved(call);
  if (target.undefinedName) return null;
  const { ctx, parts } = call;
  const decision = parts.decider[ask](ctx.subject, target.uri, target.action);
  call.decision = decision;
  if (decision.decision === "allow") return null;
  const details = { topic: target.uri, action: target.action, ruleId: decision.ruleId };
  if (decision.decision === "require_consent") {
    return refusal("consent_required", 428, details, decision.reason);
  }
  return decision.reason === "rate_exceeded"
    ? refusal("rate_exceeded", 429, { ...details, retryAfterMs: decision.retryAfterMs ?? null })
    : refusal("policy_denied", 403, details, decision.reason);
}

/** Step 7. */
export function checkPermission(call: CallState): StepResult {
  const { target } = resolved(call);
  if (target.undefinedName) return null;
  const { ctx, parts } = call;
  const question = { subject: ctx.subject, topic: target.uri, action: target.action, bound: target.bound };
  return isPermitted(parts.permissions.records(), question, parts.clock.wallMs())
    ? null
    : refusal("permission_denied", 403, { topic: target.uri, action: target.action });
}

/** Step 8: known, of this output, free, in range, within the bytes that the run may still move. */
export function checkTarget(call: CallState): StepResult {
  const { ctx, parts } = call;
  const { target } = resolved(call);
  if (target.problem) return target.problem;
  const { output } = target;
  if (output && ctx.program && !ctx.program.outputs.includes(output.name)) {
    return refusal("output_undeclared", 403, { output: output.name });
  }
  if (target.exclusive !== null && parts.paths.isBusy(target.exclusive) && !target.safeValue) {
    return refusal("target_busy", 409, { target: target.uri, owner: "abandoned call" });
  }
  const value = member(call.args, "value");
  if (output && !target.safeValue && (value === 0 || value === 1)) {
    const toggles = parts.outputs.checkToggle(output, value);
    if (toggles) return toggles;
  }
  if (ctx.counters.writtenBytes + target.writeBytes > ctx.limits.ioWriteBytes) {
    return refusal("quota_exceeded", 429, {}, "io_write_bytes_exceeded");
  }
  if (ctx.counters.netBytes + target.netBytes > ctx.limits.netOutBytes) {
    return refusal("quota_exceeded", 429, {}, "net_out_bytes_exceeded");
  }
  return null;
}

/** Step 9: passive, moves no bus. */
export async function checkResource(call: CallState): Promise<StepResult> {
  const { target } = resolved(call);
  const missing = target.undefinedName ?? (await firstMissing(call, target.resources));
  return missing ? refusal("resource_required", 428, { ...missing, commands: [...missing.commands] }) : null;
}

async function firstMissing(call: CallState, resources: readonly string[]) {
  for (const resource of resources) {
    const missing = await call.parts.probe.probe(resource);
    if (missing) return missing;
  }
  return null;
}
