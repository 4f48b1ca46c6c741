import type { Cell } from "./cell.ts";
import { DrivenCell } from "./drive.ts";
import type { StepTime, WorldNode } from "./nodes/node.ts";

/** A node in its world, with what drives its cells and what holds them. */
export class PlacedNode {
  readonly name: string;
  readonly node: WorldNode;
  readonly #driven: DrivenCell[] = [];
  readonly #held = new Map<Cell, number>();

  constructor(name: string, node: WorldNode) {
    this.name = name;
    this.node = node;
  }

  driven(cell: Cell): DrivenCell {
    const known = this.#driven.find((other) => other.cell === cell);
    if (known) return known;
    const made = new DrivenCell(cell);
    this.#driven.push(made);
    return made;
  }

  /** Keeps a cell at a value until it is released. */
  hold(cell: Cell, value: number): void {
    this.#held.set(cell, value);
    cell.value = value;
  }

  release(cell: Cell): void {
    this.#held.delete(cell);
  }

  step(time: StepTime, fromUs: number): void {
    for (const driven of this.#driven) driven.update(fromUs);
    if (this.#held.size > 0) this.#keep();
    this.node.step(time);
    if (this.#held.size > 0) this.#keep();
  }

  #keep(): void {
    for (const [cell, value] of this.#held) cell.value = value;
  }
}
