/** One cooperative task of a run: its frames, its stack, what it waits for (vm.md 3.2, 9.1). */
import type { Json } from "../../core/json.ts";
import type { CapabilitySignature } from "../capability-view.ts";
import type { CallError, JournalEntry, ProgramClaim } from "../types.ts";
import type { Value } from "../values/values.ts";
import type { LoweredFrame } from "../verifier/lowered-program.ts";
import { vmError } from "./trap.ts";

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
      /** What the task has claimed so far; the guard of an effect judges it. */
      readonly claims: readonly ProgramClaim[];
    }
  | { readonly kind: "sleep"; readonly id: number; readonly task: number; readonly ms: number }
  | { readonly kind: "join_timeout"; readonly id: number; readonly task: number; readonly ms: number };

export interface SavedFrame {
  /** Position of the CALLF. */
  readonly pc: number;
  readonly sp: number;
  readonly fp: number;
  readonly floor: number;
  readonly frame: LoweredFrame;
}

export type TaskState = "ready" | "blocked" | "ended";

const blanks: (readonly null[])[] = [];

/** So many nulls; a copy of a dense array is dense and quickly made. There are at most as many as frames have sizes. */
function blank(size: number): Value[] {
  const known = blanks[size] ?? Array.from({ length: size }, () => null);
  blanks[size] = known;
  return known.slice();
}

/** Registers of a frame lie at `fp`, its stack begins at `floor`, `sp` is the next free place. */
export class Task {
  readonly id: number;
  readonly parent: Task | null;
  readonly memory: Value[];
  readonly saved: SavedFrame[] = [];
  /** In order of appearance, by id; null before the first. */
  claims: Map<string, ProgramClaim> | null = null;
  /** Tasks that wait for this one, in the order they began to. */
  joiners: Task[] | null = null;
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
    this.memory = blank(frame.registers + frame.maxStack);
    this.floor = frame.registers;
    this.sp = frame.registers;
    this.pc = frame.entry;
  }

  /** Lays a frame at `fp`, registers null. Memory is charged by the caller. */
  enter(frame: LoweredFrame, fp: number): void {
    this.frame = frame;
    this.fp = fp;
    this.floor = fp + frame.registers;
    this.sp = this.floor;
    this.pc = frame.entry;
    for (let slot = fp; slot < this.floor; slot++) this.memory[slot] = null;
    // Room for the whole frame now keeps every later access inside the array.
    for (let size = this.memory.length; size < this.floor + frame.maxStack; size++) this.memory.push(null);
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
