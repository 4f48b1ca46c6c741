/** What one policy says to the start, every call and the reply of a recorded run, at the recorded times. */
import {
  applicableRates,
  type Capability,
  type CapabilityGate,
  type CapabilityRegistry,
  createRunContext,
  guardRequest,
  type Plan,
  type RunContext,
  STEPS,
  type Target,
} from "../capabilities/index.ts";
import { CodedError, type Refusal } from "../core/errors.ts";
import { hashJson } from "../core/hash.ts";
import { isJsonObject, type Json, type JsonObject } from "../core/json.ts";
import { SourceRegistry, tighten } from "../evidence/index.ts";
import type { GuardVerdict } from "../evidence/types.ts";
import {
  type CompiledPolicy,
  DecisionEngine,
  evidenceRules,
  phiOf,
  ruleHash,
  subjectStatement,
} from "../policy/index.ts";
import { admit, type ReleaseSet, releaseReply, schemaCheck, subjectIn } from "../runs/index.ts";
import type { JournalEntry, Limits, VerifiedProgram } from "../vm/index.ts";
import { claimsOfCalls } from "./diff-claims.ts";
import { type GuardDecision, guardDecisions, RecordedMoment } from "./diff-evidence.ts";
import { type JudgeParts, judgeGate, judgeRegistry } from "./diff-gate.ts";
import type { ExportedRun } from "./state-export.ts";

export interface Verdict {
  /** `unrecorded`: the record does not hold what the answer would depend on. */
  readonly outcome: "allow" | "deny" | "unrecorded";
  /** What decided, as capabilities.md 4 names it; null for an allowance. */
  readonly step: string | null;
  readonly code: string | null;
  readonly reason: string | null;
}

/** Bounds that are shared with other runs, so that one run alone does not tell whether they strike. */
export interface SharedBounds {
  readonly maxRatePerMin: number | null;
  readonly rates: readonly { readonly scope: string; readonly rps: number; readonly burst: number }[];
  readonly maxTogglesPerMin: number | null;
  readonly costMilli: number | null;
  readonly capacityMilli: number;
  readonly refillPerHourMilli: number;
}

export interface CallVerdict extends Verdict {
  readonly number: number;
  readonly entry: CallEntry;
  /** Wall ms; null if the call left no evidence. */
  readonly atMs: number | null;
  readonly ruleId: string | null;
  /** Of the rule that asks for consent: a grant is void once it changes. */
  readonly ruleHash: string | null;
  /** The guard's own answer, null if none was asked. */
  readonly guard: Verdict | null;
  /** Null for a call that passes without being metered. */
  readonly bounds: SharedBounds | null;
}

type CallEntry = JournalEntry & { readonly t: "call" };

export const ALLOW: Verdict = { outcome: "allow", step: null, code: null, reason: null };

export const unrecordedAt = (step: string): Verdict => ({
  outcome: "unrecorded",
  step,
  code: null,
  reason: null,
});

const deny = (step: string, code: string, reason: string): Verdict => ({
  outcome: "deny",
  step,
  code,
  reason,
});

const stepName = (number: number): string => STEPS.find((step) => step.number === number)?.name ?? "gate";

/** Codes of a refusal that a guard gives, its reason included. */
const ofGuard = (verdict: GuardVerdict): Verdict =>
  verdict.ok ? ALLOW : deny("guard", verdict.reason, verdict.reason);

/**
 * The guard's decisions by the number of their call. A call that acted has the last one before its evidence; a refused
 * one has the next that refused for its reason. Where that is not clear, there is none.
 */
function decisionsByCall(run: ExportedRun, calls: readonly CallEntry[]): ReadonlyMap<number, GuardDecision> {
  const left = new Set(guardDecisions(run));
  const seqs = new Map(run.evidence.map(({ id, body }) => [id, body.seq]));
  const found = new Map<number, GuardDecision>();
  for (const [i, { capability, args, ok, error, evidence }] of calls.entries()) {
    if (!isJsonObject(args) || typeof args.output !== "string") continue;
    const effect = `${capability}:${args.output}`;
    const own = [...left].filter((decision) => decision.effect === effect);
    const acted = Math.min(...evidence.map((id) => seqs.get(id) ?? Number.POSITIVE_INFINITY));
    const decision = ok
      ? own.filter((one) => one.ok && one.record.body.seq < acted).at(-1)
      : own.find((one) => !one.ok && one.reason === error?.reason);
    if (decision === undefined || (ok && !Number.isFinite(acted))) continue;
    left.delete(decision);
    found.set(i + 1, decision);
  }
  return found;
}

