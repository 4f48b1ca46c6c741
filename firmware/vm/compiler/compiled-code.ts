/**
 * Compiled code of one program, made place by place where it is hot. Compiled code does what is plain; everything else
 * (waiting, tasks, failures, quotas that strike) is left to the interpreter at the exact instruction, so that both
 * always agree. Code is generated from verified, numbered operands only; text of a program never becomes code.
 */
import type { Execute } from "../machine/executor.ts";
import { interpret } from "../machine/interpreter.ts";
import type { Run, Task } from "../machine/run.ts";
import type { Value } from "../values/values.ts";
import { type LoweredFrame, type LoweredProgram, STRIDE } from "../verifier/lowered-program.ts";
import { type BlockState, Tables } from "./block-writer.ts";
import type { Surroundings } from "./emit.ts";
import { flowOf } from "./flow.ts";
import { directFunction, entryFunction } from "./function-writer.ts";
import { instructionAt, isInterpreted, MARK, marksOf } from "./instructions.ts";
import { ANY, isOnly, type Kinds, kindsOf, NUMBER } from "./kinds.ts";
import { regionAt } from "./region.ts";
import * as runtime from "./runtime.ts";

/** Arrivals at a place before it is compiled: interpreting it that often takes about as long as compiling it. */
const HOT_ARRIVALS = 200;
/** Places of one program that may be compiled, which bounds the memory its code takes. */
const MAX_ENTRIES = 64;
/** Times the kinds at an entry may be others before the code is made again without assuming any. */
const MAX_MISSES = 4;
/** Registers of a function that is called directly: they travel as arguments. */
const MAX_ARGUMENTS = 12;

type EntryCode = (run: Run, task: Task) => boolean;
type DirectCode = (
  run: Run,
  task: Task,
  fp: number,
  depth: number,
  ...registers: Value[]
) => Value | undefined;

/** A compilation: it pauses often, so that it never holds the event loop longer than a slice (vm.md 9). */
type Job<T> = Generator<void, T>;

interface Entry {
  arrivals: number;
  code: EntryCode | null;
  /** Under way, unless null. */
  job: Job<EntryCode | null> | null;
  misses: number;
  /** No code can be made, or none is worth it. */
  isClosed: boolean;
}

/** What compiled code calls for a frame; before it is compiled, the frame is handed to the interpreter. */
interface DirectTarget {
  call: DirectCode;
}

/** Lays the callee's frame as CALLF would, and leaves it to the interpreter. */
function handOver(frame: LoweredFrame): DirectCode {
  return (run, task, fp, _depth, ...registers) => {
    runtime.grow(task.memory, fp);
    task.enter(frame, fp);
    for (const [slot, value] of registers.entries()) task.register(slot, value);
    run.steps = run.stopAt - runtime.shared.fuel;
    return undefined;
  };
}

const NUMBERS_ONLY = (kinds: Kinds): boolean => isOnly(kinds, NUMBER);

export class CompiledCode implements Execute {
  readonly pauseSteps = 1000;
  readonly passesTurns = true;
  readonly #program: LoweredProgram;
  readonly #threshold: number;
  readonly #marks: Uint8Array;
  /** By instruction number. */
  readonly #entries: Entry[];
  #entryCount = 0;
  readonly #direct = new Map<LoweredFrame, DirectTarget>();
  readonly #waiting: LoweredFrame[] = [];

  /** @param threshold arrivals before a place is compiled; 0 compiles at the first. */
  constructor(program: LoweredProgram, threshold = HOT_ARRIVALS) {
    this.#program = program;
    this.#threshold = threshold;
    this.#marks = marksOf(program);
    this.#entries = new Array<Entry>(this.#marks.length);
  }

  run(run: Run, task: Task): void {
    for (;;) {
      this.#enter(run, task);
      interpret(run, task, this.#marks);
      if (task.state !== "ready") return;
      if (run.steps < run.stopAt) continue;
      // It may have returned at a mark, where the free end of a function still belongs to what has run.
      interpret(run, task, null);
      return;
    }
  }

  #enter(run: Run, task: Task): void {
    const bits = this.#marks[task.pc / STRIDE] as number;
    if ((bits & (MARK.HOT | MARK.RESUME)) === 0) return;
    const entry = this.#entries[task.pc / STRIDE] ?? this.#open(task.pc);
    if (entry.isClosed) return;
    if (entry.code === null) {
      if (entry.arrivals++ < this.#threshold) return;
      this.#advance(entry, run, task);
      if (entry.code === null) return;
    }
    // A fault of the runtime in an earlier run may have left frames half way; they are nobody's.
    if (runtime.shared.left.length > 0) runtime.shared.left.length = 0;
    if (!entry.code(run, task)) this.#missed(entry);
  }

  /** The interpreter goes on there: nothing is compiled. */
  #unmark(pc: number): void {
    const at = pc / STRIDE;
    this.#marks[at] = (this.#marks[at] ?? 0) & ~MARK.HOT;
  }

