/**
 * One run of a verified program: resumable, deterministic, metered (vm.md 7, 9). It reads no clock and does no I/O;
 * what the program does not determine comes in through the methods here and is written to the journal.
 */
import { canonicalSize } from "../../core/canonical-size.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import { pushJoined, pushJoinTimeout } from "../steps/control.ts";
import { inputValue } from "../steps/evaluate.ts";
import type { Limits, Outcome } from "../types.ts";
import { fromJson, tally } from "../values/json-values.ts";
import type { Value } from "../values/values.ts";
import {
  type InputPath,
  type LoweredFrame,
  type LoweredProgram,
  type Place,
  STRIDE,
} from "../verifier/lowered-program.ts";
import type { VerifiedProgram } from "../verifier/verify.ts";
import { CallAnswers, type CallEntry } from "./call-answers.ts";
import { meetContract } from "./contracts.ts";
import { type Execute, executorOf } from "./executor.ts";
import { FinishedRun, metricsOf } from "./finished-run.ts";
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
import { errorJson, type MachineRequest, type Resumption, Run, Task, TURN_STEPS } from "./run.ts";
import { callTrap, quotaError, Trap } from "./trap.ts";
import { unwind } from "./unwind.ts";

/** A slow step of compiled code counts as so many more before the next look at the clock: one look in 64 of them. */
const PATIENCE = 15;

// Private by type, not by name: a machine is made for every run, and the engine is slow to set up private names.
export class Machine {
  readonly program: VerifiedProgram;
  private readonly options: MachineOptions;
  private readonly run: Run;
  private readonly execute: Execute;
  private readonly answers: CallAnswers;
  private readonly main: Task;
  private completions: Completion[] = [];
  private current: Task | null = null;
  private finished: FinishedRun | null = null;

  constructor(program: VerifiedProgram, options: MachineOptions) {
    this.program = program;
    const { document, lowered } = program;
    if ((document.payload ?? document.response) !== undefined && options.checkSchema === undefined) {
      throw new Error("A document with a contract needs a schema check.");
    }
    this.options = options;
    this.answers = new CallAnswers(options.limits);
    const frame = lowered.frames[0];
    if (frame === undefined) throw new Error("A verified program has a main frame.");
    this.main = new Task(0, null, frame);
    this.run = new Run(
      lowered,
      document,
      options.limits,
      this.main,
      inputsOf(lowered, options),
      options.inputs,
    );
    this.execute = executorOf(lowered, options.executor ?? "tiered");
    this.begin(frame);
  }

  get result(): MachineResult | null {
    return this.finished;
  }

  get limits(): Limits {
    return this.options.limits;
  }

  get steps(): number {
    return this.run.steps;
  }

  /** Model memory in use now; `metrics.memBytes` is the highest value. */
  get memoryBytes(): number {
    return this.run.memory;
  }

  /** Requests made since the last call, in order. The host answers with `complete`. */
  takeRequests(): readonly MachineRequest[] {
    return this.run.requests.splice(0);
  }

  /** Requests that are still waited for, by id. */
  waitingFor(id: number): MachineRequest | null {
    return this.run.tasks.find((task) => task.waiting?.id === id)?.waiting ?? null;
  }

  /** The request a task waits for, null if it waits for none. */
  waitingOf(task: number): MachineRequest | null {
    return this.run.tasks[task]?.waiting ?? null;
  }

  /** Hands in a completion; it is taken between turns, in the order handed in. One that is stale is ignored. */
  complete(completion: Completion): void {
    this.completions.push(completion);
  }

  /** The stack of the task that runs, as JSON; for diagnosis. */
  peekStack(): readonly Json[] {
    return stackOf(this.current ?? this.main);
  }

  /** Where the task that runs, or runs next, stands; null if all wait. A small part of `inspect`, at a small price. */
  get place(): Place | null {
    return this.placeOf(this.current ?? this.run.ready[0] ?? null);
  }

  /** The task that runs, or the one that runs next, directly before its next instruction; null if all wait. */
  inspect(): MachineView | null {
    const task = this.current ?? this.run.ready[0];
    return task === undefined ? null : viewOf(this.run, task, this.run.turn, this.placeOf(task));
  }

  /**
   * Runs at most `maxSteps` steps, or until `pause` says so (asked every few steps, see `Execute.pauseSteps`). It stops
   * directly before an instruction that costs a step, so that a cut at a step count names one state only.
   */
  runSlice(maxSteps: number, pause?: () => boolean): SliceState {
    const run = this.run;
    const { cpuSteps } = this.options.limits;
    const sliceEnd = run.steps + maxSteps;
    for (;;) {
      if (this.finished !== null) return "ended";
      const task = this.current ?? this.dispatch();
      if (this.finished !== null) return "ended";
      if (task === null) return "waiting";
      if (task.state === "ready") {
        const checkAt = pause ? run.steps + this.execute.pauseSteps : Number.MAX_SAFE_INTEGER;
        run.patience = pause ? PATIENCE : 0;
        run.stopAt = Math.min(this.nextTurn(), sliceEnd, checkAt, cpuSteps);
        this.guarded(task, null);
        if (this.finished !== null) return "ended";
        run.passTurns();
      }
      if (task.state !== "ready" || run.steps >= run.turnEnd) this.leaveTurn(task);
      else if (run.steps >= cpuSteps) this.exhausted(task);
      else if (run.steps >= sliceEnd || pause?.() === true) return "ready";
    }
  }

