/** Starts runs, keeps overlaps apart, and lets a new release take over between runs, never inside one. */
import { canonicalize } from "../core/canonical-json.ts";
import { CodedError, codeOf, type Refusal, refusal } from "../core/errors.ts";
import { hashJson } from "../core/hash.ts";
import type { JsonObject } from "../core/json.ts";
import { RUN_LIMITS } from "../core/limits.ts";
import { shortText } from "../core/short-text.ts";
import type { LedgerEvent, LedgerWriter } from "../ledger/types.ts";
import type { Clock } from "../ports/clock.ts";
import type { Entropy } from "../ports/entropy.ts";
import type { Log } from "../ports/log.ts";
import type { StoreOp } from "../ports/store.ts";
import { admit, type ContractCheck } from "./admission.ts";
import { type ExecutionParts, RunExecution, type RunReport } from "./execution.ts";
import { type ReleaseSet, subjectOf } from "./program-set.ts";
import { RightsMemo } from "./rights-memo.ts";
import { newRunId } from "./run-id.ts";

export interface RunRequest {
  readonly program: string;
  readonly trigger: JsonObject;
  readonly payload?: JsonObject;
  readonly dry?: boolean;
  /** Changes of the trigger's own state, durable in the same batch as the run it starts. */
  readonly ops?: readonly StoreOp[];
}

export type RunResult =
  | { readonly ok: true; readonly runId: string; readonly report: RunReport }
  | (Refusal & { readonly runId: string });

export interface RunServiceOptions extends ExecutionParts {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly ledger: LedgerWriter;
  readonly log: Log;
  readonly checkContract: ContractCheck;
  readonly set: ReleaseSet;
  /** Why nothing may start now, whatever it is: a run that could not be recorded. It is counted there and not recorded. */
  readonly refuseRun?: () => Refusal | null;
  /** Told of every run that ended and of every trigger that was refused. */
  readonly onRun: (result: RunResult, request: RunRequest) => void;
}

interface Running {
  readonly abort: AbortController;
  readonly done: Promise<RunResult>;
}

interface Lane {
  running: Running | null;
  queued: (() => void) | null;
  missed: number;
}

/** What has no canonical form can be neither hashed nor recorded: it is refused, and the record leaves it out. */
function notCanonical({ payload, trigger }: RunRequest): Refusal | null {
  try {
    canonicalize({ payload: payload ?? null, trigger });
    return null;
  } catch (error) {
    if (error instanceof CodedError) return refusal(error.code, error.status, error.details);
    throw error;
  }
}

export class RunService implements AsyncDisposable {
  readonly #options: RunServiceOptions;
  readonly #lanes = new Map<string, Lane>();
  readonly #active = new Set<Running>();
  readonly #rights = new RightsMemo();
  #set: ReleaseSet;
  #admitting = true;

  constructor(options: RunServiceOptions) {
    this.#options = options;
    this.#set = options.set;
  }

  /** What new runs will run under. */
  get set(): ReleaseSet {
    return this.#set;
  }

  get running(): number {
    return this.#active.size;
  }

  /** Triggers that found their program still running, by program. */
  missed(program: string): number {
    return this.#lanes.get(program)?.missed ?? 0;
  }

  /** Admits and runs. Refusals are values and recorded; the promise rejects only for faults of the daemon itself. */
  async start(request: RunRequest): Promise<RunResult> {
    const result = await this.#start(request);
    this.#options.onRun(result, request);
    return result;
  }

