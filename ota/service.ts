/** Signed releases from their offer to their commit or their undoing (rollout.md). One at a time. */
import { CodedError, codeOf, type Refusal, refusal } from "../firmware/core/errors.ts";
import type { JsonObject } from "../firmware/core/json.ts";
import { TRIAL_LIMITS } from "../firmware/core/limits.ts";
import { changeEvent } from "../firmware/ledger/index.ts";
import { checkBundle, verifyOffer } from "./before.ts";
import { type BootResult, bootUpdates } from "./boot.ts";
import {
  type OtaContext,
  type OtaOptions,
  type OtaRuntime,
  pointerOf,
  type StepOutcome,
  within,
} from "./context.ts";
import {
  admission,
  type IntakeParts,
  newRun,
  type RollbackWish,
  runInForce,
  settingsInForce,
  wishedTarget,
} from "./intake.ts";
import { OtaJournal } from "./journal.ts";
import { leaving } from "./leaving.ts";
import {
  isBeforeActive,
  isRefused,
  isTerminal,
  type OtaStep,
  STEP_DEADLINE_MS,
  stepOf,
  transition,
} from "./machine.ts";
import { rollbackOutcome, rollbackStep, targetOf } from "./rollback.ts";
import type { OtaRun } from "./run.ts";
import { type Pointer, Slots } from "./slots.ts";
import { performStep, type StepParts, type Work } from "./steps.ts";
import { TrialWatch } from "./trial.ts";

export type StageResult = { readonly ok: true; readonly runId: string } | Refusal;

export interface OtaStatus {
  readonly pointer: Pointer;
  /** Hash of the release that runs; null in safe mode. */
  readonly running: string | null;
  readonly run: OtaRun | null;
}

interface Interrupt {
  readonly event: "abort" | "emergency";
  readonly reason: string;
  readonly target?: string;
}

/**
 * Invariants: one run at a time; every arrow is durable before its effect; whatever fails before activation leaves the
 * release in force untouched; after it the release before is restored without anybody's help.
 */
export class OtaService implements AsyncDisposable {
  readonly #options: OtaOptions;
  readonly #slots: Slots;
  readonly #journal: OtaJournal;
  readonly #stop = new AbortController();
  #context: OtaContext | null = null;
  #watch: TrialWatch | null = null;
  #booted: BootResult | null = null;
  #run: OtaRun | null = null;
  #working: Promise<void> | null = null;
  #interrupt: Interrupt | null = null;
  #stepAbort: AbortController | null = null;
  #isFetching = false;

  constructor(options: OtaOptions) {
    this.#options = options;
    this.#slots = new Slots(options.store);
    const { committer, clock } = options;
    const onEvent = options.onEvent ?? (() => undefined);
    this.#journal = new OtaJournal({ slots: this.#slots, committer, clock, onEvent });
  }

  /**
   * Finds what is to be run, before any program runs; undoes a trial that crashed or restarted too often.
   * @returns the release to load, or null with the reason for safe mode. @throws storage codes.
   */
  async boot(): Promise<BootResult> {
    const { result, run } = await bootUpdates({
      options: this.#options,
      slots: this.#slots,
      journal: this.#journal,
    });
    this.#booted = result;
    this.#run = run;
    return result;
  }