  /** Ends the run from outside after exactly the steps used so far. `wall_exceeded` is a quota error. */
  cut(reason: CutReason, details: JsonObject = {}): MachineResult {
    if (this.finished !== null) return this.finished;
    this.run.journal.push({ t: "cut", reason, steps: this.run.steps });
    const code = reason === "wall_exceeded" ? "quota_exceeded" : "run_cut";
    const trap = new Trap(code, reason, CUT_STATUS[reason], details, false);
    return this.end(reason === "wall_exceeded" ? "failed" : "cut", trap, this.current);
  }

  /** A fault of the runtime, not of the program: `vm_internal`, alert, safe states. */
  abandon(): MachineResult {
    const trap = new Trap("vm_internal", "vm_internal", 500, {}, false);
    return this.finished ?? this.end("failed", trap, this.current);
  }

  /** Charges the main frame and judges the payload before the first step. */
  private begin(frame: LoweredFrame): void {
    const { payload, entryStack } = this.options;
    try {
      for (const item of entryStack ?? []) this.main.push(fromJson(item, tally(this.run)));
      this.judgePayload(payload);
      this.run.allocate(frame.bytes);
    } catch (error) {
      if (!(error instanceof Trap)) throw error;
      this.fail(this.main, error);
    }
  }

  private judgePayload(payload: Json): void {
    const { limits, checkSchema } = this.options;
    const size = canonicalSize(payload);
    if (size > limits.inputBytes) {
      const code = "payload_too_large";
      throw new Trap(code, code, 400, { limit: limits.inputBytes, got: size }, false);
    }
    meetContract("payload", this.program.document.payload, payload, checkSchema);
  }

  /** Steps at which other tasks or completions get their turn; never while there are none (`Run.passTurns`). */
  private nextTurn(): number {
    const alone = this.run.ready.length === 0 && this.completions.length === 0;
    const mayPass = alone && this.execute.passesTurns && this.options.inputs.take === undefined;
    return mayPass ? Number.MAX_SAFE_INTEGER : this.run.turnEnd;
  }

  /** Begins the next turn: completions first, then the first ready task. */
  private dispatch(): Task | null {
    const run = this.run;
    const taken = this.options.inputs.take?.(run.turn + 1, this) ?? this.takeCompletions();
    for (const completion of taken) this.accept(completion);
    const task = run.ready.length === 1 ? run.ready.pop() : run.ready.shift();
    if (task === undefined) return null;
    run.turn++;
    run.turnEnd = run.steps + TURN_STEPS;
    this.current = task;
    const { resumption } = task;
    task.resumption = null;
    if (resumption !== null) this.guarded(task, resumption);
    return task;
  }

  private takeCompletions(): readonly Completion[] {
    if (this.completions.length === 0) return this.completions;
    const taken = this.completions;
    this.completions = [];
    return taken;
  }

  private leaveTurn(task: Task): void {
    this.current = null;
    if (task.state === "ready") this.run.ready.push(task);
  }

  private accept(completion: Completion): void {
    const waiting = this.waitingFor(completion.request);
    const task = waiting === null ? undefined : this.run.tasks[waiting.task];
    if (waiting === null || task === undefined || task.state !== "blocked") return;
    if ((completion.kind === "call") !== (waiting.kind === "call")) return;
    const turn = this.run.turn + 1;
    if (completion.kind === "call" && waiting.kind === "call") {
      const entry = this.answers.enter(waiting, completion.answer, turn);
      this.run.journal.push(entry);
      this.run.wake(task, { kind: "call", entry });
    } else {
      this.run.journal.push({ t: "wake", turn, task: task.id });
      const joiners = task.joining?.joiners;
      joiners?.splice(joiners.indexOf(task), 1);
      this.run.wake(task, waiting.kind === "join_timeout" ? { kind: "join_timeout" } : { kind: "wake" });
    }
  }

  private resume(task: Task, resumption: Resumption): void {
    if (resumption.kind === "join" && task.joining) pushJoined(this.run, task, task.joining);
    else if (resumption.kind === "join_timeout") pushJoinTimeout(this.run, task);
    else if (resumption.kind === "call") this.resumeCall(task, resumption.entry);
    task.joining = null;
    task.pc += STRIDE;
  }

