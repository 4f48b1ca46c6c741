/** Every arrow of an update: its ledger entry and all its rows in one synced batch, before its effect (rollout.md 1). */

import { CodedError } from "../firmware/core/errors.ts";
import type { JsonObject } from "../firmware/core/json.ts";
import { TRIAL_LIMITS } from "../firmware/core/limits.ts";
import type { LedgerEvent, Severity } from "../firmware/ledger/types.ts";
import type { Clock } from "../firmware/ports/clock.ts";
import type { StoreOp } from "../firmware/ports/store.ts";
import { decisionEvents } from "./decision.ts";
import { isRefused, isTerminal, type OtaEvent, transition } from "./machine.ts";
import type { Committer } from "./ports.ts";
import type { OtaRun } from "./run.ts";
import type { Slots } from "./slots.ts";

const ACTOR = "daemon";

/** What listeners hear of an arrow after it is durable. */
export interface OtaNotice {
  readonly runId: string;
  readonly releaseId: string;
  readonly candidate: string;
  readonly state: string;
  readonly reason: string | null;
  readonly to: string | null;
}

export interface ArrowChange {
  readonly reason?: string;
  readonly patch?: Partial<OtaRun>;
  readonly ops?: readonly StoreOp[];
  readonly data?: JsonObject;
}

const severityOf = (state: string): Severity =>
  state === "safe_mode" ? "critical" : state === "rolling_back" || state === "rolled_back" ? "warn" : "info";

export interface JournalParts {
  readonly slots: Slots;
  readonly committer: Committer;
  readonly clock: Clock;
  readonly onEvent: (notice: OtaNotice) => void;
}

/** Writes arrows. Nothing is believed to have happened before its batch is durable. */
export class OtaJournal {
  readonly #parts: JournalParts;

  constructor(parts: JournalParts) {
    this.#parts = parts;
  }

  /** @throws CodedError `invalid_transition` (409), `ledger_unavailable`. */
  async arrow(run: OtaRun, event: OtaEvent, change: ArrowChange = {}): Promise<OtaRun> {
    const { reason } = change;
    const progress = transition(run, event, {
      ...(reason === undefined ? {} : { reason: reason.slice(0, TRIAL_LIMITS.reasonCharacters) }),
      maxTrialRestarts: run.settings.maxTrialRestarts,
    });
    if (isRefused(progress) || progress.state === null) {
      throw new CodedError("invalid_transition", `An update in state ${run.state} knows no ${event}.`, {
        status: 409,
        details: { state: run.state, event },
      });
    }
    const enteredAt = this.#parts.clock.wallMs();
    const { state, trialRestarts } = progress;
    const next: OtaRun = {
      ...run,
      ...change.patch,
      state,
      trialRestarts,
      reason: progress.reason,
      enteredAt,
    };
    await this.write(next, change, decisionEvents(run, change.patch));
    return next;
  }

  /** Stores a run with the entry of the state it has entered, behind the verdicts that led there. */
  async write(run: OtaRun, change: ArrowChange = {}, verdicts: readonly LedgerEvent[] = []): Promise<void> {
    const { slots, committer, onEvent } = this.#parts;
    const rows = isTerminal(run.state) ? await slots.archive(run) : [slots.putCurrent(run)];
    const event: LedgerEvent = {
      kind: `policy_${run.state}`,
      actor: ACTOR,
      severity: severityOf(run.state),
      data: {
        kind: run.kind,
        runId: run.runId,
        releaseId: run.releaseId,
        version: run.version,
        candidate: run.candidate,
        from: run.from,
        ...(run.reason === null ? {} : { reason: run.reason }),
        ...(run.state === "rolling_back" || run.state === "rolled_back" ? { to: run.to } : {}),
        ...change.data,
      },
    };
    // Safe mode has no entry of its own here: the daemon's `safe_mode_enter` names the reason.
    const entry = run.state === "safe_mode" ? { ...event, kind: "safe_mode_enter" } : event;
    const events = [...verdicts, entry];
    await committer.commit({ events, ops: [...(change.ops ?? []), ...rows] }, { urgent: true });
    const { runId, releaseId, candidate, state, reason, to } = run;
    onEvent({ runId, releaseId, candidate, state, reason, to });
  }

  /** Keeps figures of a run that made no arrow, for example its held time. */
  async note(run: OtaRun, events: readonly LedgerEvent[] = []): Promise<void> {
    await this.#parts.committer.commit({ events, ops: [this.#parts.slots.putCurrent(run)] });
  }
}
