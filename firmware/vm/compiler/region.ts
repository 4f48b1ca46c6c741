/**
 * The part of a frame that is compiled together: blocks reachable from one place, as a graph in which every loop has
 * one way in. What would not fit or would make a second way in is left out; control goes to the interpreter there.
 */
import { type LoweredProgram, STRIDE } from "../verifier/lowered-program.ts";
import { type Instruction, instructionAt, isBranch, isInterpreted, isReturn, MARK } from "./instructions.ts";

/** Keeps one compilation within the time of a slice (vm.md 9). */
const MAX_INSTRUCTIONS = 256;
const MAX_PASSES = 4;

export interface Block {
  readonly start: number;
  readonly instructions: readonly Instruction[];
  /** Position behind the last instruction. */
  readonly end: number;
  /** Blocks of the region that control may go to, by start; those missing are exits. */
  readonly successors: readonly number[];
}

export interface Region {
  readonly entry: number;
  /** By start, in reverse postorder: every block comes before those it dominates. */
  readonly blocks: ReadonlyMap<number, Block>;
  readonly order: ReadonlyMap<number, number>;
  /** Blocks that control comes to from two or more places ahead of them. */
  readonly merges: ReadonlySet<number>;
  /** Heads of loops. */
  readonly loops: ReadonlySet<number>;
  /** Blocks directly below each in the tree of dominators, in reverse postorder. */
  readonly children: ReadonlyMap<number, readonly number[]>;
  hasEdge(from: number, to: number): boolean;
}

function readBlock(program: LoweredProgram, marks: Uint8Array, start: number): Block {
  const instructions: Instruction[] = [];
  let pc = start;
  for (;;) {
    const instruction = instructionAt(program, pc);
    const { name, a } = instruction;
    if (isInterpreted(name)) return { start, instructions, end: pc, successors: [] };
    instructions.push(instruction);
    pc += STRIDE;
    if (isReturn(name)) return { start, instructions, end: pc, successors: [] };
    if (name === "JUMP") return { start, instructions, end: pc, successors: [a] };
    if (isBranch(name)) return { start, instructions, end: pc, successors: a === pc ? [pc] : [pc, a] };
    if (((marks[pc / STRIDE] ?? 0) & MARK.LEADER) !== 0) {
      return { start, instructions, end: pc, successors: [pc] };
    }
  }
}

function readBlocks(program: LoweredProgram, marks: Uint8Array, entry: number): Map<number, Block> {
  const blocks = new Map<number, Block>();
  const open = [entry];
  let count = 0;
  for (let start = open.shift(); start !== undefined; start = open.shift()) {
    if (blocks.has(start) || count >= MAX_INSTRUCTIONS) continue;
    const block = readBlock(program, marks, start);
    if (count + block.instructions.length > MAX_INSTRUCTIONS) continue;
    count += block.instructions.length;
    blocks.set(start, block);
    open.push(...block.successors);
  }
  return blocks;
}

class Graph {
  readonly #blocks: ReadonlyMap<number, Block>;
  readonly #removed = new Set<string>();
  readonly entry: number;
  order = new Map<number, number>();
  #sorted: number[] = [];
  #dominator = new Map<number, number>();

  constructor(blocks: ReadonlyMap<number, Block>, entry: number) {
    this.#blocks = blocks;
    this.entry = entry;
  }

  get sorted(): readonly number[] {
    return this.#sorted;
  }

  hasEdge(from: number, to: number): boolean {
    const leads = this.#blocks.get(from)?.successors.includes(to) === true;
    return leads && this.#blocks.has(to) && !this.#removed.has(`${from}>${to}`);
  }

