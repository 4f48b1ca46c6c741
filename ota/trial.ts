/** The steps from activation to the end of the guard period (rollout.md 8 to 11, 14). */
import { TRIAL_LIMITS } from "../firmware/core/limits.ts";
import { type KpiSample, regression } from "../firmware/phi/index.ts";
import { reasonOf, reportData, verifyOffer } from "./before.ts";
import { loadStored, type OtaContext, pointerOf, type StepOutcome } from "./context.ts";
import { type Gate, runGates } from "./gates/runner.ts";
import type { LoadedRelease } from "./ports.ts";
import { evaluateHold, holdBegin } from "./rules/hold.ts";
import type { OtaRun } from "./run.ts";
import { fillSamples, probe, selfTest } from "./self-test.ts";
import type { Pointer } from "./slots.ts";
import { baselineOf, evaluateWindow, samplesSince, sideOfStats, trialStats } from "./trial-window.ts";

const DAY_MS = 86_400_000;
const DRY_RUN_EVERY_MS = 60_000;
const GUARD_P95_INCREASE = 0.1;

/** Releases whose bytes must stay. */
export const keptReleases = (pointer: Pointer, ...more: readonly string[]): ReadonlySet<string> =>
  new Set([
    pointer.active,
    pointer.factory,
    pointer.lastKnownGood,
    ...(pointer.previous === null ? [] : [pointer.previous]),
    ...pointer.history.slice(-TRIAL_LIMITS.keptReleases).map(({ hash }) => hash),
    ...more,
  ]);

/** Checks once more what may have changed, freezes the baseline and moves the pointer. The host follows afterwards. */
export async function activateStep(context: OtaContext, run: OtaRun): Promise<StepOutcome> {
  const { options, slots } = context;
  const offer = await slots.statement(run.candidate);
  if (!offer) return { event: "activate_fail", reason: "staged_bytes_corrupt" };
  const verified = verifyOffer(options, offer, run.settings.quorumK);
  if (!verified.ok) return { event: "activate_fail", reason: verified.code };
  const loaded = await loadStored(options, slots, run.candidate);
  if (!loaded.ok) return { event: "activate_fail", reason: loaded.code };
  const pointer = await pointerOf(slots);
  const active = await loadStored(options, slots, run.from);
  if (!active.ok || pointer.active !== run.from) return { event: "activate_fail", reason: "active_changed" };
  const now = options.clock.wallMs();
  const { policyHash } = active.release.policy;
  const baseline = await baselineOf(options.history, policyHash, now, run.settings.shadow.maxRuns);
  const next: Pointer = { ...pointer, active: run.candidate, previous: run.from, slot: "trial" };
  return { event: "activate_ok", patch: { activatedAt: now, baseline }, ops: [slots.putPointer(next)] };
}

/** Lets the host run the candidate; after a restart it does already. */
export async function loadCandidate(
  context: OtaContext,
  run: OtaRun,
  signal: AbortSignal,
): Promise<LoadedRelease | string> {
  const loaded = await loadStored(context.options, context.slots, run.candidate);
  if (!loaded.ok) return loaded.code;
  if (context.running !== run.candidate) {
    context.running = null;
    await context.runtime.host.activate(loaded.release, { trial: true, safe: false, signal });
    context.running = run.candidate;
  }
  return loaded.release;
}

export async function selfTestStep(
  context: OtaContext,
  run: OtaRun,
  signal: AbortSignal,
): Promise<StepOutcome> {
  const release = await loadCandidate(context, run, signal);
  if (typeof release === "string") return { event: "self_test_fail", reason: release };
  const report = await selfTest(context, release, signal);
  const patch = { gateResults: [...run.gateResults, ...report.results] };
  const data = reportData(report);
  return report.ok
    ? { event: "self_test_ok", patch, data }
    : { event: "self_test_fail", patch, data, reason: "self_test" };
}

