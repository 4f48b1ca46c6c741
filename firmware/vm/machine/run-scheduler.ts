/**
 * Runs machines side by side without holding the event loop (vm.md 9): one slice of at most 2000 steps or 2 ms, then
 * the loop gets its turn. Guarantees: at most `maxRuns` at once, the rest in trigger order up to `maxWaiting`; a run
 * ends at its wall limit; stopping aborts outstanding calls and waits at most 250 ms for them.
 */
import { type Refusal, refusal } from "../../core/errors.ts";
import { SCHEDULER_LIMITS } from "../../core/limits.ts";
import type { Clock, Timer } from "../../ports/clock.ts";
import type { Machine } from "./machine.ts";
import {
  type CallAnswer,
  type CutReason,
  isCutReason,
  type MachineInputs,
  type MachineResult,
} from "./machine-types.ts";
import type { MachineRequest } from "./run.ts";

export const SLICE_STEPS = SCHEDULER_LIMITS.sliceSteps;
export const SLICE_MS = SCHEDULER_LIMITS.sliceMs;
export const STOP_WAIT_MS = SCHEDULER_LIMITS.stopWaitMs;
export const MAX_RUNS = SCHEDULER_LIMITS.runs;
export const MAX_WAITING = SCHEDULER_LIMITS.waiting;

export type CallRequest = MachineRequest & { readonly kind: "call" };

/** Executes capability calls. A rejection is a fault of the runtime and ends the run with `vm_internal`. */
export interface CallHost {
  call(request: CallRequest, signal: AbortSignal): Promise<CallAnswer>;
}

export interface RunSchedulerOptions {
  readonly clock: Clock;
  /** `vm.maxRuns`, default 16. */
  readonly maxRuns?: number;
  /** Default 256. */
  readonly maxWaiting?: number;
  /** A fault of the runtime, with its cause; the run has ended as `vm_internal`. */
  readonly onFault: (error: unknown) => void;
}

export type RunAnswer = { readonly ok: true; readonly result: MachineResult } | Refusal;

/** Makes the machine when its turn comes; elapsed time counts from the first slice. */
export type MachineFactory = (inputs: MachineInputs) => Machine;

interface ActiveRun {
  readonly machine: Machine;
  readonly host: CallHost;
  readonly startedAt: number;
  readonly wallMs: number;
  readonly abort: AbortController;
  readonly timers: Set<Timer>;
  readonly outstanding: Set<Promise<void>>;
  queued: boolean;
  readonly finish: (result: MachineResult) => void;
}

/** The reason a signal was aborted with, if it is one of vm.md 5. */
const cutReasonOf = (signal: AbortSignal): CutReason => {
  const reason: unknown = signal.reason;
  return typeof reason === "string" && isCutReason(reason) ? reason : "cancelled_by_operator";
};

export class RunScheduler {
  readonly #clock: Clock;
  readonly #maxRuns: number;
  readonly #maxWaiting: number;
  readonly #onFault: (error: unknown) => void;
  readonly #queue: ActiveRun[] = [];
  readonly #waiting: (() => void)[] = [];
  #active = 0;
  #pumping = false;

  constructor(options: RunSchedulerOptions) {
    this.#clock = options.clock;
    this.#maxRuns = options.maxRuns ?? MAX_RUNS;
    this.#maxWaiting = options.maxWaiting ?? MAX_WAITING;
    this.#onFault = options.onFault;
  }

  get activeRuns(): number {
    return this.#active;
  }

  get waitingRuns(): number {
    return this.#waiting.length;
  }

