/** Collects the steps of a run for people: what is about to run, and the state it finds. */
import type { SourceLines } from "../authoring/source-map.ts";
import { printInstruction } from "../authoring/text/index.ts";
import type { SourcePosition } from "../authoring/types.ts";
import { type Units, unitsOf } from "../authoring/units.ts";
import type { Json } from "../core/json.ts";
import type { Machine, MachineView, ProgramDocument } from "../vm/index.ts";

export interface TracedStep {
  /** Steps used before it. */
  readonly step: number;
  readonly task: number;
  readonly turn: number;
  readonly unit: string;
  readonly index: number;
  readonly fn: string | null;
  readonly instruction: string;
  readonly stack: readonly Json[];
  readonly registers: Readonly<Record<string, Json>>;
  readonly memoryBytes: number;
  readonly source: SourcePosition | null;
}

export interface TraceRange {
  /** The first step that is kept, by the steps used before it. */
  readonly from: number;
  /** How many are kept. */
  readonly count: number;
  /** Null for all tasks. */
  readonly task: number | null;
}

export class StepTrace {
  readonly #units: Units;
  readonly #lines: SourceLines;
  readonly #range: TraceRange;
  readonly steps: TracedStep[] = [];
  /** There was more than was asked for. */
  isCut = false;

  constructor(document: ProgramDocument, lines: SourceLines, range: TraceRange) {
    this.#units = unitsOf(document);
    this.#lines = lines;
    this.#range = range;
  }

  readonly observe = (machine: Machine): void => {
    const { from, count, task } = this.#range;
    if (machine.steps < from || this.isCut) return;
    const view = machine.inspect();
    if (view === null || (task !== null && view.task !== task)) return;
    if (this.steps.length >= count) this.isCut = true;
    else this.steps.push(this.#step(view));
  };

  #step({ task, turn, at, stack, registers, steps, memoryBytes }: MachineView): TracedStep {
    const instr = this.#units.get(at.unit)?.[at.index];
    return {
      step: steps,
      task,
      turn,
      ...at,
      instruction: instr === undefined ? "" : printInstruction(instr),
      stack,
      registers,
      memoryBytes,
      source: this.#lines.positionOf(at.unit, at.index),
    };
  }
}
