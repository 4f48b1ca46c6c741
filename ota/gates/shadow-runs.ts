/** Recorded runs under both releases (rollout.md 7): nothing is executed, every answer comes from the record. */
import { canonicalize } from "../../firmware/core/canonical-json.ts";
import { hashJson } from "../../firmware/core/hash.ts";
import { isJsonObject, type Json, type JsonObject } from "../../firmware/core/json.ts";
import { runScore } from "../../firmware/phi/index.ts";
import { type CompiledPolicy, decide, scoreOf } from "../../firmware/policy/index.ts";
import type { Clock } from "../../firmware/ports/clock.ts";
import {
  effectiveLimits,
  type Limits,
  type MachineResult,
  type Metrics,
  replay,
  shadowRun,
  tierOf,
  type VerifiedProgram,
  VM_VERSION,
} from "../../firmware/vm/index.ts";
import type { LoadedRelease, ProgramView, RecordedRun, RunHistory, ViewOf } from "../ports.ts";

export type Difference =
  | "same"
  | "refused_now"
  | "new_effect"
  | "different_output"
  | "other_target"
  | "unrecorded"
  | "replay_mismatch";

/** What one side of a pair measured. */
export interface SideMetrics {
  readonly error: boolean;
  readonly denied: boolean;
  readonly cpuSteps: number;
  readonly memKb: number;
  readonly ioCalls: number;
  readonly chargedMilli: number;
}

export interface ShadowPair {
  readonly runId: string;
  readonly program: string;
  readonly difference: Difference;
  readonly why: string | null;
  /** Of the record; a replay has no I/O to wait for, so both sides are scored with it. */
  readonly latencyMs: number;
  readonly active: SideMetrics;
  /** Null if the candidate cannot be run on this record. */
  readonly candidate: SideMetrics | null;
  readonly activePhi: number | null;
  readonly candidatePhi: number | null;
}

export interface ShadowInput {
  readonly history: RunHistory;
  readonly active: LoadedRelease;
  readonly candidate: {
    readonly policy: CompiledPolicy;
    readonly programs: ReadonlyMap<string, VerifiedProgram>;
  };
  readonly viewOf: ViewOf;
  readonly maxRuns: number;
  readonly clock: Clock;
  /** Wall ms. */
  readonly now: number;
}

const WEEK_MS = 604_800_000;
/** Of one core: after each replay the others get four times as long. */
const REST_FACTOR = 4;

const isReleased = (run: RecordedRun): boolean =>
  run.release.ok && (run.state === "responded" || run.state === "halted");

function sideOf(metrics: Metrics, ended: { readonly ok: boolean; readonly denied: boolean }): SideMetrics {
  const { cpuSteps, memKb, ioCalls, phiChargedMilli } = metrics;
  return { error: !ended.ok, denied: ended.denied, cpuSteps, memKb, ioCalls, chargedMilli: phiChargedMilli };
}

const phiOf = (side: SideMetrics, latencyMs: number): number | null => runScore({ ...side, latencyMs }).phi;

const outputOf = (args: Json): string | null =>
  isJsonObject(args) && typeof args.output === "string" ? args.output : null;

const targetsOf = (effects: MachineResult["outcome"]["effects"]): string =>
  canonicalize(
    effects
      .filter(({ outcome }) => outcome === "ok")
      .map(({ capability, args }) => `${capability} ${outputOf(args) ?? canonicalize(args)}`)
      .sort(),
  );

/** Whether the candidate's policy would start the program at all, and with which limits. */
function admission(
  policy: CompiledPolicy,
  program: VerifiedProgram,
  run: RecordedRun,
): { readonly ok: true; readonly limits: Limits } | { readonly ok: false; readonly why: string } {
  const rights = Object.hasOwn(policy.subjects, run.subject) ? policy.subjects[run.subject] : undefined;
  if (!rights) return { ok: false, why: "unknown_subject" };
  if (rights.programHash !== undefined && rights.programHash !== program.programHash) {
    return { ok: false, why: "unknown_subject" };
  }
  const trust = scoreOf(rights.tier);
  const verdict = decide(
    policy,
    {
      subject: { id: run.subject, known: true, enabled: rights.enabled, trust },
      topic: `program://${program.document.name}`,
      action: "invoke",
    },
    { rateCount: 1, grants: [], now: run.startedAt, clockTrusted: true },
  );
  if (verdict.decision === "block") return { ok: false, why: verdict.reason };
  const tier = tierOf(trust);
  if (tier === null) return { ok: false, why: "trust_below_min" };
  return {
    ok: true,
    limits: effectiveLimits({ tier, policy: policy.limits, document: program.document.limits }),
  };
}

/** A reply that the guard refused stays refused while program, claims and demand stay the same. */
function refusesAgain(run: RecordedRun, result: MachineResult, input: ShadowInput): boolean {
  if (run.state !== "refused") return false;
  const before = input.active.policy.replyRequirement;
  const after = input.candidate.policy.replyRequirement;
  return (
    hashJson(before) === hashJson(after) &&
    canonicalize(run.outcome.claims) === canonicalize(result.outcome.claims)
  );
}