  /**
   * Runs to the end. Aborting the signal with a reason of vm.md 5 (`shutdown`, `overlap_restart`, …) cuts the run.
   * Answers `concurrency_exceeded` (429) when the waiting line is full.
   */
  async run(create: MachineFactory, host: CallHost, signal: AbortSignal): Promise<RunAnswer> {
    if (this.#active >= this.#maxRuns) {
      if (this.#waiting.length >= this.#maxWaiting) {
        return refusal("concurrency_exceeded", 429, { why: "queue_full" });
      }
      await this.#turn(signal);
    } else this.#active++;
    try {
      return { ok: true, result: await this.#execute(create, host, signal) };
    } finally {
      this.#active--;
      this.#admit();
    }
  }

  /** Waits for a free place, or for the abort; either way the place is counted when it resolves. */
  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const admit = (): void => {
        signal.removeEventListener("abort", leave);
        this.#active++;
        resolve();
      };
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(admit), 1);
        admit();
      };
      this.#waiting.push(admit);
      signal.addEventListener("abort", leave, { once: true });
      if (signal.aborted) leave();
    });
  }

  #admit(): void {
    while (this.#active < this.#maxRuns) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      next();
    }
  }

  async #execute(create: MachineFactory, host: CallHost, signal: AbortSignal): Promise<MachineResult> {
    const startedAt = this.#clock.monoMs();
    const machine = create({ elapsedMs: () => Math.floor(this.#clock.monoMs() - startedAt) });
    const abort = new AbortController();
    const timers = new Set<Timer>();
    const outstanding = new Set<Promise<void>>();
    const { wallMs } = machine.limits;
    let cut = (): void => undefined;
    const result = await new Promise<MachineResult>((finish) => {
      const run = { machine, host, startedAt, wallMs, abort, timers, outstanding, queued: false, finish };
      cut = () => finish(machine.cut(cutReasonOf(signal)));
      if (signal.aborted) return cut();
      signal.addEventListener("abort", cut, { once: true });
      timers.add(this.#clock.after(wallMs + 1, () => this.#checkWall(run)));
      this.#enqueue(run);
    });
    signal.removeEventListener("abort", cut);
    // Without a call on its way nobody listens.
    if (outstanding.size > 0) abort.abort(result.ended);
    for (const timer of timers) timer.cancel();
    await this.#settle(outstanding);
    const wall = Math.floor(this.#clock.monoMs() - startedAt);
    return result.withWall(wall);
  }

  /** Gives aborted calls 250 ms; one that ignores its signal is left behind. */
  async #settle(outstanding: ReadonlySet<Promise<void>>): Promise<void> {
    if (outstanding.size === 0) return;
    const stop = new AbortController();
    const timeout = this.#clock.sleep(STOP_WAIT_MS, stop.signal).catch((error: unknown) => {
      if (!stop.signal.aborted) throw error;
    });
    await Promise.race([Promise.all(outstanding), timeout]);
    stop.abort();
    await timeout;
  }

  #checkWall(run: ActiveRun): boolean {
    const used = Math.floor(this.#clock.monoMs() - run.startedAt);
    if (used <= run.wallMs) return false;
    run.finish(run.machine.cut("wall_exceeded", { limit: run.wallMs, used, needed: 0 }));
    return true;
  }

  #enqueue(run: ActiveRun): void {
    if (run.queued || run.machine.result !== null) return;
    run.queued = true;
    this.#queue.push(run);
    if (!this.#pumping) {
      this.#pumping = true;
      this.#pump().catch(this.#onFault);
    }
  }

  async #pump(): Promise<void> {
    try {
      for (let run = this.#queue.shift(); run !== undefined; run = this.#queue.shift()) {
        run.queued = false;
        this.#slice(run);
        await this.#clock.yield();
      }
    } finally {
      this.#pumping = false;
    }
  }

  #slice(run: ActiveRun): void {
    const { machine } = run;
    if (machine.result !== null || this.#checkWall(run)) return;
    const until = this.#clock.monoMs() + SLICE_MS;
    try {
      const state = machine.runSlice(SLICE_STEPS, () => this.#clock.monoMs() >= until);
      for (const request of machine.takeRequests()) this.#serve(run, request);
      if (state === "ready") this.#enqueue(run);
    } catch (error) {
      this.#onFault(error);
      machine.abandon();
    }
    if (machine.result !== null) run.finish(machine.result);
  }

  #serve(run: ActiveRun, request: MachineRequest): void {
    if (run.machine.result !== null) return;
    if (request.kind === "call") {
      const served = this.#call(run, request).finally(() => run.outstanding.delete(served));
      run.outstanding.add(served);
      return;
    }
    const timer = this.#clock.after(request.ms, () => {
      run.timers.delete(timer);
      if (this.#checkWall(run)) return;
      run.machine.complete({ kind: "wake", request: request.id });
      this.#enqueue(run);
    });
    run.timers.add(timer);
  }

  async #call(run: ActiveRun, request: CallRequest): Promise<void> {
    let answer: CallAnswer;
    try {
      answer = await run.host.call(request, run.abort.signal);
    } catch (error) {
      if (run.abort.signal.aborted) return;
      this.#onFault(error);
      const code = "vm_internal";
      answer = { ok: false, error: { code, reason: code, status: 500, details: {} }, evidence: [] };
    }
    run.machine.complete({ kind: "call", request: request.id, answer });
    this.#enqueue(run);
  }
}
