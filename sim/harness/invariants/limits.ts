/**
 * I7 and I8: what a run may use is never looser than tier, policy and document say (vm.md 8, policy.md 8), and no run used
 * more than it may.
 */
import type { JsonObject } from "../../../firmware/core/json.ts";
import type { Limits, Metrics, RunRecord } from "../../../firmware/vm/types.ts";
import type { DeviceFacts } from "./facts.ts";
import type { Invariant } from "./invariant.ts";
import { objectAt, type PolicyView } from "./policy-view.ts";

/** vm.md 8: low, medium, high, system. */
const TIERS: Readonly<Record<keyof Limits, readonly [number, number, number, number]>> = {
  cpuSteps: [100_000, 250_000, 500_000, 2_000_000],
  memKb: [8192, 32_768, 65_536, 262_144],
  ioCalls: [128, 512, 2000, 10_000],
  wallMs: [5000, 30_000, 120_000, 3_600_000],
  sleepMs: [100, 1000, 5000, 60_000],
  sleepTotalMs: [1000, 10_000, 60_000, 600_000],
  tasks: [2, 8, 16, 64],
  outputBytes: [16_384, 65_536, 262_144, 1_048_576],
  ioReadBytes: [262_144, 4_194_304, 16_777_216, 52_428_800],
  ioWriteBytes: [65_536, 1_048_576, 16_777_216, 52_428_800],
  netOutBytes: [65_536, 262_144, 4_194_304, 26_214_400],
  claims: [10, 50, 200, 1000],
  callDepth: [16, 32, 64, 128],
  inputBytes: [16_384, 65_536, 262_144, 1_048_576],
  valueBytes: [4096, 65_536, 65_536, 65_536],
};
const TIER_NAMES = ["low", "medium", "high", "system"];
/** No policy key: bound by tier and document alone. */
const OWN = new Set(["sleepTotalMs", "callDepth", "inputBytes", "valueBytes"]);
const DEFAULT_CLAIMS = 64;

/** Which metric is bounded by which limit. */
const BOUNDED: readonly (readonly [metric: keyof Metrics, limit: keyof Limits])[] = [
  ["cpuSteps", "cpuSteps"],
  ["memKb", "memKb"],
  ["ioCalls", "ioCalls"],
  ["sleptMs", "sleepTotalMs"],
  ["tasks", "tasks"],
  ["claims", "claims"],
  ["outputBytes", "outputBytes"],
  ["ioReadBytes", "ioReadBytes"],
  ["ioWriteBytes", "ioWriteBytes"],
  ["netOutBytes", "netOutBytes"],
];
/** A slice lasts 2 ms; a run that is over its time is found at the next one (vm.md 8, 9). */
const SLICE_MS = 4;

const stated = (section: JsonObject, key: string): number => {
  const value = section[key];
  return typeof value === "number" ? value : Number.POSITIVE_INFINITY;
};

/** The loosest that a limit of a run may be. */
function ceilingOf(
  name: keyof Limits,
  { tier, subject }: RunRecord,
  policy: PolicyView,
  document: JsonObject,
): number {
  const column = TIERS[name][TIER_NAMES.indexOf(tier)] ?? 0;
  const own = Math.min(column, stated(objectAt(document, "limits"), name));
  if (OWN.has(name)) return own;
  const overrides = objectAt(policy.subjects.get(subject)?.overrides, "limits");
  const bySubject = Math.min(own, stated(overrides, name));
  const signed = policy.document;
  if (name !== "claims") return Math.min(bySubject, stated(objectAt(signed, "limits"), name));
  const maxClaims = objectAt(signed, "evidence").maxClaims;
  return Math.min(bySubject, typeof maxClaims === "number" ? maxClaims : DEFAULT_CLAIMS);
}

type Say = (what: string, details: JsonObject) => void;