  successors(start: number): readonly number[] {
    return (this.#blocks.get(start)?.successors ?? []).filter((to) => this.hasEdge(start, to));
  }

  /** Removes edges until every one back leads to a block that dominates its source. False if that takes too long. */
  makeReducible(): boolean {
    for (let pass = 0; pass < MAX_PASSES; pass++) {
      this.#sort();
      this.#findDominators();
      const wrong = this.#edges().filter(([from, to]) => this.isBack(from, to) && !this.dominates(to, from));
      if (wrong.length === 0) return true;
      for (const [from, to] of wrong) this.#removed.add(`${from}>${to}`);
    }
    return false;
  }

  isBack(from: number, to: number): boolean {
    return (this.order.get(to) ?? 0) <= (this.order.get(from) ?? 0);
  }

  dominates(a: number, b: number): boolean {
    let at = b;
    while (at !== a && at !== this.entry) at = this.dominatorOf(at);
    return at === a;
  }

  dominatorOf(start: number): number {
    return this.#dominator.get(start) ?? this.entry;
  }

  edges(): readonly (readonly [number, number])[] {
    return this.#edges();
  }

  #edges(): [number, number][] {
    return this.#sorted.flatMap((from) => this.successors(from).map((to): [number, number] => [from, to]));
  }

  /** Depth first without recursion of the host: a program may be one long chain. */
  #sort(): void {
    const seen = new Set([this.entry]);
    const path = [{ start: this.entry, next: 0 }];
    const done: number[] = [];
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const to = this.successors(top.start)[top.next++];
      if (to === undefined) {
        done.push(top.start);
        path.pop();
      } else if (!seen.has(to)) {
        seen.add(to);
        path.push({ start: to, next: 0 });
      }
    }
    this.#sorted = done.reverse();
    this.order = new Map(this.#sorted.map((start, i) => [start, i]));
  }

  /** Cooper, Harvey, Kennedy: A Simple, Fast Dominance Algorithm (2001). */
  #findDominators(): void {
    const before = new Map<number, number[]>();
    for (const [from, to] of this.#edges()) {
      const sources = before.get(to);
      if (sources === undefined) before.set(to, [from]);
      else sources.push(from);
    }
    this.#dominator = new Map([[this.entry, this.entry]]);
    for (let changed = true; changed; ) {
      changed = false;
      for (const start of this.#sorted) {
        if (start === this.entry) continue;
        const known = (before.get(start) ?? []).filter((from) => this.#dominator.has(from));
        const common = known.reduce((a, b) => this.#meet(a, b));
        if (this.#dominator.get(start) === common) continue;
        this.#dominator.set(start, common);
        changed = true;
      }
    }
  }

  #meet(a: number, b: number): number {
    let [x, y] = [a, b];
    while (x !== y) {
      if ((this.order.get(x) ?? 0) > (this.order.get(y) ?? 0)) x = this.dominatorOf(x);
      else y = this.dominatorOf(y);
    }
    return x;
  }
}

/** @param entry a leader of the program. @returns null where there is nothing to compile. */
export function regionAt(program: LoweredProgram, marks: Uint8Array, entry: number): Region | null {
  const blocks = readBlocks(program, marks, entry);
  const graph = new Graph(blocks, entry);
  if (!graph.makeReducible()) return null;
  const ahead = new Map<number, number>();
  const loops = new Set<number>();
  for (const [from, to] of graph.edges()) {
    if (graph.isBack(from, to)) loops.add(to);
    else ahead.set(to, (ahead.get(to) ?? 0) + 1);
  }
  const children = new Map<number, number[]>();
  for (const start of graph.sorted) {
    if (start === entry) continue;
    const parent = graph.dominatorOf(start);
    children.set(parent, [...(children.get(parent) ?? []), start]);
  }
  return {
    entry,
    blocks: new Map(graph.sorted.map((start) => [start, blocks.get(start) as Block])),
    order: graph.order,
    merges: new Set([...ahead].filter(([, count]) => count > 1).map(([start]) => start)),
    loops,
    children,
    hasEdge: (from, to) => graph.hasEdge(from, to),
  };
}
