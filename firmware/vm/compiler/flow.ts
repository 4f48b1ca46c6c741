/** Kinds of registers and stack values at the beginning of every block, by following all paths to a fixed point. */
import { type BlockState, BlockWriter, type FrameFacts, Tables, Usage } from "./block-writer.ts";
import { type BlockEnd, emitBlock, type Surroundings } from "./emit.ts";
import type { Region } from "./region.ts";

export interface Flow {
  /** By start of the block. Blocks that no path reaches are missing. */
  readonly states: ReadonlyMap<number, BlockState>;
  readonly usage: Usage;
}

const NONE: ReadonlySet<number> = new Set();

function joined(known: BlockState | undefined, writer: BlockWriter): BlockState | null {
  const stack = writer.stack.map(({ kinds }) => kinds);
  if (known === undefined) return { registers: [...writer.registers], stack };
  const registers = known.registers.map((kinds, i) => kinds | (writer.registers[i] ?? 0));
  const both = known.stack.map((kinds, i) => kinds | (stack[i] ?? 0));
  const isSame = (a: readonly number[], b: readonly number[]): boolean =>
    a.every((kinds, i) => kinds === b[i]);
  if (isSame(registers, known.registers) && isSame(both, known.stack)) return null;
  return { registers, stack: both };
}

/** @returns null if a block ends in an instruction that direct functions cannot do, where one was asked for. */
export function flowOf(region: Region, entry: BlockState, facts: FrameFacts, around: Surroundings): Flow {
  const states = new Map<number, BlockState>([[region.entry, entry]]);
  const open = new Set([region.entry]);
  const pass = (start: number, usage: Usage): { writer: BlockWriter; end: BlockEnd } | null => {
    const block = region.blocks.get(start);
    const state = states.get(start);
    if (block === undefined || state === undefined) return null;
    const writer = new BlockWriter(state, facts, new Tables(), usage);
    return { writer, end: emitBlock(writer, block, around, NONE) };
  };
  for (let start = first(open); start !== undefined; start = first(open)) {
    open.delete(start);
    const passed = pass(start, new Usage());
    if (passed === null || passed.end.kind === "left") continue;
    for (const to of region.blocks.get(start)?.successors ?? []) {
      if (!region.hasEdge(start, to)) continue;
      const next = joined(states.get(to), passed.writer);
      if (next === null) continue;
      states.set(to, next);
      open.add(to);
    }
  }
  const usage = new Usage();
  for (const start of states.keys()) pass(start, usage);
  return { states, usage };
}

const first = (set: ReadonlySet<number>): number | undefined => {
  for (const item of set) return item;
  return undefined;
};
