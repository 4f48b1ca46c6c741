/**
 * One run of a verified program: resumable, deterministic, metered (vm.md 7, 9). It reads no clock and does no I/O;
 * what the program does not determine comes in through the methods here and is written to the journal.
 */
import { canonicalize } from "../core/canonical-json.ts";
import type { Json, JsonObject } from "../core/json.ts";
import { SCHEDULER_LIMITS } from "../core/limits.ts";
import { CallAnswers, type CallEntry } from "./call-answers.ts";
import { meetContract } from "./contracts.ts";
import { lookUp } from "./evaluate.ts";
import { interpret } from "./interpreter.ts";
import { fromJson, tally } from "./json-values.ts";
import { type LoweredFrame, STRIDE } from "./lowered-program.ts";
import {
  type Completion,
  CUT_STATUS,
  type CutReason,
  type MachineError,
  type MachineOptions,
  type MachineResult,
  type MachineView,
  type SliceState,
} from "./machine-types.ts";
import { stackOf, viewOf } from "./machine-view.ts";
import { errorJson, type MachineRequest, type Resumption, Run, Task } from "./run.ts";
import { pushJoined, pushJoinTimeout } from "./steps-control.ts";
import { hashesOf } from "./trace.ts";
import { callTrap, quotaError, Trap } from "./trap.ts";
import type { JournalEntry, Limits, Metrics, Outcome, ProgramClaim } from "./types.ts";
import { unwind } from "./unwind.ts";
import { utf8Length, type Value } from "./values.ts";
import type { VerifiedProgram } from "./verify.ts";

/** Steps of one dispatch before the task goes to the back of the queue (vm.md 9.1). */
export const TURN_STEPS = SCHEDULER_LIMITS.turnSteps;
/** Instructions between two looks at the pause function of a slice. */
const PAUSE_CHECK_STEPS = 64;

export class Machine {
  readonly program: VerifiedProgram;
  readonly #options: MachineOptions;
  readonly #run: Run;
  readonly #answers: CallAnswers;
  readonly #tasks = new Map<number, Task>();
  readonly #ready: Task[] = [];
  readonly #completions: Completion[] = [];
  readonly #journal: JournalEntry[] = [];
  readonly #main: Task;
  #current: Task | null = null;
  #turn = 0;
  #turnEnd = 0;
  #alive = 0;
  #peakTasks = 0;
  #result: MachineResult | null = null;