  private resumeCall(task: Task, entry: CallEntry): void {
    const run = this.run;
    const slot = (run.program.code[task.pc + 2] as number) - 1;
    const value = entry.ok ? this.received(entry.result ?? null) : null;
    if (slot >= 0) task.register(slot, this.received(entry.evidence));
    if (entry.error) throw callTrap(entry.error);
    task.push(value);
  }

  /** A value from outside: its texts are new, so they are charged too. */
  private received(json: Json): Value {
    const into = tally(this.run, true);
    const value = fromJson(json, into);
    this.run.work(into.bytes);
    this.run.allocate(into.bytes);
    return value;
  }

  /** Executes, or resumes; a failure goes to the innermost handler, or ends the task. */
  private guarded(task: Task, resumption: Resumption | null): void {
    try {
      if (resumption === null) this.execute.run(this.run, task);
      else this.resume(task, resumption);
    } catch (error) {
      if (!(error instanceof Trap)) throw error;
      this.fail(task, error);
    }
    if (task.state === "ended" && this.finished === null) this.taskEnded(task);
  }

  private fail(task: Task, trap: Trap): void {
    task.joining = null;
    if (!trap.catchable) return void this.end("failed", trap, task);
    const at = this.placeOf(task);
    if (unwind(this.run, task)) {
      try {
        const into = { ...tally(this.run, true), valueBytes: Number.MAX_SAFE_INTEGER };
        const object = fromJson(errorJson(trap), into);
        this.run.work(into.bytes);
        this.run.allocate(into.bytes);
        task.push(object);
      } catch (error) {
        if (!(error instanceof Trap)) throw error;
        this.end("failed", error, task);
      }
      return;
    }
    if (task.parent === null) return void this.end("failed", trap, task, at);
    const { code, reason, status, details } = trap;
    task.state = "ended";
    task.result = { kind: "failed", error: { code, reason, status, details } };
  }

  private exhausted(task: Task): void {
    const { cpuSteps } = this.options.limits;
    this.end("failed", quotaError("cpu_steps_exceeded", cpuSteps, this.run.steps, 1), task);
  }

  private taskEnded(task: Task): void {
    if (task === this.main) {
      this.mainEnded(task);
      return;
    }
    const run = this.run;
    run.alive--;
    run.free(task.saved.reduce((sum, saved) => sum + saved.frame.bytes, task.frame.bytes));
    task.saved.length = 0;
    task.memory.length = 0;
    const { joiners } = task;
    task.joiners = null;
    for (const joiner of joiners ?? []) run.wake(joiner, { kind: "join" });
  }

  private mainEnded(task: Task): void {
    const { result } = task;
    if (result?.kind !== "responded") return void this.end("halted", null, task);
    try {
      const schema = this.program.document.response;
      meetContract("response", schema, result.body, this.options.checkSchema);
    } catch (error) {
      if (!(error instanceof Trap)) throw error;
      return void this.end("failed", error, task);
    }
    this.end("responded", null, task);
  }

  private placeOf(task: Task | null): MachineError["at"] {
    return task === null ? null : this.program.lowered.placeOf(task.pc);
  }

  private end(
    ended: MachineResult["ended"],
    trap: Trap | null,
    task: Task | null,
    at?: MachineError["at"],
  ): MachineResult {
    const { limits, payload, trigger } = this.options;
    const { result } = this.main;
    const responded = ended === "responded" && result?.kind === "responded" ? result : null;
    const status = trap?.status ?? responded?.status ?? 200;
    const { claims } = this.main;
    const outcome: Outcome = {
      status,
      body: responded?.body ?? null,
      claims: claims === null ? [] : [...claims.values()],
      effects: this.answers.effects,
      error: trap === null ? null : { code: trap.code, reason: trap.reason },
    };
    this.finished = new FinishedRun({
      ended,
      status,
      outcome,
      journal: this.run.journal,
      limits,
      payload,
      trigger,
      metrics: metricsOf(this.run, this.answers),
      error: trap === null ? null : errorOf(trap, at === undefined ? this.placeOf(task) : at),
      programHash: this.program.programHash,
    });
    return this.finished;
  }
}

/** The values of the program's input paths. */
function inputsOf({ inputs }: LoweredProgram, { payload, trigger }: MachineOptions): readonly Json[] {
  const values = new Array<Json>(inputs.length);
  for (let i = 0; i < inputs.length; i++) {
    const input = inputs[i] as InputPath;
    values[i] = inputValue(input.of === "payload" ? payload : trigger, input);
  }
  return values;
}

const errorOf = ({ code, reason, status, details }: Trap, at: MachineError["at"]): MachineError => ({
  code,
  reason,
  status,
  details,
  at,
});

/** A machine before its first step. A payload that is refused gives one that has already ended. */
export const createMachine = (program: VerifiedProgram, options: MachineOptions): Machine =>
  new Machine(program, options);
