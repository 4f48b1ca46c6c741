/**
 * The depth of the stack before each instruction, for readers. The verifier's rule in small (vm.md 6, phase D): every
 * reachable instruction has one depth; of a program that does not verify, the first that is found.
 */
import type { JsonObject } from "../core/json.ts";
import { instructionSpec, type ProgramDocument } from "../vm/index.ts";
import { unitsOf } from "./units.ts";

/** Where control goes from an instruction: index and depth there. */
type Edge = readonly [index: number, depth: number];

class UnitDepths {
  readonly #list: readonly JsonObject[];
  readonly #labels = new Map<unknown, number>();
  readonly #ends = new Map<number, number>();
  readonly depths: (number | undefined)[];

  constructor(list: readonly JsonObject[]) {
    this.#list = list;
    this.depths = list.map(() => undefined);
    let open = -1;
    for (const [index, { op, name }] of list.entries()) {
      if (op === "LABEL" && !this.#labels.has(name)) this.#labels.set(name, index);
      if (op === "FUNC") open = index;
      else if (op === "ENDFUNC" && open >= 0) this.#ends.set(open, index);
    }
  }

  run(): void {
    const starts: Edge[] = [[0, 0]];
    for (const [start] of this.#ends) starts.push([start + 1, 0]);
    const open: Edge[] = starts.reverse();
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const [index, depth] = next;
      if (index >= this.#list.length || this.depths[index] !== undefined) continue;
      this.depths[index] = depth;
      open.push(...this.#edges(index, depth));
    }
  }

  #edges(index: number, depth: number): readonly Edge[] {
    const instr = this.#list[index] ?? {};
    const spec = instructionSpec(String(instr.op));
    if (spec === undefined) return [];
    // Main code goes around its functions.
    const end = this.#ends.get(index);
    if (instr.op === "FUNC" && end !== undefined) return [[end + 1, depth]];
    const after = Math.max(0, depth - spec.pops) + spec.pushes;
    const flow = spec.extra.flow ?? "next";
    const edges: Edge[] = flow === "next" || flow === "branch" ? [[index + 1, after]] : [];
    if (flow === "jump" || flow === "branch") {
      const to = instr.label === undefined ? Number(instr.to) : this.#labels.get(instr.label);
      if (to !== undefined && Number.isInteger(to) && to >= 0) edges.push([to, after]);
    }
    const handler = instr.op === "TRY" ? this.#labels.get(instr.handler) : undefined;
    return handler === undefined ? edges : [...edges, [handler, depth + 1]];
  }
}

/** By `unit:index`; what cannot be reached has none. */
export function stackDepths(document: ProgramDocument): ReadonlyMap<string, number> {
  const all = new Map<string, number>();
  for (const [unit, list] of unitsOf(document)) {
    const depths = new UnitDepths(list);
    depths.run();
    for (const [index, depth] of depths.depths.entries()) {
      if (depth !== undefined) all.set(`${unit}:${index}`, depth);
    }
  }
  return all;
}
