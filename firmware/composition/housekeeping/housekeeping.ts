/** What a device does for its own memory while it runs: retention every hour, the whole log verified once a day. */
import { codeOf } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { DISK_LIMITS, RETENTION_LIMITS } from "../../core/limits.ts";
import type { LogRetained, LogRetention, LogRetentionLimits, LogWatch } from "../../ledger/index.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Entropy } from "../../ports/entropy.ts";
import type { Log } from "../../ports/log.ts";
import type { RunRetention, RunRetentionLimits, RunsRetained } from "../../runs/index.ts";
import { paced } from "./pace.ts";

export interface HousekeepingParts {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly log: Log;
  readonly logRetention: LogRetention;
  readonly runRetention: RunRetention;
  readonly watch: LogWatch;
  /** Wall ms of the last entry: what counts while the clock is not trusted, so that a wrong year prunes nothing. */
  readonly lastEntryMs: () => number;
  readonly logLimits: () => LogRetentionLimits;
  readonly runLimits: () => RunRetentionLimits;
  /** Gives the bytes of deleted rows back to the disk; null where the store does so by itself. */
  readonly compact: (() => Promise<void>) | null;
  /** Keeps the last checkpoint outside of the database. */
  readonly keepCheckpoint: () => Promise<void>;
  readonly onProblem: (code: string, details: JsonObject) => void;
}

export interface HousekeepingRound {
  /** Wall ms. */
  readonly at: number;
  readonly log: LogRetained;
  readonly runs: RunsRetained;
}

export class Housekeeping implements AsyncDisposable {
  readonly #parts: HousekeepingParts;
  readonly #stopped = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  /** Rounds come one after another, whoever asks for them. */
  #turn: Promise<unknown> = Promise.resolve();
  #last: HousekeepingRound | null = null;

  constructor(parts: HousekeepingParts) {
    this.#parts = parts;
  }

  get last(): HousekeepingRound | null {
    return this.#last;
  }

  start(): void {
    this.#loop = this.#run();
  }

  async #run(): Promise<void> {
    const { clock, entropy } = this.#parts;
    const { signal } = this.#stopped;
    let waitMs: number = entropy.below(RETENTION_LIMITS.firstWithinMs);
    while (!signal.aborted) {
      await clock.sleep(waitMs, signal).catch(() => undefined);
      if (signal.aborted) return;
      waitMs = RETENTION_LIMITS.everyMs;
      await this.#guarded("retention_failed", () => this.round());
      await this.#guarded("ledger_check_failed", () => this.#verifyIfDue());
      await this.#guarded("last_checkpoint_failed", () => this.#parts.keepCheckpoint());
    }
  }

  async #guarded(code: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (this.#stopped.signal.aborted) return;
      this.#parts.log.error(code, { cause: codeOf(error) });
      this.#parts.onProblem(code, { cause: codeOf(error) });
    }
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  #nowMs(): number {
    const { clock, lastEntryMs } = this.#parts;
    return clock.trust() === "trusted" ? clock.wallMs() : Math.min(clock.wallMs(), lastEntryMs());
  }

  /**
   * One round of retention.
   * @param change limits of this round alone: what an operator orders, or a disk that gets short.
   * @throws CodedError `store_corrupt`, storage codes; the abort of a daemon that stops.
   */
  round(change: Partial<LogRetentionLimits> = {}): Promise<HousekeepingRound> {
    return this.#exclusively(async () => {
      const { clock, log, logRetention, runRetention, logLimits, runLimits } = this.#parts;
      const breathe = paced(clock, this.#stopped.signal);
      const nowMs = this.#nowMs();
      const limits = { ...logLimits(), ...change };
      const retained = await logRetention.round(limits, nowMs, breathe);
      const runs = await runRetention.round(runLimits(), nowMs, breathe);
      this.#last = { at: clock.wallMs(), log: retained, runs };
      if (retained.pruned + runs.records + runs.envelopes + runs.blobs > 0)
        log.info("retention", { pruned: retained.pruned, records: runs.records, blobs: runs.blobs });
      return this.#last;
    });
  }

  /** As much as may go: whatever is older than the least that is always kept, and what nothing names. Never rejects. */
  async relieve(): Promise<void> {
    await this.#guarded("retention_failed", () => this.round({ maxBytes: DISK_LIMITS.relievedLogBytes }));
    await this.#guarded("retention_failed", async () => this.#parts.compact?.());
  }

  async #verifyIfDue(): Promise<void> {
    const { watch } = this.#parts;
    const last = await watch.lastMs();
    const nowMs = this.#nowMs();
    if (last !== null && nowMs - last < RETENTION_LIMITS.verifyMs) return;
    await this.verify();
  }

  /** Verifies the whole log, or goes on where the last verification was interrupted; a damage is a critical alert. */
  verify(): Promise<boolean> {
    return this.#exclusively(async () => {
      const { watch, clock, onProblem } = this.#parts;
      const breathe = paced(clock, this.#stopped.signal);
      const { ok, firstBad, reason, entries } = await watch.verify(this.#nowMs(), breathe);
      if (!ok) onProblem("ledger_bad", { firstBad, reason, entries });
      return ok;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort(new Error("the daemon stops"));
    await this.#loop;
    await this.#turn;
  }
}