  /** Goes on with an update that was under way. The host runs what `boot` returned. */
  async start(runtime: OtaRuntime): Promise<void> {
    if (this.#booted === null) throw new CodedError("internal", "Updates are started after boot.");
    const { release, reason } = this.#booted;
    const running = release?.hash ?? null;
    this.#context = { options: this.#options, slots: this.#slots, journal: this.#journal, runtime, running };
    if (release === null) await runtime.host.safeMode(reason);
    this.#kick();
  }

  /** Handles a statement that a transport has heard: verifies it, fetches its bundle, stages it. */
  async offer(statementBytes: Uint8Array): Promise<StageResult> {
    const source = this.#context?.runtime.source;
    if (!source) return refusal("no_source", 503);
    const settings = await settingsInForce(this.#intake);
    const verified = verifyOffer(this.#options, statementBytes, settings.quorumK);
    if (!verified.ok) return verified;
    const { statement } = verified;
    if (this.#run?.candidate === statement.bundle.sha256) return { ok: true, runId: this.#run.runId };
    if (this.#run !== null || this.#isFetching) return this.#busy();
    const refused = await admission(this.#intake, statement);
    if (refused) return refused;
    this.#isFetching = true;
    try {
      const bytes = await source.fetch(statement.bundle, this.#stop.signal);
      return await this.#accept(statementBytes, bytes);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      return refusal(error.code, error.status, error.details);
    } finally {
      this.#isFetching = false;
    }
  }

  /** Takes a release whose bytes are already here, for example from `imuctl ota stage`. */
  async stage(statementBytes: Uint8Array, bundle: Uint8Array): Promise<StageResult> {
    return this.#isFetching ? this.#busy() : this.#accept(statementBytes, bundle);
  }

  #busy(): Refusal {
    return refusal("ota_busy", 409, { state: this.#run?.state ?? "fetching" });
  }

  get #intake(): IntakeParts {
    return { options: this.#options, slots: this.#slots };
  }

  async #accept(statementBytes: Uint8Array, bytes: Uint8Array): Promise<StageResult> {
    const settings = await settingsInForce(this.#intake);
    const verified = verifyOffer(this.#options, statementBytes, settings.quorumK);
    if (!verified.ok) return verified;
    const { statement } = verified;
    if (this.#run !== null) return this.#busy();
    const refused = await admission(this.#intake, statement);
    if (refused) return refused;
    const checked = checkBundle(statement, bytes);
    if (!checked.ok) return checked;
    const pointer = await pointerOf(this.#slots);
    // Everything above may have taken time: only one of two that came together goes on.
    if (this.#run !== null) return this.#busy();
    const run = newRun(this.#options, statement, pointer, settings);
    this.#run = run;
    try {
      const { candidate } = run;
      const ops = [
        this.#slots.putBytes(candidate, bytes),
        this.#slots.putStatement(candidate, statementBytes),
      ];
      await this.#journal.write(run, { ops, data: { signers: verified.signers } });
    } catch (error) {
      this.#run = null;
      throw error;
    }
    this.#kick();
    return { ok: true, runId: run.runId };
  }

  /** An update is under way: judged, in shadow, on trial, or waiting for a hand. */
  get isBusy(): boolean {
    return this.#run !== null;
  }

  /** @throws CodedError `store_corrupt`. */
  async status(): Promise<OtaStatus> {
    return { pointer: await pointerOf(this.#slots), running: this.#context?.running ?? null, run: this.#run };
  }

  /** Ended runs, newest first, at most 50. */
  async history(): Promise<readonly OtaRun[]> {
    return [...(await this.#slots.runs())].reverse();
  }

  /** A run with every gate's findings; null if it is not known any more. */
  async explain(runId: string): Promise<OtaRun | null> {
    if (this.#run?.runId === runId) return this.#run;
    return (await this.#slots.runs()).find((run) => run.runId === runId) ?? null;
  }

  /** Gives an update up: `ota_idle` (409) without one, `invalid_transition` once it is committed. */
  async abort(
    reason = "aborted_by_command",
  ): Promise<{ readonly ok: true; readonly state: string } | Refusal> {
    const run = this.#run;
    if (run === null) return refusal("ota_idle", 409);
    const possible = transition(run, "abort");
    if (isRefused(possible)) return possible;
    await this.#apply({ event: "abort", reason });
    const ended = await this.explain(run.runId);
    return { ok: true, state: ended?.state ?? "unknown" };
  }

  /**
   * Replaces the release in force, whatever update is under way; no gates, the target was committed before.
   * Refused with `rollback_target_unknown` (404) if the device does not have it.
   */
  async rollback(
    wish: RollbackWish = "auto",
    why = "emergency_rollback",
  ): Promise<{ readonly ok: true; readonly to: string | null } | Refusal> {
    const target = await wishedTarget(this.#intake, wish);
    if (typeof target === "object" && target !== null) return target;
    const interrupt: Interrupt = {
      event: "emergency",
      reason: "emergency_rollback",
      ...(target === null ? {} : { target }),
    };
    this.#options.log.warn("ota_emergency_rollback", { wish, why });
    if (this.#run?.state === "safe_mode") await this.#recover(this.#run, target);
    else if (this.#run !== null && !isBeforeActive(this.#run.state)) await this.#apply(interrupt);
    else {
      if (this.#run !== null) await this.#apply(interrupt);
      this.#run ??= await runInForce(this.#intake, await pointerOf(this.#slots));
      await this.#apply(interrupt);
    }
    return { ok: true, to: this.#context?.running ?? null };
  }

  /** Leaves safe mode by an operator's word: the target is tried like that of any rollback. */
  async #recover(run: OtaRun, target: string | null): Promise<void> {
    const context = this.#context;
    if (context === null) return;
    const pointer = await pointerOf(this.#slots);
    const to = target ?? (await targetOf(context, pointer)) ?? pointer.factory;
    const next: OtaRun = { ...run, to, isUnsafe: true };
    await this.#storeTarget(next, {
      ...pointer,
      active: to,
      previous: null,
      lastKnownGood: to,
      slot: "committed",
    });
    const store = (changed: OtaRun, moved: Pointer): Promise<void> => this.#storeTarget(changed, moved);
    await this.#take(next, await rollbackStep(context, next, store, this.#stop.signal));
  }

  /** Allows a release that was refused or rolled back to be offered again (`policy.retry`). */
  async retry(hash: string): Promise<void> {
    const pointer = await pointerOf(this.#slots);
    const next: Pointer = { ...pointer, bad: pointer.bad.filter((other) => other !== hash) };
    const event = changeEvent("config_change", `release.refused/${hash}`, true, false);
    const ops = [this.#slots.putPointer(next), this.#slots.dropRefused(hash)];
    await this.#options.committer.commit({ events: [event], ops }, { urgent: true });
  }

  /** Resolves when nothing is under way any more: ended, waiting in safe mode, or stopped by a failing store. */
  async settled(): Promise<void> {
    while (this.#working !== null) await this.#working;
  }

  /** Ends in order: an update under way goes on at the next start, and that start is no crash. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new CodedError("run_cut", "The daemon is stopping."));
    await this.settled();
    const { kernelBootId } = this.#options.facts;
    const ops = [this.#slots.putBootMark({ kernelBootId, clean: true })];
    await this.#options.committer.commit({ events: [], ops }, { urgent: true });
  }

  async #apply(interrupt: Interrupt): Promise<void> {
    this.#interrupt = interrupt;
    this.#stepAbort?.abort(new CodedError("interrupted", "The step was interrupted by a command."));
    this.#kick();
    await this.settled();
  }

  #kick(): void {
    if (this.#context === null || this.#stop.signal.aborted) return;
    const context = this.#context;
    this.#working ??= this.#drive(context)
      .catch((error: unknown) => {
        // Nothing more is done until the next boot, which finds the last durable arrow.
        this.#options.log.error("ota_stopped", { code: codeOf(error), error: String(error) });
      })
      .finally(() => {
        this.#working = null;
      });
  }

  async #drive(context: OtaContext): Promise<void> {
    while (this.#run !== null && !this.#stop.signal.aborted) {
      const run = this.#run;
      const interrupt = this.#interrupt;
      this.#interrupt = null;
      if (interrupt !== null) {
        const arrow = await this.#interruptOutcome(context, run, interrupt);
        if (arrow !== null) {
          await this.#take(run, arrow);
          continue;
        }
      }
      const step = stepOf(run.state);
      if (step === null) return;
      const work = await this.#attempt(context, run, step);
      if (work === null) continue;
      if ("hold" in work) {
        await this.#journal.note(work.hold);
        this.#run = work.hold;
      } else if ("done" in work) await this.#endGuard(work.done, work.isJudged);
      else await this.#take(run, work);
    }
  }

  async #interruptOutcome(
    context: OtaContext,
    run: OtaRun,
    interrupt: Interrupt,
  ): Promise<StepOutcome | null> {
    const { event, reason, target } = interrupt;
    if (isRefused(transition(run, event))) return null;
    if (isBeforeActive(run.state)) return { event, reason };
    return rollbackOutcome(context, run, {
      event,
      reason,
      patch: { isUnsafe: event === "emergency" },
      ...(target === undefined ? {} : { target }),
    });
  }

  /** Takes one arrow: stored first; then the run in memory is what is stored. */
  async #take(run: OtaRun, outcome: StepOutcome): Promise<void> {
    const stored = await this.#journal.arrow(run, outcome.event, await leaving(this.#intake, run, outcome));
    this.#run = isTerminal(stored.state) ? null : stored;
    if (stored.state === "safe_mode" && this.#context) {
      this.#context.running = null;
      await this.#context.runtime.host.safeMode(stored.reason ?? "rollback_failed");
    }
  }

  async #endGuard(run: OtaRun, isJudged: boolean): Promise<void> {
    const why = isJudged ? {} : { name: "ota_guard_unjudged" };
    const data: JsonObject = { ...why, runId: run.runId, candidate: run.candidate };
    const event = {
      kind: isJudged ? "kpi_regression_ok" : "alert",
      actor: "daemon",
      severity: isJudged ? "info" : "warn",
      data,
    } as const;
    const ops = await this.#slots.archive(run);
    await this.#options.committer.commit({ events: [event], ops }, { urgent: true });
    this.#run = null;
  }

  /** One step with its deadline. Null: interrupted or waiting, look again. */
  async #attempt(context: OtaContext, run: OtaRun, step: OtaStep): Promise<Work | null> {
    const { clock, log } = this.#options;
    this.#stepAbort = new AbortController();
    const signal = AbortSignal.any([this.#stop.signal, this.#stepAbort.signal]);
    try {
      if (isBeforeActive(run.state) && clock.trust() !== "trusted") {
        await clock.sleep(TRIAL_LIMITS.clockWaitMs, signal);
        return null;
      }
      if (step !== "hold" && step !== "guard") this.#watch = null;
      const parts: StepParts = {
        watch: () => {
          this.#watch ??= new TrialWatch(context);
          return this.#watch;
        },
        storeTarget: (next, pointer) => this.#storeTarget(next, pointer),
      };
      const base = STEP_DEADLINE_MS[step];
      const extra = step === "probe" ? run.settings.probe.windowMs : 0;
      const deadline = base === null ? null : base + extra;
      return await within(clock, deadline, signal, (inner) => performStep(context, run, step, parts, inner));
    } catch (error) {
      if (signal.aborted) return null;
      const code = codeOf(error);
      if (code === "ledger_unavailable" || code.startsWith("store_")) throw error;
      log.error("ota_step_failed", { step, code, error: String(error) });
      if (code === "timeout") return { event: "timeout" };
      return step === "guard" ? { hold: run } : { event: `${step}_fail`, reason: code };
    } finally {
      this.#stepAbort = null;
    }
  }

  async #storeTarget(run: OtaRun, pointer: Pointer): Promise<void> {
    const ops = [this.#slots.putPointer(pointer), this.#slots.putCurrent(run)];
    await this.#options.committer.commit({ events: [], ops }, { urgent: true });
    this.#run = run;
  }
}
