/** Kinds of registers and stack values at the beginning of every block, by following all paths to a fixed point. */
import { type BlockState, BlockWriter, type FrameFacts, Tables, Usage } from "./block-writer.ts";
import { type BlockEnd, emitBlock, type Surroundings } from "./emit.ts";
import { ANY } from "./kinds.ts";
import type { Region } from "./region.ts";

export interface Flow {
  /** By start of the block. Blocks that no path reaches are missing. */
  readonly states: ReadonlyMap<number, BlockState>;
  readonly usage: Usage;
}

const NONE: ReadonlySet<number> = new Set();
/** Blocks looked at between two pauses of the compilation. */
const BLOCKS_AT_ONCE = 16;
/** Looks at a block, on average, before no kinds are told apart any more: a program may make them travel slowly. */
const LOOKS = 6;

const anyKinds = ({ registers, stack }: BlockState): BlockState => ({
  registers: registers.map(() => ANY),
  stack: stack.map(() => ANY),
});

/** The open block that comes first in reverse postorder, so that few blocks are looked at twice. */
function firstOf(open: ReadonlySet<number>, order: ReadonlyMap<number, number>): number | undefined {
  let first: number | undefined;
  for (const start of open) {
    if (first === undefined || (order.get(start) ?? 0) < (order.get(first) ?? 0)) first = start;
  }
  return first;
}

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

/** Yields wherever the compilation may pause. */
export function* flowOf(
  region: Region,
  entry: BlockState,
  facts: FrameFacts,
  around: Surroundings,
): Generator<void, Flow> {
  const states = new Map<number, BlockState>([[region.entry, entry]]);
  const open = new Set([region.entry]);
  const pass = (start: number, usage: Usage): { writer: BlockWriter; end: BlockEnd } | null => {
    const block = region.blocks.get(start);
    const state = states.get(start);
    if (block === undefined || state === undefined) return null;
    const writer = new BlockWriter(state, facts, new Tables(), usage);
    return { writer, end: emitBlock(writer, block, around, NONE) };
  };
  let looks = 0;
  let isExact = true;
  for (let start = firstOf(open, region.order); start !== undefined; start = firstOf(open, region.order)) {
    open.delete(start);
    looks++;
    if (looks % BLOCKS_AT_ONCE === 0) yield;
    if (isExact && looks > LOOKS * region.blocks.size) {
      isExact = false;
      for (const [known, state] of states) {
        states.set(known, anyKinds(state));
        open.add(known);
      }
    }
    const passed = pass(start, new Usage());
    if (passed === null || passed.end.kind === "left") continue;
    for (const to of region.blocks.get(start)?.successors ?? []) {
      if (!region.hasEdge(start, to)) continue;
      const next = joined(states.get(to), passed.writer);
      if (next === null) continue;
      states.set(to, isExact ? next : anyKinds(next));
      open.add(to);
    }
  }
  const usage = new Usage();
  for (const start of states.keys()) {
    looks++;
    if (looks % BLOCKS_AT_ONCE === 0) yield;
    pass(start, usage);
  }
  return { states, usage };
}