function checkLimits(facts: DeviceFacts, say: Say): void {
  const ceilings = new Map<string, JsonObject>();
  for (const run of facts.runs) {
    const policy = facts.policies.get(run.policyHash);
    const document = facts.documents.get(run.program.programHash);
    if (policy === undefined || document === undefined) continue;
    const key = `${run.policyHash} ${run.program.programHash} ${run.subject} ${run.tier}`;
    const known = ceilings.get(key) ?? ceilingsOf(run, policy, document);
    ceilings.set(key, known);
    const stands = policy.subjects.get(run.subject);
    if (stands === undefined || !stands.enabled)
      say("A run of a subject that the policy does not admit was started.", {
        runId: run.runId,
        subject: run.subject,
      });
    else if (stands.tier !== run.tier)
      say("A run had another tier than its subject.", {
        runId: run.runId,
        tier: run.tier,
        signed: stands.tier,
      });
    for (const name of Object.keys(TIERS) as (keyof Limits)[]) {
      const limit = run.limits[name];
      if (typeof limit === "number" && limit <= Number(known[name])) continue;
      say("A run had a looser limit than its tier, policy and document allow.", {
        runId: run.runId,
        limit: name,
        effective: limit ?? null,
        signed: known[name] ?? null,
      });
    }
  }
}

const ceilingsOf = (run: RunRecord, policy: PolicyView, document: JsonObject): JsonObject =>
  Object.fromEntries(
    (Object.keys(TIERS) as (keyof Limits)[]).map((name) => [name, ceilingOf(name, run, policy, document)]),
  );

const isEnded = ({ state }: RunRecord): boolean =>
  state === "responded" || state === "halted" || state === "refused";

function checkQuotas({ runs, device }: DeviceFacts, isFrozen: boolean, say: Say): void {
  for (const run of runs) {
    const { runId, metrics, limits, journal } = run;
    for (const [metric, limit] of BOUNDED) {
      const used = metrics[metric];
      if (typeof used === "number" && used >= 0 && used <= limits[limit]) continue;
      say("A run used more than its limit.", { runId, metric, used: used ?? null, limit: limits[limit] });
    }
    if (isEnded(run) && !isFrozen && metrics.wallMs > limits.wallMs + SLICE_MS)
      say("A run went on beyond its time.", { runId, wallMs: metrics.wallMs, limit: limits.wallMs });
    if (metrics.memKb !== Math.ceil(metrics.memBytes / 1024))
      say("A run's memory is told in two ways.", { runId, memBytes: metrics.memBytes, memKb: metrics.memKb });
    if (!Array.isArray(journal)) continue;
    const calls = journal.filter(({ t }) => t === "call").length;
    if (metrics.ioCalls < calls)
      say("A run made more calls than it was charged for.", { runId, calls, ioCalls: metrics.ioCalls });
    checkSpent(run, say);
  }
  const waits = device.peaks.get("sliceWaitMs");
  if (waits !== undefined && waits > SLICE_MS && !isFrozen)
    say("A run waited longer than one slice for another one.", { waitMs: waits });
}

/** A call of a quota that was exceeded must not have been answered with a result. */
function checkSpent({ runId, outcome, metrics, limits }: RunRecord, say: Say): void {
  const reason = outcome.error?.reason;
  if (reason !== "cpu_steps_exceeded" && reason !== "io_calls_exceeded") return;
  const [used, limit] =
    reason === "cpu_steps_exceeded" ? [metrics.cpuSteps, limits.cpuSteps] : [metrics.ioCalls, limits.ioCalls];
  // Only an instruction of more than one step can be refused before the last step is used.
  if (used === 0 && limit > 0)
    say("A run was stopped by a quota that it had not used.", { runId, reason, used, limit });
}

export const tightenInvariant: Invariant = {
  id: "I7",
  check(context) {
    for (const facts of context.facts) {
      const actor = facts.device.deviceId;
      checkLimits(facts, (what, details) => context.report({ id: "I7", what, actor, details }));
    }
  },
};

export const quotaInvariant: Invariant = {
  id: "I8",
  check(context) {
    const isFrozen = context.faults.has("process") || context.faults.has("clock");
    for (const facts of context.facts) {
      const actor = facts.device.deviceId;
      checkQuotas(facts, isFrozen, (what, details) => context.report({ id: "I8", what, actor, details }));
    }
  },
};
