/** What one line did, as the board saw it. */
import type { Level } from "../../../firmware/ports/hardware.ts";
import type { LineMove } from "./invariant.ts";

/** Position of the first item for which `isPast` holds; items are ordered by it. */
export function firstPast<T>(items: readonly T[], isPast: (item: T) => boolean): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const item = items[middle];
    if (item !== undefined && isPast(item)) high = middle;
    else low = middle + 1;
  }
  return low;
}

export class LineHistory {
  readonly moves: readonly LineMove[];

  constructor(moves: readonly LineMove[]) {
    this.moves = moves;
  }

  /** The level after everything that happened up to and at `atUs`; null while nobody drives the line. */
  levelAt(atUs: number): Level | null {
    const after = firstPast(this.moves, (move) => move.atUs > atUs);
    return this.moves[after - 1]?.level ?? null;
  }

  /** Whether the line had one of these levels at some moment of [fromUs, toUs]. */
  hadLevel(fromUs: number, toUs: number, isRight: (level: Level | null) => boolean): boolean {
    if (isRight(this.levelAt(fromUs))) return true;
    return this.between(fromUs, toUs).some(({ level }) => isRight(level));
  }

  /** Moves in (fromUs, toUs]. */
  between(fromUs: number, toUs: number): readonly LineMove[] {
    const first = firstPast(this.moves, (move) => move.atUs > fromUs);
    const end = firstPast(this.moves, (move) => move.atUs > toUs);
    return this.moves.slice(first, end);
  }
}

export function historiesOf(moves: readonly LineMove[]): ReadonlyMap<number, LineHistory> {
  const byLine = new Map<number, LineMove[]>();
  for (const move of moves) {
    const known = byLine.get(move.line);
    if (known) known.push(move);
    else byLine.set(move.line, [move]);
  }
  return new Map([...byLine].map(([line, list]) => [line, new LineHistory(list)]));
}
