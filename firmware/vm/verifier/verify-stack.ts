/** Phase D: one stack depth per reachable instruction, the same on all paths (vm.md 6). */
import { PROGRAM_LIMITS } from "../../core/limits.ts";
import { INSTRUCTIONS, isDeclaration } from "../instruction-set.ts";
import type { Issue } from "./issues.ts";
import { type Analysis, frameKey, jumpTarget, type TryRegion } from "./verify-names.ts";
import { type Unit, unitsOf } from "./verify-shape.ts";

export const MAX_STACK = PROGRAM_LIMITS.stack;

/** Depths of one unit by index; undefined where no path leads. */
export type Depths = readonly (number | undefined)[];

export interface StackAnalysis {
  readonly depths: ReadonlyMap<Unit, Depths>;
  /** Highest depth of each frame, by `unit#fn`. */
  readonly maxStack: ReadonlyMap<string, number>;
}

/** Regions nest, so one pass with a stack of open ones finds the innermost for each index. */
function innermostOf(unit: Unit, regionAt: ReadonlyMap<number, TryRegion>): readonly number[] {
  const innermost = new Array<number>(unit.list.length + 1).fill(-1);
  const open: TryRegion[] = [];
  for (let index = 0; index < unit.list.length; index++) {
    if (open.at(-1)?.end === index) open.pop();
    innermost[index] = open.at(-1)?.start ?? -1;
    const region = regionAt.get(index);
    if (region) open.push(region);
  }
  return innermost;
}

class UnitFlow {
  readonly depths: (number | undefined)[];
  readonly #analysis: Analysis;
  readonly #unit: Unit;
  readonly #regionAt = new Map<number, TryRegion>();
  /** By index: start of the innermost region around it, −1 outside. */
  readonly #innermost: readonly number[];
  readonly #max: Map<string, number>;
  readonly #open: number[] = [];
  readonly #failed = new Set<number>();

  constructor(analysis: Analysis, unit: Unit, max: Map<string, number>) {
    this.#analysis = analysis;
    this.#unit = unit;
    this.#max = max;
    for (const region of analysis.regions) if (region.unit === unit) this.#regionAt.set(region.start, region);
    this.#innermost = innermostOf(unit, this.#regionAt);
    this.depths = new Array<number | undefined>(unit.list.length + 1).fill(undefined);
  }

  run(entryDepth: number): void {
    this.#reach(this.#skip(0), entryDepth);
    for (const fn of this.#unit.functions.values()) this.#reach(fn.start + 1, 0);
    for (let at = this.#open.pop(); at !== undefined; at = this.#open.pop()) this.#step(at);
    for (const [index, depth] of this.depths.entries())
      if (depth !== undefined) this.#checkRegion(index, depth);
  }

  /** The next instruction of main code: function bodies are skipped. */
  #skip(index: number): number {
    let at = index;
    while (this.#unit.list[at]?.op === "FUNC") {
      at = (this.#unit.functions.get(String(this.#unit.list[at]?.name))?.end ?? at) + 1;
    }
    return at;
  }

  #report(code: string, index: number): void {
    this.#analysis.issues.push({ code, unit: this.#unit.path, index });
    this.#failed.add(index);
  }

  #reach(index: number, depth: number): void {
    const known = this.depths[index];
    if (known === undefined) {
      this.depths[index] = depth;
      this.#note(index, depth);
      if (index < this.#unit.list.length) this.#open.push(index);
    } else if (known !== depth && !this.#failed.has(index) && index < this.#unit.list.length) {
      this.#report("stack_depth_mismatch", index);
    }
  }

  #note(index: number, depth: number): void {
    const key = frameKey(this.#unit.path, this.#unit.functionOf[index] ?? null);
    this.#max.set(key, Math.max(this.#max.get(key) ?? 0, depth));
    if (depth > MAX_STACK) this.#report("stack_too_deep", Math.min(index, this.#unit.list.length - 1));
  }

  #step(index: number): void {
    const instr = this.#unit.list[index] ?? {};
    const spec = INSTRUCTIONS.get(String(instr.op));
    const depth = this.depths[index] ?? 0;
    if (!spec || depth > MAX_STACK) return;
    if (depth < spec.pops) {
      this.#report("stack_underflow", index);
      return;
    }
    const after = depth - spec.pops + spec.pushes;
    if (instr.op === "TRY") {
      const region = this.#regionAt.get(index);
      if (region) this.#reach(region.handler, depth + 1);
    }
    if (spec.flow === "jump" || spec.flow === "branch") {
      const target = jumpTarget(this.#unit, index, instr);
      if (typeof target === "number") this.#reach(this.#skip(target), after);
    }
    if (spec.flow === "next" || spec.flow === "branch") this.#reach(this.#skip(index + 1), after);
  }

  /** Inside a region nothing reaches below the depth at its TRY, nor is a region entered past its TRY. */
  #checkRegion(index: number, depth: number): void {
    const start = this.#innermost[index] ?? -1;
    const instr = this.#unit.list[index];
    if (start < 0 || this.#failed.has(index) || !instr || isDeclaration(String(instr.op))) return;
    const floor = this.depths[start];
    const pops = INSTRUCTIONS.get(String(instr.op))?.pops ?? 0;
    if (floor === undefined || depth - pops < floor) this.#report("try_stack", index);
  }
}

/** @param entryDepth values on the stack before the first instruction; 0 for every program. */
export function checkStacks(analysis: Analysis, entryDepth = 0): StackAnalysis {
  const depths = new Map<Unit, Depths>();
  const maxStack = new Map<string, number>();
  for (const unit of unitsOf(analysis.root)) {
    const flow = new UnitFlow(analysis, unit, maxStack);
    flow.run(unit === analysis.root ? entryDepth : 0);
    depths.set(unit, flow.depths);
  }
  return { depths, maxStack };
}

/** Never fatal: `register_never_stored`, `unreachable_code`, `falls_off_end`. */
export function warningsOf(analysis: Analysis, { depths }: StackAnalysis): readonly Issue[] {
  const warnings: Issue[] = [];
  for (const frame of analysis.frames.values()) {
    for (const { name, index } of frame.reads) {
      if (frame.stored.has(name)) continue;
      warnings.push({ code: "register_never_stored", unit: frame.unit.path, index });
    }
  }
  for (const [unit, reached] of depths) {
    for (const [index, { op }] of unit.list.entries()) {
      if (reached[index] === undefined && !isDeclaration(String(op))) {
        warnings.push({ code: "unreachable_code", unit: unit.path, index });
      }
    }
  }
  const main = analysis.root;
  if (depths.get(main)?.[main.list.length] !== undefined) {
    warnings.push({ code: "falls_off_end", unit: main.path, index: main.list.length - 1 });
  }
  return warnings;
}
