import type { Entropy } from "../../../firmware/ports/entropy.ts";
import type { Cell } from "../cell.ts";

/** One step of the world. */
export interface StepTime {
  readonly dtS: number;
  /** True time at the end of the step, in microseconds. */
  readonly atUs: number;
}

/** A part of the world: some cells and the rule that moves them by one step (simulator.md 6). */
export interface WorldNode {
  /** By the second half of their names. */
  readonly cells: Readonly<Record<string, Cell>>;
  /** Of the cells, those that actuators may drive. */
  readonly inputs: readonly string[];
  step(time: StepTime): void;
}

/** The random numbers of one node: stream `world:<node>`. */
export interface NodeEntropy extends Entropy {
  gauss(): number;
}

/** What a node starts with: numbers by name. Names it does not have are refused before it is made. */
export type NodeValues = Readonly<Record<string, number>>;

/** What exists of each kind: its numbers with their defaults, null if one must be given. */
export interface NodeKind {
  readonly values: Readonly<Record<string, number | null>>;
  /** Of the values, those that a schedule or another quantity may drive. */
  readonly drivable: readonly string[];
  /** What can be read besides the values. */
  readonly fields: readonly string[];
  create(values: NodeValues, entropy: NodeEntropy): WorldNode;
}

/** A value that is there, because it was given or has a default. */
export function numberOf(values: NodeValues, name: string): number {
  const value = values[name];
  if (value === undefined) throw new Error(`a node without its value ${name}`);
  return value;
}
