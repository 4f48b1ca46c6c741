/** The counters, tasks and journal of one run (vm.md 7, 9.1). Only the machine, its steps and its compiled code touch it. */
import type { Json, JsonObject } from "../../core/json.ts";
import { SCHEDULER_LIMITS } from "../../core/limits.ts";
import type { JournalEntry, Limits, ProgramDocument } from "../types.ts";
import { checkValueBytes, scalarBytes } from "../values/values.ts";
import type { LoweredFrame, LoweredProgram } from "../verifier/lowered-program.ts";
import type { MachineInputs } from "./machine-types.ts";
import { type MachineRequest, type Resumption, Task } from "./task.ts";
import { quotaError } from "./trap.ts";

export type { MachineRequest, Resumption, TaskResult } from "./task.ts";
export { Task } from "./task.ts";

export const TASK_BYTES = 256;
/** Steps of one dispatch before the task goes to the back of the queue (vm.md 9.1). */
export const TURN_STEPS = SCHEDULER_LIMITS.turnSteps;

export class Run {
  readonly program: LoweredProgram;
  readonly document: ProgramDocument;
  readonly limits: Limits;
  /** Bytes of the memory model. */
  readonly memoryLimit: number;
  /** Values of the program's input paths: scalars, or JSON containers copied at each use. */
  readonly inputs: readonly Json[];
  readonly journal: JournalEntry[] = [];
  /** Requests that have not been taken by the host yet. */
  readonly requests: MachineRequest[] = [];
  /** By number. */
  readonly tasks: Task[];
  /** Tasks that wait for their turn, in order. */
  readonly ready: Task[];
  steps = 0;
  /** Steps at which execution stops before the next instruction. */
  stopAt = 0;
  /** How much nearer the stop comes with each slow step of compiled code; 0 when nobody looks at the clock. */
  patience = 0;
  /** Number of the running turn, and the steps at which the next one begins (vm.md 9.1). */
  turn = 0;
  turnEnd = 0;
  memory = 0;
  memoryPeak = 0;
  ioCalls = 0;
  sleptMs = 0;
  outputBytes = 0;
  claims = 0;
  /** Tasks alive, main not counted, and the most there were. */
  alive = 0;
  peakTasks = 0;
  private readonly source: MachineInputs;
  private nextRequest = 1;

  constructor(
    program: LoweredProgram,
    document: ProgramDocument,
    limits: Limits,
    main: Task,
    inputs: readonly Json[],
    source: MachineInputs,
  ) {
    this.tasks = [main];
    this.ready = [main];
    this.program = program;
    this.document = document;
    this.limits = limits;
    this.memoryLimit = limits.memKb * 1024;
    this.inputs = inputs;
    this.source = source;
  }

  requestId(): number {
    return this.nextRequest++;
  }

  /** Milliseconds since the run began, as the journal will have them. */
  elapsedMs(task: number): number {
    const value = this.source.elapsedMs(task);
    this.journal.push({ t: "elapsed", task, value });
    return value;
  }

  /** A new task at the back of the queue. @throws Trap `tasks_exceeded`. */
  spawn(parent: Task, frame: LoweredFrame): Task {
    const limit = this.limits.tasks;
    if (this.alive >= limit) throw quotaError("tasks_exceeded", limit, this.alive, 1);
    const task = new Task(this.tasks.length, parent, frame);
    this.tasks.push(task);
    this.ready.push(task);
    this.alive++;
    if (this.alive > this.peakTasks) this.peakTasks = this.alive;
    // The task that ran alone now shares: it stops where its turn ends.
    this.passTurns();
    if (this.stopAt > this.turnEnd) this.stopAt = this.turnEnd;
    return task;
  }

  /** Puts a blocked task at the back of the queue. */
  wake(task: Task, resumption: Resumption): void {
    task.waiting = null;
    task.state = "ready";
    task.resumption = resumption;
    this.ready.push(task);
  }

  /** One step per 256 bytes of bulk work. @throws Trap `cpu_steps_exceeded`. */
  work(bytes: number): void {
    if (bytes < 256) return;
    const needed = Math.floor(bytes / 256);
    if (this.steps + needed > this.limits.cpuSteps) {
      throw quotaError("cpu_steps_exceeded", this.limits.cpuSteps, this.steps, needed);
    }
    this.passTurns();
    this.steps += needed;
    // The instruction stays in its turn however much it works; the next one begins behind it.
    if (this.steps > this.turnEnd) this.turnEnd = this.steps;
  }

  /**
   * Counts the turns that a task went through while no other task and no completion waited, when it was not stopped
   * at each of them. All instructions that began before `steps` are accounted for.
   */
  passTurns(): void {
    if (this.steps <= this.turnEnd) return;
    const passed = 1 + Math.floor((this.steps - 1 - this.turnEnd) / TURN_STEPS);
    this.turn += passed;
    this.turnEnd += passed * TURN_STEPS;
  }

  /** @throws Trap `mem_exceeded`; figures in bytes. */
  allocate(bytes: number): void {
    const limit = this.memoryLimit;
    if (this.memory + bytes > limit) throw quotaError("mem_exceeded", limit, this.memory, bytes);
    this.memory += bytes;
    if (this.memory > this.memoryPeak) this.memoryPeak = this.memory;
  }

  free(bytes: number): void {
    this.memory -= bytes;
  }

  /** Charges a string or bytes made by an instruction. @throws Trap `value_too_large`, `mem_exceeded`. */
  made(size: number): void {
    checkValueBytes(size, this.limits.valueBytes);
    this.allocate(scalarBytes(size));
  }

  /** @throws Trap `output_bytes_exceeded`. */
  output(bytes: number): void {
    const { outputBytes: limit } = this.limits;
    if (this.outputBytes + bytes > limit) {
      throw quotaError("output_bytes_exceeded", limit, this.outputBytes, bytes);
    }
    this.outputBytes += bytes;
  }
}

/** The error object a handler finds on the stack (vm.md 5.1). */
export const errorJson = (error: {
  readonly code: string;
  readonly reason: string;
  readonly details: JsonObject;
}): JsonObject => ({ code: error.code, reason: error.reason, details: error.details });