export async function probeStep(context: OtaContext, run: OtaRun, signal: AbortSignal): Promise<StepOutcome> {
  const release = await loadCandidate(context, run, signal);
  if (typeof release === "string") return { event: "probe_fail", reason: release };
  const report = await probe(context, release, run.settings.probe, signal);
  const patch = { gateResults: [...run.gateResults, ...report.results] };
  const data = reportData(report);
  return report.ok
    ? { event: "probe_ok", patch, data }
    : { event: "probe_fail", patch, data, reason: reasonOf(report.violations) };
}

/** The first release after the factory's is held twice as long. A restart in the hold keeps what was held. */
export function holdStartStep(run: OtaRun): StepOutcome {
  const { hold } = run.settings;
  const factor = run.isHistoryWaived ? 2 : 1;
  const begun = holdBegin({ ...hold, minHoldMs: Math.min(hold.maxHoldMs, hold.minHoldMs * factor) });
  return { event: "hold_start", patch: { hold: run.hold ?? begun } };
}

/** Powered, running time since the last look, and the trial's samples. Lives as long as the daemon. */
export class TrialWatch {
  readonly #context: OtaContext;
  #lookedAt: number;
  #filledAt: number;
  readonly #filled: KpiSample[] = [];

  constructor(context: OtaContext) {
    this.#context = context;
    this.#lookedAt = context.options.clock.monoMs();
    this.#filledAt = this.#lookedAt - DRY_RUN_EVERY_MS;
  }