function classify(run: RecordedRun, result: MachineResult, input: ShadowInput): Difference {
  const ends = result.ended === "responded" || result.ended === "halted";
  if (isReleased(run)) {
    if (!ends) return "refused_now";
    if (targetsOf(run.outcome.effects) !== targetsOf(result.outcome.effects)) return "other_target";
    return result.outputHash === run.outputHash ? "same" : "different_output";
  }
  if (run.state === "refused") return !ends || refusesAgain(run, result, input) ? "same" : "new_effect";
  // A run that failed and now ends well did not get more rights: it was mended.
  return result.outputHash === run.outputHash ? "same" : "different_output";
}

function candidateSide(run: RecordedRun, result: MachineResult, input: ShadowInput): SideMetrics {
  const ends = result.ended === "responded" || result.ended === "halted";
  const denied = run.state === "refused" && (!ends || refusesAgain(run, result, input));
  const { phiChargedMilli } = run.metrics;
  return sideOf({ ...result.metrics, phiChargedMilli }, { ok: ends && !denied, denied });
}

/** The active release must reproduce its own record: else the record proves nothing about any other. */
async function reproduces(run: RecordedRun, view: ProgramView, history: RunHistory): Promise<string | null> {
  let document: unknown;
  try {
    document = await history.document(run.program.programHash);
  } catch {
    return "document_missing"; // Not stored, or damaged: either way there is nothing to run.
  }
  if (!isJsonObject(document)) return "document_missing";
  const result = replay(document, run, view);
  return result.ok ? null : result.code;
}

async function pairOf(run: RecordedRun, input: ShadowInput): Promise<ShadowPair> {
  const { active, candidate, viewOf, history } = input;
  const own = sideOf(run.metrics, { ok: isReleased(run), denied: run.state === "refused" });
  const base = {
    runId: run.runId,
    program: run.program.name,
    latencyMs: run.wallMs,
    active: own,
    activePhi: phiOf(own, run.wallMs),
  };
  const without = (difference: Difference, why: string): ShadowPair => ({
    ...base,
    difference,
    why,
    candidate: null,
    candidatePhi: null,
  });
  const mismatch = await reproduces(run, viewOf(active.policy), history);
  if (mismatch !== null) return without("replay_mismatch", mismatch);
  const program = candidate.programs.get(run.program.name);
  if (!program) return without("refused_now", "program_removed");
  const admitted = admission(candidate.policy, program, run);
  if (!admitted.ok) {
    const refused: SideMetrics = { ...own, error: true, denied: true };
    const difference = isReleased(run) ? "refused_now" : "same";
    return {
      ...base,
      difference,
      why: admitted.why,
      candidate: refused,
      candidatePhi: phiOf(refused, run.wallMs),
    };
  }
  const { journal, payload, trigger } = run;
  const { checkSchema, executor } = viewOf(candidate.policy);
  const { result, unrecorded } = shadowRun(
    program,
    { journal, payload, trigger, limits: admitted.limits },
    checkSchema,
    executor,
  );
  const missing = unrecorded[0];
  if (missing) return without("unrecorded", missing.capability);
  const side = candidateSide(run, result, input);
  const why = result.error?.reason ?? null;
  const candidatePhi = phiOf(side, run.wallMs);
  return { ...base, difference: classify(run, result, input), why, candidate: side, candidatePhi };
}

/** The newest runs under the active policy that this version can replay; refused ones are not left out. */
async function select(input: ShadowInput): Promise<readonly RecordedRun[]> {
  const { history, active, maxRuns, now } = input;
  const found: RecordedRun[] = [];
  for await (const run of history.latest(maxRuns * 2)) {
    const fits =
      run.policyHash === active.policy.policyHash &&
      run.vmVersion === VM_VERSION &&
      run.startedAt >= now - WEEK_MS &&
      !run.journal.some((entry) => entry.t === "cut");
    if (fits) found.push(run);
    if (found.length === maxRuns) break;
  }
  return found.reverse();
}

/** Oldest first. Live runs are not delayed: between two replays the clock's other users get their turn. */
export async function shadowRuns(input: ShadowInput, signal: AbortSignal): Promise<readonly ShadowPair[]> {
  const pairs: ShadowPair[] = [];
  for (const run of await select(input)) {
    signal.throwIfAborted();
    const begin = input.clock.monoMs();
    pairs.push(await pairOf(run, input));
    const used = input.clock.monoMs() - begin;
    if (used >= 1) await input.clock.sleep(used * REST_FACTOR, signal);
    else await input.clock.yield();
  }
  return pairs;
}

/** For `explain`: how many of each difference. */
export function countDifferences(pairs: readonly ShadowPair[]): JsonObject {
  const counts: Record<string, number> = {};
  for (const { difference } of pairs) counts[difference] = (counts[difference] ?? 0) + 1;
  return counts;
}
