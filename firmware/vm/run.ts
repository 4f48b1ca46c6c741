/** The counters and tasks of one run (vm.md 7, 9.1). Only the machine and its steps touch them. */
import type { Json, JsonObject } from "../core/json.ts";
import type { CapabilitySignature } from "./capability-view.ts";
import type { LoweredFrame, LoweredProgram } from "./lowered-program.ts";
import { quotaError, vmError } from "./trap.ts";
import type { CallError, JournalEntry, Limits, ProgramClaim, ProgramDocument } from "./types.ts";
import { checkValueBytes, scalarBytes, type Value } from "./values.ts";

export const TASK_BYTES = 256;

/** How a task ended; `value` is shared with nobody, `body` is JSON. */
export type TaskResult =
  | { readonly kind: "responded"; readonly status: number; readonly body: Json }
  | { readonly kind: "halted"; readonly value: Value }
  | { readonly kind: "failed"; readonly error: CallError };

/** What a blocked task continues with. */
export type Resumption =
  | { readonly kind: "wake" }
  | { readonly kind: "join" }
  | { readonly kind: "join_timeout" }
  | { readonly kind: "call"; readonly entry: JournalEntry & { readonly t: "call" } };

/** What a task asks of the host. Ids rise; an answer to an id that no longer waits is ignored. */
export type MachineRequest =
  | {
      readonly kind: "call";
      readonly id: number;
      readonly task: number;
      readonly capability: string;
      readonly class: CapabilitySignature["class"];
      readonly args: Json;
    }
  | { readonly kind: "sleep"; readonly id: number; readonly task: number; readonly ms: number }
  | { readonly kind: "join_timeout"; readonly id: number; readonly task: number; readonly ms: number };

interface SavedFrame {
  /** Position of the CALLF. */
  readonly pc: number;
  readonly sp: number;
  readonly fp: number;
  readonly floor: number;
  readonly frame: LoweredFrame;
}

export type TaskState = "ready" | "blocked" | "ended";

/** One cooperative task. Registers of a frame lie at `fp`, its stack begins at `floor`, `sp` is the next free place. */
export class Task {
  readonly id: number;
  readonly parent: Task | null;
  readonly memory: Value[] = [];
  readonly saved: SavedFrame[] = [];
  readonly claims = new Map<string, ProgramClaim>();
  readonly joiners: Task[] = [];
  /** The instruction at work; a failure is looked up here. */
  pc: number;
  /** Where a step makes the task go on. */
  next = 0;
  sp = 0;
  fp = 0;
  floor = 0;
  frame: LoweredFrame;
  state: TaskState = "ready";
  resumption: Resumption | null = null;
  /** What it waits for while blocked. */
  waiting: MachineRequest | null = null;
  joining: Task | null = null;
  result: TaskResult | null = null;
  claimsTaken = false;

  constructor(id: number, parent: Task | null, frame: LoweredFrame) {
    this.id = id;
    this.parent = parent;
    this.frame = frame;
    this.pc = frame.entry;
    this.enter(frame, 0);
  }

  /** Lays a frame at `fp`, registers null. Memory is charged by the caller. */
  enter(frame: LoweredFrame, fp: number): void {
    this.frame = frame;
    this.fp = fp;
    this.floor = fp + frame.registers;
    this.sp = this.floor;
    this.pc = frame.entry;
    for (let slot = fp; slot < this.floor; slot++) this.memory[slot] = null;
  }

  push(value: Value): void {
    this.memory[this.sp++] = value;
  }

  pop(): Value {
    if (this.sp <= this.floor) throw vmError("stack_underflow");
    return this.memory[--this.sp] as Value;
  }

  register(slot: number, value: Value): void {
    this.memory[this.fp + slot] = value;
  }
}

/** What the machine around the tasks does for them. */
export interface RunHost {
  elapsedMs(task: number): number;
  spawn(parent: Task, frame: LoweredFrame): Task;
  task(id: number): Task | undefined;
}

export class Run {
  readonly program: LoweredProgram;
  readonly document: ProgramDocument;
  readonly limits: Limits;
  readonly host: RunHost;
  /** Values of the program's input paths: scalars, or JSON containers copied at each use. */
  readonly inputs: readonly Json[];
  /** Requests that have not been taken by the host yet. */
  readonly requests: MachineRequest[] = [];
  steps = 0;
  /** Steps at which the interpreter returns before the next instruction. */
  stopAt = 0;
  memory = 0;
  memoryPeak = 0;
  ioCalls = 0;
  sleptMs = 0;
  outputBytes = 0;
  claims = 0;
  #nextRequest = 1;

  constructor(
    program: LoweredProgram,
    document: ProgramDocument,
    limits: Limits,
    inputs: readonly Json[],
    host: RunHost,
  ) {
    this.program = program;
    this.document = document;
    this.limits = limits;
    this.inputs = inputs;
    this.host = host;
  }

  requestId(): number {
    return this.#nextRequest++;
  }

  /** One step per 256 bytes of bulk work. @throws Trap `cpu_steps_exceeded`. */
  work(bytes: number): void {
    const needed = Math.floor(bytes / 256);
    if (needed === 0) return;
    if (this.steps + needed > this.limits.cpuSteps) {
      throw quotaError("cpu_steps_exceeded", this.limits.cpuSteps, this.steps, needed);
    }
    this.steps += needed;
  }

  /** @throws Trap `mem_exceeded`; figures in bytes. */
  allocate(bytes: number): void {
    const limit = this.limits.memKb * 1024;
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