  #open(pc: number): Entry {
    const isClosed = this.#entryCount++ >= MAX_ENTRIES;
    const entry = { arrivals: 0, code: null, job: null, misses: 0, isClosed };
    this.#entries[pc / STRIDE] = entry;
    return entry;
  }

  /** Other kinds than the code was made for, again and again: it is made once more, for any. */
  #missed(entry: Entry): void {
    if (++entry.misses === MAX_MISSES) entry.code = null;
  }

  /** Goes on compiling; to the end if that is asked for, else one piece before the next look at the clock. */
  #advance(entry: Entry, run: Run, task: Task): void {
    entry.job ??= this.#entryCode(run, task, entry.misses < MAX_MISSES);
    for (;;) {
      const { done, value } = entry.job.next();
      if (done === true) {
        entry.job = null;
        entry.code = value;
        entry.isClosed = value === null;
        if (value === null) this.#unmark(task.pc);
        return;
      }
      if (this.#threshold > 0) {
        run.stopAt = Math.min(run.stopAt, run.steps);
        return;
      }
    }
  }

  #surroundings(frame: LoweredFrame, isDirect: boolean): Surroundings & { readonly tables: Tables } {
    const tables = new Tables();
    const parts = new Map<DirectTarget, string>();
    return {
      program: this.#program,
      isDirect,
      frame,
      tables,
      direct: (callee) => {
        const target = this.#target(callee);
        if (target === null) return null;
        const known = parts.get(target) ?? tables.part(target);
        parts.set(target, known);
        return known;
      },
    };
  }

  #target(frame: LoweredFrame): DirectTarget | null {
    const known = this.#direct.get(frame);
    if (known !== undefined) return known;
    if (frame.fn === null || frame.registers > MAX_ARGUMENTS) return null;
    const target: DirectTarget = { call: handOver(frame) };
    this.#direct.set(frame, target);
    this.#waiting.push(frame);
    return target;
  }

  *#entryCode(run: Run, task: Task, assume: boolean): Job<EntryCode | null> {
    const program = this.#program;
    const { pc, frame } = task;
    if (isInterpreted(instructionAt(program, pc).name)) return null;
    const region = regionAt(program, this.#marks, pc);
    if (region === null) return null;
    // Now, not after a pause: by then the task is elsewhere.
    let state = this.#stateOf(task, assume && region.loops.has(pc));
    yield;
    const around = this.#surroundings(frame, false);
    const inputs = run.inputs.map((input) => (assume && typeof input === "number" ? NUMBER : ANY));
    const facts = { inputs };
    let flow = yield* flowOf(region, state, facts, around);
    // An assumption that a path back does not keep is none.
    for (let entered = flow.states.get(pc); entered !== undefined && assume; entered = flow.states.get(pc)) {
      const kept = entered.registers.map((kinds) => (NUMBERS_ONLY(kinds) ? NUMBER : ANY));
      if (kept.every((kinds, slot) => kinds === state.registers[slot])) break;
      state = { registers: kept, stack: state.stack };
      flow = yield* flowOf(region, state, facts, around);
    }
    const guards = [
      ...[...flow.usage.registers]
        .filter((slot) => state.registers[slot] === NUMBER)
        .map((slot) => `r${slot}`),
      ...[...flow.usage.inputs].filter((input) => inputs[input] === NUMBER).map((input) => `i${input}`),
    ].map((name) => `typeof ${name} === "number"`);
    const text = entryFunction({ region, flow, facts, around, tables: around.tables }, state, guards);
    yield;
    const code = instantiate(text, around.tables) as EntryCode;
    for (let callee = this.#waiting.shift(); callee !== undefined; callee = this.#waiting.shift()) {
      yield;
      yield* this.#compileDirect(callee);
    }
    return code;
  }

  /** What may be assumed of the registers as they are now; at the head of a loop it pays to know the numbers. */
  #stateOf(task: Task, assume: boolean): BlockState {
    const { memory, fp, floor, sp, frame } = task;
    const registers = Array.from({ length: frame.registers }, (_, slot) =>
      assume && isOnly(kindsOf(memory[fp + slot] as Value), NUMBER) ? NUMBER : ANY,
    );
    return { registers, stack: Array.from({ length: sp - floor }, () => ANY) };
  }

  *#compileDirect(frame: LoweredFrame): Job<void> {
    const target = this.#direct.get(frame);
    const region = regionAt(this.#program, this.#marks, frame.entry);
    if (target === undefined || region === null) return;
    const around = this.#surroundings(frame, true);
    const facts = { inputs: this.#program.inputs.map(() => ANY) };
    const state = { registers: Array.from({ length: frame.registers }, () => ANY), stack: [] };
    yield;
    const flow = yield* flowOf(region, state, facts, around);
    const text = directFunction({ region, flow, facts, around, tables: around.tables });
    yield;
    target.call = instantiate(text, around.tables) as DirectCode;
  }
}

let isAvailable: boolean | null = null;

/** Whether this process may turn text into code; Node.js can be started so that it may not. */
export function compilerState(): "available" | "unavailable" {
  if (isAvailable === null) {
    try {
      isAvailable = new Function("return true;")() === true;
    } catch (error) {
      if (!(error instanceof EvalError)) throw error;
      isAvailable = false;
    }
  }
  return isAvailable ? "available" : "unavailable";
}

/** The tables are frozen, so that the engine may take their entries for constants. */
function instantiate(text: string, { constants, siteCount, parts }: Tables): unknown {
  const make = new Function("R", "K", "S", "P", `"use strict";return ${text};`);
  const places = Array.from({ length: siteCount }, () => runtime.newSite());
  return make(runtime, Object.freeze(constants), Object.freeze(places), Object.freeze(parts)) as unknown;
}