  constructor(program: VerifiedProgram, options: MachineOptions) {
    this.program = program;
    const { payload, response } = program.document;
    if ((payload ?? response) !== undefined && options.checkSchema === undefined) {
      throw new Error("A document with a contract needs a schema check.");
    }
    this.#options = options;
    this.#answers = new CallAnswers(options.limits);
    const sources = { payload: options.payload, trigger: options.trigger };
    const inputs = program.lowered.inputs.map(({ of, path }) => lookUp(sources[of], path));
    this.#run = new Run(program.lowered, program.document, options.limits, inputs, {
      elapsedMs: (task) => this.#elapsed(task),
      spawn: (parent, frame) => this.#spawn(parent, frame),
      task: (id) => this.#tasks.get(id),
    });
    const frame = program.lowered.frames[0];
    if (frame === undefined) throw new Error("A verified program has a main frame.");
    this.#main = new Task(0, null, frame);
    this.#tasks.set(0, this.#main);
    this.#ready.push(this.#main);
    this.#begin(frame);
  }

  get result(): MachineResult | null {
    return this.#result;
  }

  get limits(): Limits {
    return this.#options.limits;
  }

  get steps(): number {
    return this.#run.steps;
  }

  /** Model memory in use now; `metrics.memBytes` is the highest value. */
  get memoryBytes(): number {
    return this.#run.memory;
  }

  /** Requests made since the last call, in order. The host answers with `complete`. */
  takeRequests(): readonly MachineRequest[] {
    return this.#run.requests.splice(0);
  }

  /** Requests that are still waited for, by id. */
  waitingFor(id: number): MachineRequest | null {
    for (const task of this.#tasks.values()) if (task.waiting?.id === id) return task.waiting;
    return null;
  }

  /** The request a task waits for, null if it waits for none. */
  waitingOf(task: number): MachineRequest | null {
    return this.#tasks.get(task)?.waiting ?? null;
  }

  /** Hands in a completion; it is taken between turns, in the order handed in. One that is stale is ignored. */
  complete(completion: Completion): void {
    this.#completions.push(completion);
  }

  /** The stack of the task that runs, as JSON; for diagnosis. */
  peekStack(): readonly Json[] {
    return stackOf(this.#current ?? this.#main);
  }

  /** The task that runs, or the one that runs next, directly before its next instruction; null if all wait. */
  inspect(): MachineView | null {
    const task = this.#current ?? this.#ready[0];
    if (task === undefined) return null;
    return viewOf(this.#run, task, this.#turn, this.#place(task));
  }

  /**
   * Runs at most `maxSteps` steps, or until `pause` says so (asked every 64 steps). It stops directly before an
   * instruction that costs a step, so that a cut at a step count names one state only.
   */
  runSlice(maxSteps: number, pause?: () => boolean): SliceState {
    const sliceEnd = this.#run.steps + maxSteps;
    for (;;) {
      if (this.#result !== null) return "ended";
      const task = this.#current ?? this.#dispatch();
      if (this.#result !== null) return "ended";
      if (task === null) return "waiting";
      if (task.state !== "ready") {
        this.#leaveTurn(task);
        continue;
      }
      const checkAt = pause ? this.#run.steps + PAUSE_CHECK_STEPS : Number.MAX_SAFE_INTEGER;
      this.#run.stopAt = Math.min(this.#turnEnd, sliceEnd, checkAt, this.#options.limits.cpuSteps);
      this.#guarded(task, () => interpret(this.#run, task));
      if (this.#result !== null) return "ended";
      if (task.state !== "ready" || this.#run.steps >= this.#turnEnd) this.#leaveTurn(task);
      else if (this.#run.steps >= this.#options.limits.cpuSteps) this.#exhausted(task);
      else if (this.#run.steps >= sliceEnd || pause?.() === true) return "ready";
    }
  }

  /** Ends the run from outside after exactly the steps used so far. `wall_exceeded` is a quota error. */
  cut(reason: CutReason, details: JsonObject = {}): MachineResult {
    if (this.#result !== null) return this.#result;
    this.#journal.push({ t: "cut", reason, steps: this.#run.steps });
    const code = reason === "wall_exceeded" ? "quota_exceeded" : "run_cut";
    const trap = new Trap(code, reason, CUT_STATUS[reason], details, false);
    return this.#end(reason === "wall_exceeded" ? "failed" : "cut", trap, this.#current);
  }

  /** A fault of the runtime, not of the program: `vm_internal`, alert, safe states. */
  abandon(): MachineResult {
    const trap = new Trap("vm_internal", "vm_internal", 500, {}, false);
    return this.#result ?? this.#end("failed", trap, this.#current);
  }

  /** Charges the main frame and judges the payload before the first step. */
  #begin(frame: LoweredFrame): void {
    const { payload, limits, checkSchema, entryStack } = this.#options;
    for (const item of entryStack ?? []) this.#main.push(fromJson(item, tally(limits.valueBytes)));
    this.#guarded(this.#main, () => {
      const size = utf8Length(canonicalize(payload));
      if (size > limits.inputBytes) {
        const code = "payload_too_large";
        throw new Trap(code, code, 400, { limit: limits.inputBytes, got: size }, false);
      }
      meetContract("payload", this.program.document.payload, payload, checkSchema);
      this.#run.allocate(frame.bytes);
    });
  }

  #elapsed(task: number): number {
    const value = this.#options.inputs.elapsedMs(task);
    this.#journal.push({ t: "elapsed", task, value });
    return value;
  }

  #spawn(parent: Task, frame: LoweredFrame): Task {
    const limit = this.#options.limits.tasks;
    if (this.#alive >= limit) throw quotaError("tasks_exceeded", limit, this.#alive, 1);
    const task = new Task(this.#tasks.size, parent, frame);
    this.#tasks.set(task.id, task);
    this.#ready.push(task);
    this.#alive++;
    this.#peakTasks = Math.max(this.#peakTasks, this.#alive);
    return task;
  }

  /** Begins the next turn: completions first, then the first ready task. */
  #dispatch(): Task | null {
    const taken = this.#options.inputs.take?.(this.#turn + 1, this) ?? this.#completions.splice(0);
    for (const completion of taken) this.#accept(completion);
    const task = this.#ready.shift();
    if (task === undefined) return null;
    this.#turn++;
    this.#turnEnd = this.#run.steps + TURN_STEPS;
    this.#current = task;
    const { resumption } = task;
    task.resumption = null;
    if (resumption !== null) this.#guarded(task, () => this.#resume(task, resumption));
    return task;
  }

  #leaveTurn(task: Task): void {
    this.#current = null;
    if (task.state === "ready") this.#ready.push(task);
  }

  #accept(completion: Completion): void {
    const waiting = this.waitingFor(completion.request);
    const task = waiting === null ? undefined : this.#tasks.get(waiting.task);
    if (waiting === null || task === undefined || task.state !== "blocked") return;
    if ((completion.kind === "call") !== (waiting.kind === "call")) return;
    const turn = this.#turn + 1;
    if (completion.kind === "call" && waiting.kind === "call") {
      const entry = this.#answers.enter(waiting, completion.answer, turn);
      this.#journal.push(entry);
      this.#wake(task, { kind: "call", entry });
    } else {
      this.#journal.push({ t: "wake", turn, task: task.id });
      if (task.joining) task.joining.joiners.splice(task.joining.joiners.indexOf(task), 1);
      this.#wake(task, waiting.kind === "join_timeout" ? { kind: "join_timeout" } : { kind: "wake" });
    }
  }

  #wake(task: Task, resumption: Resumption): void {
    task.waiting = null;
    task.state = "ready";
    task.resumption = resumption;
    this.#ready.push(task);
  }

  #resume(task: Task, resumption: Resumption): void {
    if (resumption.kind === "join" && task.joining) pushJoined(this.#run, task, task.joining);
    else if (resumption.kind === "join_timeout") pushJoinTimeout(this.#run, task);
    else if (resumption.kind === "call") this.#resumeCall(task, resumption.entry);
    task.joining = null;
    task.pc += STRIDE;
  }

  #resumeCall(task: Task, entry: CallEntry): void {
    const run = this.#run;
    const slot = (run.program.code[task.pc + 2] as number) - 1;
    const value = entry.ok ? this.#received(entry.result ?? null) : null;
    if (slot >= 0) task.register(slot, this.#received(entry.evidence));
    if (entry.error) throw callTrap(entry.error);
    task.push(value);
  }

  /** A value from outside: its texts are new, so they are charged too. */
  #received(json: Json): Value {
    const into = tally(this.#run.limits.valueBytes, true);
    const value = fromJson(json, into);
    this.#run.work(into.bytes);
    this.#run.allocate(into.bytes);
    return value;
  }

  /** Runs program work; a failure goes to the innermost handler, or ends the task. */
  #guarded(task: Task, work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof Trap)) throw error;
      this.#fail(task, error);
    }
    if (task.state === "ended" && this.#result === null) this.#taskEnded(task);
  }

  #fail(task: Task, trap: Trap): void {
    task.joining = null;
    if (!trap.catchable) return void this.#end("failed", trap, task);
    const at = this.#place(task);
    if (unwind(this.#run, task)) {
      try {
        const into = tally(Number.MAX_SAFE_INTEGER, true);
        const object = fromJson(errorJson(trap), into);
        this.#run.work(into.bytes);
        this.#run.allocate(into.bytes);
        task.push(object);
      } catch (error) {
        if (!(error instanceof Trap)) throw error;
        this.#end("failed", error, task);
      }
      return;
    }
    if (task.parent === null) return void this.#end("failed", trap, task, at);
    const { code, reason, status, details } = trap;
    task.state = "ended";
    task.result = { kind: "failed", error: { code, reason, status, details } };
  }

  #exhausted(task: Task): void {
    const { cpuSteps } = this.#options.limits;
    this.#end("failed", quotaError("cpu_steps_exceeded", cpuSteps, this.#run.steps, 1), task);
  }

  #taskEnded(task: Task): void {
    if (task === this.#main) {
      this.#mainEnded(task);
      return;
    }
    this.#alive--;
    this.#run.free(task.saved.reduce((sum, saved) => sum + saved.frame.bytes, task.frame.bytes));
    task.saved.length = 0;
    task.memory.length = 0;
    for (const joiner of task.joiners.splice(0)) this.#wake(joiner, { kind: "join" });
  }

  #mainEnded(task: Task): void {
    const { result } = task;
    if (result?.kind !== "responded") return void this.#end("halted", null, task);
    try {
      const schema = this.program.document.response;
      meetContract("response", schema, result.body, this.#options.checkSchema);
    } catch (error) {
      if (!(error instanceof Trap)) throw error;
      return void this.#end("failed", error, task);
    }
    this.#end("responded", null, task);
  }

  #place(task: Task | null): MachineError["at"] {
    if (task === null) return null;
    return this.program.lowered.places[task.pc / STRIDE] ?? null;
  }

  #end(
    ended: MachineResult["ended"],
    trap: Trap | null,
    task: Task | null,
    at: MachineError["at"] = this.#place(task),
  ): MachineResult {
    const { limits, payload, trigger } = this.#options;
    const responded =
      ended === "responded" && this.#main.result?.kind === "responded" ? this.#main.result : null;
    const status = trap?.status ?? responded?.status ?? 200;
    const claims: readonly ProgramClaim[] = [...this.#main.claims.values()];
    const outcome: Outcome = {
      status,
      body: responded?.body ?? null,
      claims,
      effects: [...this.#answers.effects],
      error: trap === null ? null : { code: trap.code, reason: trap.reason },
    };
    const journal = [...this.#journal];
    this.#result = {
      ended,
      status,
      outcome,
      journal,
      limits,
      payload,
      trigger,
      metrics: this.#metrics(),
      error:
        trap === null
          ? null
          : { code: trap.code, reason: trap.reason, status: trap.status, details: trap.details, at },
      programHash: this.program.programHash,
      ...hashesOf({ journal, limits, payload, trigger }, outcome),
    };
    return this.#result;
  }

  #metrics(): Metrics {
    const run = this.#run;
    return {
      cpuSteps: run.steps,
      memBytes: run.memoryPeak,
      memKb: Math.ceil(run.memoryPeak / 1024),
      ioCalls: run.ioCalls,
      sleptMs: run.sleptMs,
      wallMs: 0,
      tasks: this.#peakTasks,
      claims: run.claims,
      outputBytes: run.outputBytes,
      ioReadBytes: this.#answers.readBytes,
      ioWriteBytes: this.#answers.writtenBytes,
      netOutBytes: this.#answers.netBytes,
      refusals: this.#answers.refusals,
      phiChargedMilli: 0,
    };
  }
}

/** A machine before its first step. A payload that is refused gives one that has already ended. */
export const createMachine = (program: VerifiedProgram, options: MachineOptions): Machine =>
  new Machine(program, options);