  async #start(request: RunRequest): Promise<RunResult> {
    const runId = newRunId(this.#options.clock, this.#options.entropy);
    if (!this.#admitting) return this.#refused(runId, request, refusal("run_cut", 503, {}, "shutdown"));
    const blocked = request.dry ? null : (this.#options.refuseRun?.() ?? null);
    if (blocked) return { ...blocked, runId };
    const why = notCanonical(request);
    if (why) return this.#refused(runId, { ...request, payload: {}, trigger: {} }, why);
    const lane = this.#lane(request.program);
    // Looked at again after every wait: whoever waited beside this one may have taken the lane.
    while (lane.running && !request.dry) {
      const overlap = this.#set.programs.get(request.program)?.document.overlap ?? "skip";
      const waited = await this.#overlap(lane, overlap);
      if (!waited) {
        return { ...refusal("concurrency_exceeded", 429, { why: "overlap", overlap }), runId };
      }
    }
    return this.#run(runId, request, lane);
  }

  #lane(program: string): Lane {
    const known = this.#lanes.get(program);
    if (known) return known;
    const lane: Lane = { running: null, queued: null, missed: 0 };
    if (this.#set.programs.has(program)) this.#lanes.set(program, lane);
    return lane;
  }

  /** True when the trigger may go on: `queue` keeps at most one waiting, `restart` cuts the running one. */
  async #overlap(lane: Lane, overlap: "skip" | "queue" | "restart"): Promise<boolean> {
    if (overlap === "restart") {
      lane.running?.abort.abort("overlap_restart");
      await lane.running?.done;
      return this.#admitting;
    }
    if (overlap === "skip" || lane.queued) {
      lane.missed++;
      return false;
    }
    await new Promise<void>((resolve) => {
      lane.queued = resolve;
    });
    return this.#admitting;
  }

  async #run(runId: string, request: RunRequest, lane: Lane): Promise<RunResult> {
    const set = this.#set;
    const payload = request.payload ?? {};
    const dry = request.dry ?? false;
    const admitted = admit(set, request.program, payload, {
      check: this.#options.checkContract,
      count: !dry,
      memo: this.#rights,
    });
    if (!admitted.ok) return this.#refused(runId, request, admitted);
    const { trigger } = request;
    const execution = new RunExecution(this.#options, {
      ...admitted,
      runId,
      set,
      trigger,
      payload,
      dry,
      ops: request.ops ?? [],
    });
    const abort = new AbortController();
    const done = execution
      .execute(abort.signal)
      .then((done) => (done.ok ? { ...done, runId } : this.#refused(runId, request, done)))
      .catch((error: unknown) => this.#fault(runId, request, error));
    const running: Running = { abort, done };
    this.#active.add(running);
    if (!dry) lane.running = running;
    const result = await done;
    this.#active.delete(running);
    if (lane.running === running) lane.running = null;
    const { queued } = lane;
    lane.queued = null;
    queued?.();
    return result;
  }

  /** A run that cannot settle leaves nothing behind but safe outputs (vm.md 9.3). */
  async #fault(runId: string, request: RunRequest, error: unknown): Promise<RunResult> {
    this.#options.settle.discard(runId);
    const outputs = this.#set.programs.get(request.program)?.document.outputs ?? [];
    if (!request.dry) await this.#options.driveSafe(outputs, "store_unavailable");
    const code = error instanceof CodedError ? error.code : "vm_internal";
    this.#options.log.error("run_failed", { runId, program: request.program, code, error: String(error) });
    if (error instanceof CodedError) return { ...refusal(error.code, error.status, error.details), runId };
    return { ...refusal("vm_internal", 500, { program: request.program }), runId };
  }

  async #refused(runId: string, request: RunRequest, why: Refusal): Promise<RunResult> {
    const result = { ...why, runId };
    this.#options.settle.discard(runId);
    if (!request.dry && why.code !== "run_cut") {
      const event = {
        kind: "guard_refused",
        // A name that no program has is somebody's text and names nobody.
        actor: this.#set.programs.has(request.program) ? subjectOf(request.program) : "daemon",
        severity: "warn" as const,
        data: {
          effect: "run",
          program: shortText(request.program, RUN_LIMITS.nameCharacters),
          reason: why.reason,
          code: why.code,
          details: why.details,
          trigger: request.trigger,
          payloadHash: hashJson(request.payload ?? {}),
        },
        runId,
      };
      await this.#record(event, request);
    }
    return result;
  }

  /** A refusal stands whether or not it can be recorded; a ledger that cannot be written counts it and alerts. */
  async #record(event: LedgerEvent, { ops = [] }: RunRequest): Promise<void> {
    try {
      await this.#options.ledger.commit({ events: [event], ops });
    } catch (error) {
      this.#options.log.error("ledger_append_failed", { kind: event.kind, code: codeOf(error) });
    }
  }

  /** Ends admission, waits for running runs at most 10 s, then cuts what is left. */
  async drain(
    reason: "shutdown" | "overlap_restart" | "quarantined" = "shutdown",
    limitMs: number = RUN_LIMITS.drainMs,
  ): Promise<void> {
    this.#admitting = false;
    for (const lane of this.#lanes.values()) {
      lane.queued?.();
      lane.queued = null;
    }
    const all = Promise.all([...this.#active].map(({ done }) => done));
    const stop = new AbortController();
    const limit = this.#options.clock.sleep(limitMs, stop.signal).then(
      () => true,
      () => false,
    );
    const overdue = await Promise.race([all.then(() => false), limit]);
    stop.abort();
    if (!overdue) return;
    for (const { abort } of this.#active) abort.abort(reason);
    await all;
  }

  /** Puts another release in force for all runs that start from now on. */
  adopt(set: ReleaseSet): void {
    this.#set = set;
    for (const name of this.#lanes.keys()) if (!set.programs.has(name)) this.#lanes.delete(name);
    this.#admitting = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain("shutdown", 2000);
  }
}