  /** Waits for the next look. @returns the run with its held time brought up to date. */
  async next(run: OtaRun, waitMs: number, signal: AbortSignal): Promise<OtaRun> {
    const { clock } = this.#context.options;
    await clock.sleep(waitMs, signal);
    const now = clock.monoMs();
    const heldMs = run.heldMs + Math.max(0, Math.floor(now - this.#lookedAt));
    this.#lookedAt = now;
    return { ...run, heldMs };
  }

  /** Real runs of the candidate; on a device with few, dry runs once a minute count too. */
  async samples(run: OtaRun, release: LoadedRelease, signal: AbortSignal): Promise<readonly KpiSample[]> {
    const { history, clock } = this.#context.options;
    const real = await samplesSince(history, release.policy.policyHash, run.activatedAt ?? run.startedAt);
    const isDue = clock.monoMs() - this.#filledAt >= DRY_RUN_EVERY_MS;
    if (isDue && real.length + this.#filled.length < run.settings.hold.minSamples) {
      this.#filledAt = clock.monoMs();
      this.#filled.push(...(await fillSamples(this.#context, release, signal)));
    }
    return [...real, ...this.#filled];
  }
}

/** Three looks at least before the hold may end, never more than 30 s apart. */
export function evaluateMs(context: OtaContext, run: OtaRun): number {
  const wanted = context.options.config?.evaluateMs ?? TRIAL_LIMITS.evaluateMs;
  return Math.min(wanted, TRIAL_LIMITS.evaluateMs, Math.max(250, Math.ceil(run.settings.hold.minHoldMs / 3)));
}

async function preCommit(
  context: OtaContext,
  run: OtaRun,
  samples: readonly KpiSample[],
  signal: AbortSignal,
): Promise<StepOutcome> {
  const { clock } = context.options;
  const stats = trialStats(samples, clock.wallMs(), run.activatedAt ?? run.startedAt);
  const { settings, baseline } = run;
  const seen = evaluateWindow({ stats, baseline, settings, heldMs: run.heldMs, hard: null });
  const slo: Gate = {
    name: "slo",
    class: "soft",
    check: () => {
      if (seen.noData === true) return "no_data";
      return { violations: seen.breach === true ? [{ code: "sla_breach" }] : [] };
    },
  };
  const report = await runGates([{ gates: [slo] }], {
    at: clock.wallMs(),
    input: { candidate: run.candidate, point: "pre_commit" },
    signal,
  });
  const patch = { gateResults: [...run.gateResults, ...report.results] };
  const data = reportData(report);
  if (!report.ok) return { event: "commit_fail", reason: reasonOf(report.violations), patch, data };
  return { event: "commit_ok", ...(await commitOps(context, run)), patch: { ...patch, heldMs: 0 }, data };
}

async function commitOps(context: OtaContext, run: OtaRun): Promise<Pick<StepOutcome, "ops">> {
  const { slots } = context;
  const pointer = await pointerOf(slots);
  const { candidate, releaseId, version } = run;
  const next: Pointer = {
    ...pointer,
    active: candidate,
    previous: run.from,
    lastKnownGood: candidate,
    slot: "committed",
    versionFloor: Math.max(pointer.versionFloor, version),
    history: [
      ...pointer.history.filter(({ hash }) => hash !== candidate),
      { hash: candidate, releaseId, version },
    ],
  };
  return { ops: [slots.putPointer(next), ...(await slots.dropOthers(keptReleases(next)))] };
}

/** One look of the hold; null: go on holding, with the run as it is to be stored. */
export async function holdStep(
  context: OtaContext,
  run: OtaRun,
  watch: TrialWatch,
  signal: AbortSignal,
): Promise<StepOutcome | { readonly hold: OtaRun }> {
  const release = await loadCandidate(context, run, signal);
  if (typeof release === "string") return { event: "hold_fail", reason: release };
  const held = await watch.next(run, evaluateMs(context, run), signal);
  const samples = await watch.samples(held, release, signal);
  const { settings, baseline, heldMs } = held;
  const now = context.options.clock.wallMs();
  const stats = trialStats(samples, now, held.activatedAt ?? held.startedAt);
  const hard = context.options.hardEvent?.() ?? null;
  const seen = evaluateWindow({ stats, baseline, settings, heldMs, hard });
  const begun = held.hold ?? holdBegin(settings.hold);
  const { state, decision } = evaluateHold(begun, seen, settings.hold);
  const next = { ...held, hold: state };
  if (decision.do === "hold") return { hold: next };
  const patch = { heldMs, hold: state };
  if (decision.do === "rollback") {
    return { event: "hold_fail", reason: decision.reason, patch: { ...patch, isUnsafe: hard !== null } };
  }
  const outcome = await preCommit(context, next, samples, signal);
  return { ...outcome, patch: { hold: state, heldMs, ...outcome.patch } };
}

/** One look of the guard period after the commit; `done`: it is over. */
export async function guardStep(
  context: OtaContext,
  run: OtaRun,
  watch: TrialWatch,
  signal: AbortSignal,
): Promise<StepOutcome | { readonly hold: OtaRun } | { readonly done: OtaRun; readonly isJudged: boolean }> {
  const release = await loadCandidate(context, run, signal);
  if (typeof release === "string") return { event: "regression", reason: release };
  const { settings, baseline } = run;
  const every = evaluateMs(context, run);
  const left = settings.guardMs - run.heldMs;
  // Longer than its time where too few runs can judge it: then it is looked at as often as before.
  const held = await watch.next(run, left > 0 ? Math.min(every, left) : every, signal);
  const since = held.activatedAt ?? held.startedAt;
  const samples = await samplesSince(context.options.history, release.policy.policyHash, since);
  const stats = trialStats(samples, context.options.clock.wallMs(), since);
  const limits = { ...settings.regression, maxP95IncreaseRel: GUARD_P95_INCREASE };
  const verdict = baseline === null ? null : regression(sideOfStats(baseline), sideOfStats(stats), limits);
  const isUnjudged = verdict === null || verdict.reasons.includes("insufficient_data");
  if (verdict !== null && !verdict.ok && !isUnjudged) {
    return {
      event: "regression",
      reason: "regression",
      data: { reasons: verdict.reasons },
      patch: { heldMs: held.heldMs },
    };
  }
  const isOver =
    held.heldMs >= settings.guardMs && (!isUnjudged || baseline === null || held.heldMs >= DAY_MS);
  return isOver ? { done: held, isJudged: !isUnjudged } : { hold: held };
}