export interface Judged {
  readonly start: Verdict & { readonly ruleHash: string | null };
  /** Null if it would not have started. */
  readonly limits: Limits | null;
  readonly calls: readonly CallVerdict[];
  /** Null if the run ended without a reply. */
  readonly release: Verdict | null;
}

const refusedBy = (step: string, { code, reason }: Refusal): Verdict => deny(step, code, reason);

class PolicyJudge {
  readonly #run: ExportedRun;
  readonly #program: VerifiedProgram;
  readonly #policy: CompiledPolicy;
  readonly #set: ReleaseSet;
  readonly #ctx: RunContext;
  readonly #registry: CapabilityRegistry;
  readonly #gate: CapabilityGate;

  constructor(
    run: ExportedRun,
    program: VerifiedProgram,
    policy: CompiledPolicy,
    registry: CapabilityRegistry,
    parts: JudgeParts,
  ) {
    const { record } = run;
    const { document, programHash, capabilities } = program;
    const evidence = evidenceRules(policy);
    const sources = new SourceRegistry({
      simulated: record.sim === true,
      unknownTrust: evidence.unknownTrust,
    });
    const decider = new DecisionEngine(policy, parts.clock);
    const programs = new Map([[document.name, { document, programHash, verified: program }]]);
    const rights = subjectIn(policy, record.subject);
    this.#run = run;
    this.#program = program;
    this.#policy = policy;
    this.#registry = registry;
    this.#set = {
      releaseHash: policy.policyHash,
      policy,
      decider,
      sources,
      sourceList: null,
      evidence,
      programs,
      refused: [],
    };
    this.#gate = judgeGate(parts, registry, this.#set);
    this.#ctx = createRunContext({
      runId: record.runId,
      subject: record.subject,
      tier: rights?.tier ?? record.tier,
      program: { name: document.name, outputs: document.outputs ?? [], capabilities },
      policy,
      limits: record.limits,
      evidence: {
        list: run.evidence,
        witness: recordsNothing,
        record: recordsNothing,
        tally: recordsNothing,
        guard: recordsNothing,
      },
      countCall: () => true,
      ...(rights ? { demands: subjectStatement(rights).requirement } : {}),
    });
  }

  start(): Pick<Judged, "start" | "limits"> {
    const { record } = this.#run;
    const payload = isJsonObject(record.payload) ? record.payload : {};
    const answer = admit(this.#set, record.program.name, payload, { check: schemaCheck, count: false });
    if (answer.ok) return { start: { ...ALLOW, ruleHash: null }, limits: answer.limits };
    return {
      start: { ...refusedBy("start", answer), ruleHash: this.#ruleHash(answer.details.ruleId) },
      limits: null,
    };
  }

  async calls(): Promise<readonly CallVerdict[]> {
    const entries = this.#run.record.journal.filter((entry) => entry.t === "call");
    const decisions = decisionsByCall(this.#run, entries);
    const claims = claimsOfCalls(this.#program, this.#run.record, this.#run.record.sim === true);
    const verdicts: CallVerdict[] = [];
    for (const [i, entry] of entries.entries())
      verdicts.push(await this.#call(i + 1, entry, decisions.get(i + 1), claims[i]));
    return verdicts;
  }

  async #call(
    number: number,
    entry: CallEntry,
    decision: GuardDecision | undefined,
    claims: readonly Json[] | undefined,
  ): Promise<CallVerdict> {
    const plan = await this.#gate.plan(this.#ctx, entry.capability, entry.args);
    const capability = this.#registry.get(plan.capability);
    const isKnown = plan.topic !== null && capability !== undefined;
    const target = isKnown ? capability.resolve(this.#ctx, plan.args) : null;
    const guard = target === null ? null : this.#guard(plan, target, decision, claims);
    const moment = decision?.record ?? this.#run.evidence.find(({ id }) => entry.evidence.includes(id));
    return {
      ...(this.#planned(plan) ?? guard ?? ALLOW),
      number,
      entry,
      atMs: moment?.body.ts ?? null,
      ruleId: plan.decision?.ruleId ?? null,
      ruleHash: this.#ruleHash(plan.decision?.ruleId ?? null),
      guard,
      bounds: target === null || capability === undefined ? null : this.#bounds(plan, target, capability),
    };
  }

  #planned({ findings, decision }: Plan): Verdict | null {
    const [first] = findings;
    if (first === undefined) return null;
    const step = stepName(first.step);
    const { reason } = first.details;
    const why = step === "policy" ? decision?.reason : reason;
    return deny(step, first.code, typeof why === "string" ? why : first.code);
  }

  #ruleHash(id: Json | undefined): string | null {
    const rule = this.#policy.rules.find((one) => one.id === id);
    return rule === undefined ? null : ruleHash(rule);
  }

  /** Null for what passes without the guard: reads, and driving an output to its safe value. */
  #guard(
    plan: Plan,
    target: Target,
    decision: GuardDecision | undefined,
    claims: readonly Json[] | undefined,
  ): Verdict | null {
    if (target.class !== "effect" || target.safeValue || target.undefinedName !== null) return null;
    const request = guardRequest(plan.capability, target, this.#ctx, claims ?? []);
    if (request === null) return deny("guard", "guard_error", "guard_error");
    if (decision?.effect !== request.effect) return unrecordedAt("guard");
    if (decision.requirementHash === hashJson(request.requirement))
      return decision.ok
        ? ALLOW
        : deny("guard", decision.reason ?? "guard_error", decision.reason ?? "guard_error");
    if (claims === undefined) return unrecordedAt("guard");
    return ofGuard(
      new RecordedMoment(this.#run, this.#set, decision.record, { inclusive: false }).guard(request),
    );
  }

  #bounds(plan: Plan, target: Target, { contract }: Capability): SharedBounds | null {
    if (target.safeValue) return null;
    const { rules } = this.#policy;
    const { capacityMilli, refillPerHourMilli } = phiOf(this.#policy).budget;
    const call = {
      subject: this.#ctx.subject,
      capability: plan.capability,
      target: target.uri,
      rate: contract.rate,
    };
    return {
      maxRatePerMin: rules.find(({ id }) => id === plan.decision?.ruleId)?.maxRatePerMin ?? null,
      rates: applicableRates(this.#policy, call).map(({ scope, rate }) => ({ scope, ...rate })),
      maxTogglesPerMin: target.output?.maxTogglesPerMin ?? null,
      costMilli: plan.costMilli,
      capacityMilli,
      refillPerHourMilli,
    };
  }

  release(): Verdict | null {
    const { record, evidence } = this.#run;
    if (record.state !== "responded" && record.state !== "refused") return null;
    const trace = evidence.filter(({ body }) => body.kind === "vm_trace").at(-1);
    if (trace === undefined) return unrecordedAt("release");
    const decision = guardDecisions(this.#run)
      .filter(({ effect }) => effect === "RESPOND")
      .at(-1);
    const moment = new RecordedMoment(this.#run, this.#set, decision?.record ?? trace, {
      inclusive: decision === undefined,
    });
    const { programHash } = record.program;
    const { inputHash, outputHash, vmVersion, outcome, metrics } = record;
    const reply = releaseReply(
      moment,
      {
        status: outcome.status,
        body: outcome.body,
        claims: outcome.claims,
        calls: metrics.ioCalls,
        allowCompute: subjectIn(this.#policy, record.subject)?.allowCompute ?? false,
        trace: { programHash, inputHash, outputHash, steps: metrics.cpuSteps, vmVersion },
        requirement: tighten(this.#policy.replyRequirement, this.#ctx.demands),
        simulated: record.sim === true,
      },
      trace.id,
    );
    const reason = reply.reason ?? "guard_error";
    return reply.ok ? ALLOW : deny("release", reason, reason);
  }
}

function recordsNothing(): never {
  throw new CodedError("no_device", "A judgement records nothing.");
}

/** Every call is judged by itself: what the program would have done after another answer is not in the record. */
export async function judgeRun(
  run: ExportedRun,
  program: VerifiedProgram,
  policy: CompiledPolicy,
  parts: JudgeParts,
): Promise<Judged> {
  const judge = new PolicyJudge(run, program, policy, await judgeRegistry(parts), parts);
  return { ...judge.start(), calls: await judge.calls(), release: judge.release() };
}

export const verdictJson = ({ outcome, step, code, reason }: Verdict): JsonObject => ({
  outcome,
  step,
  code,
  reason,
});
