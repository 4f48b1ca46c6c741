/** Counts what the steps of a run cost, by function, label, source line or instruction. */
import type { SourceLines } from "../authoring/source-map.ts";
import { printInstruction } from "../authoring/text/index.ts";
import { labelsOf, type Units, unitsOf } from "../authoring/units.ts";
import type { Machine, MachineResult, MachineView, ProgramDocument } from "../vm/index.ts";

export const GROUPINGS = ["function", "label", "line", "instruction"] as const;
export type Grouping = (typeof GROUPINGS)[number];

export interface ProfileRow {
  readonly name: string;
  /** Instructions that ran. */
  runs: number;
  /** Metered steps, bulk work included. */
  steps: number;
  /** Bytes of the memory model that were allocated. */
  memoryBytes: number;
  /** Ms of this machine, measured around each step; tells shares, not the speed on a board. */
  wallMs: number;
}

export interface CallCount {
  readonly capability: string;
  calls: number;
  failed: number;
  /** Ms until the answers, null if no answer says its time. */
  ms: number | null;
}

type Place = MachineView["at"];

export class StepProfile {
  readonly #units: Units;
  readonly #labels = new Map<string, readonly (string | null)[]>();
  readonly #lines: SourceLines;
  readonly #by: Grouping;
  readonly #now: () => number;
  readonly #rows = new Map<string, ProfileRow>();
  #machine: Machine | null = null;
  /** The step that runs: its row and the figures before it. */
  #open: {
    readonly row: ProfileRow;
    readonly steps: number;
    readonly memory: number;
    readonly at: number;
  } | null = null;

  /** @param now monotonic ms. */
  constructor(document: ProgramDocument, lines: SourceLines, by: Grouping, now: () => number) {
    this.#units = unitsOf(document);
    for (const [unit, list] of this.#units) this.#labels.set(unit, labelsOf(list));
    this.#lines = lines;
    this.#by = by;
    this.#now = now;
  }

  readonly observe = (machine: Machine): void => {
    this.#machine = machine;
    this.#close(machine.steps, machine.memoryBytes);
    const at = machine.place;
    if (at === null) return;
    const row = this.#row(this.#nameOf(at));
    row.runs++;
    this.#open = { row, steps: machine.steps, memory: machine.memoryBytes, at: this.#now() };
  };

  /** The rows, those with the most steps first. */
  finish({ metrics }: MachineResult): readonly ProfileRow[] {
    this.#close(metrics.cpuSteps, this.#machine?.memoryBytes ?? 0);
    return [...this.#rows.values()].sort((a, b) => b.steps - a.steps || (a.name < b.name ? -1 : 1));
  }

  #close(steps: number, memory: number): void {
    if (this.#open === null) return;
    const { row, steps: before, memory: had, at } = this.#open;
    row.wallMs += this.#now() - at;
    row.steps += steps - before;
    // Frames are given back when a function returns; what counts is what was taken.
    row.memoryBytes += Math.max(0, memory - had);
    this.#open = null;
  }

  #row(name: string): ProfileRow {
    const known = this.#rows.get(name);
    if (known !== undefined) return known;
    const row: ProfileRow = { name, runs: 0, steps: 0, memoryBytes: 0, wallMs: 0 };
    this.#rows.set(name, row);
    return row;
  }

  #nameOf({ unit, index, fn }: Place): string {
    const frame = fn ?? (unit === "code" ? "(main)" : unit);
    if (this.#by === "function") return frame;
    if (this.#by === "label") {
      const label = this.#labels.get(unit)?.[index] ?? null;
      return label === null ? frame : `${frame} ${label}:`;
    }
    const source = this.#lines.positionOf(unit, index);
    if (this.#by === "line" && source !== null) return `${source.file}:${source.line}`;
    const instr = this.#units.get(unit)?.[index];
    return `${unit}:${index} ${instr === undefined ? "" : printInstruction(instr)}`;
  }
}

/** Calls by capability in the order of their first; times belong to calls by the order in which they were made. */
export function countCalls(
  { journal }: MachineResult,
  latencies: readonly (number | null)[],
): readonly CallCount[] {
  const counts = new Map<string, CallCount>();
  const calls = journal.filter((entry) => entry.t === "call");
  for (const [i, { capability, ok }] of calls.entries()) {
    const count = counts.get(capability) ?? { capability, calls: 0, failed: 0, ms: null };
    counts.set(capability, count);
    count.calls++;
    if (!ok) count.failed++;
    const ms = latencies[i] ?? null;
    if (ms !== null) count.ms = (count.ms ?? 0) + ms;
  }
  return [...counts.values()];
}
