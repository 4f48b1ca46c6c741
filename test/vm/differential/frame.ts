/**
 * Writes one frame's list of instructions and keeps its stack in step, so that the verifier accepts the program: every
 * instruction knows the depth it runs at, and nothing reaches below the floor of the block it stands in.
 */
import type { Json, JsonObject } from "../../../firmware/core/json.ts";
import type { Choices } from "./genome.ts";
import { fits, Operands } from "./operands.ts";
import { type Kind, LABELS, REGISTERS } from "./values.ts";

/** Deep enough for SWAP and OVER to matter; higher stacks are stored to registers. */
const HIGHEST_STACK = 7;
const MOST_WATCHED = 24;
/** Few, as functions with many registers are called another way. */
const MOST_WATCHED_IN_FUNCTIONS = 3;

/** Labels are unique per list, which functions share with the main code. */
export class LabelNames {
  #given = 0;

  next(): string {
    const n = this.#given++;
    return LABELS[n] ?? `l${n}`;
  }
}

interface Label {
  readonly name: string;
  readonly depth: number;
}

export class Frame {
  readonly code: JsonObject[] = [];
  readonly registers = new Map<string, Kind>();
  readonly operands = new Operands(this.registers);
  readonly labels: LabelNames;
  /** Null in main code and bodies. */
  readonly fn: string | null;
  /** Levels of SPAWN bodies around this code. */
  readonly nesting: number;
  stack: Kind[] = [];
  floor = 0;
  readonly #placed: Label[] = [];
  readonly #awaited: Label[] = [];
  #counters = 0;
  #watched = 0;

  constructor(labels: LabelNames, fn: string | null, nesting: number) {
    this.labels = labels;
    this.fn = fn;
    this.nesting = nesting;
  }

  get depth(): number {
    return this.stack.length;
  }

  emit(op: string, fields: JsonObject = {}): void {
    this.code.push({ op, ...fields });
  }

  /** Emits an instruction that takes `pops` values and gives these. */
  act(op: string, fields: JsonObject, pops: number, ...gives: readonly Kind[]): void {
    this.emit(op, fields);
    this.stack.length -= pops;
    this.stack.push(...gives);
  }

  push(kind: Kind, choices: Choices): void {
    this.act("PUSH", { value: this.operands.of(kind, choices) }, 0, kind);
  }

  /** Makes the stack end with values of these kinds; one in sixteen takes whatever lies there. */
  need(kinds: readonly Kind[], choices: Choices): void {
    const enough = this.depth - this.floor >= kinds.length;
    const top = this.stack.slice(this.depth - kinds.length);
    const useTop = choices.below(4) > 0 && kinds.every((kind, i) => fits(top[i] ?? "any", kind));
    if (enough && (useTop || choices.oneIn(16))) return;
    for (const kind of kinds) this.push(kind, choices);
  }

  /** Takes the top into a register, whose name is one of few. */
  store(choices: Choices): void {
    const name = choices.pick(REGISTERS);
    const kind = this.stack.at(-1) ?? "any";
    this.act("STORE", { reg: choices.oneIn(8) ? `reg:${name}` : name }, 1);
    this.registers.set(name, kind);
  }

  /** Keeps the top in a register of its own, or states it as a claim, which even a failed run shows. */
  watch(choices: Choices): void {
    if (
      this.depth === this.floor ||
      this.#watched >= (this.fn === null ? MOST_WATCHED : MOST_WATCHED_IN_FUNCTIONS)
    )
      return;
    const name = `w${this.#watched++}`;
    const kind = this.stack.at(-1) ?? "any";
    if (choices.oneIn(3)) this.act("DUP", {}, 1, kind, kind);
    this.act("STORE", { reg: name }, 1);
    this.registers.set(name, kind);
    if (choices.oneIn(5)) this.emit("EVIDENCE", { claim: name, value: `reg:${name}` });
  }

  settle(choices: Choices): void {
    while (this.depth - this.floor > HIGHEST_STACK) this.store(choices);
  }

  /** Brings the stack to exactly this depth, as every path to a label must. */
  level(depth: number, choices: Choices): void {
    while (this.depth > depth) {
      if (choices.below(3) > 0) this.store(choices);
      else this.act("POP", {}, 1);
    }
    while (this.depth < depth) this.act("PUSH", { value: 0 }, 0, "number");
  }

  /** A register no other block uses; main code and functions have their own. */
  counter(): string {
    return `i${this.#counters++}`;
  }

  place(name: string): void {
    this.emit("LABEL", { name });
    this.#placed.push({ name, depth: this.depth });
  }

  /** Places the labels of jumps that wait for this depth: jumps over blocks, into and out of loops and arms. */
  placeAwaited(choices: Choices): void {
    for (const label of this.#awaited.splice(0)) {
      if (label.depth === this.depth && choices.below(3) > 0) this.place(label.name);
      else this.#awaited.push(label);
    }
  }

  /** A jump to a place already passed, if one has this depth. */
  jumpBack(op: "JUMP" | "JNZ" | "JZ", choices: Choices): boolean {
    const depth = this.depth - (op === "JUMP" ? 0 : 1);
    const fitting = this.#placed.filter((label) => label.depth === depth);
    if (fitting.length === 0) return false;
    this.act(op, { label: choices.pick(fitting).name }, op === "JUMP" ? 0 : 1);
    return true;
  }

  /** A jump to a place that comes up later, wherever the depth is the same again. */
  jumpAhead(op: "JUMP" | "JNZ" | "JZ"): void {
    const name = this.labels.next();
    this.act(op, { label: name }, op === "JUMP" ? 0 : 1);
    this.#awaited.push({ name, depth: this.depth });
  }

  /** Places what is still awaited. The depth goes only up and down above the floor of the frame. */
  placeRest(choices: Choices): void {
    for (const { name, depth } of this.#awaited.splice(0)) {
      this.level(depth, choices);
      this.place(name);
    }
  }

  /** All registers, or those whose values can leave the program. */
  registerOperands(all: boolean): Json {
    const names = [...this.registers].filter(([, kind]) => all || kind !== "task");
    return names.map(([name]) => `reg:${name}`);
  }
}
