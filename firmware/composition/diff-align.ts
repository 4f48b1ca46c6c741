/** Lays two lists side by side: the longest common subsequence, within a bound. */

/** Products of lengths beyond this are not compared cell by cell: what lies between the ends counts as different. */
const MAX_CELLS = 1_000_000;

/** One line of the two lists: an index in each, null where that list has nothing. */
export interface Line {
  readonly left: number | null;
  readonly right: number | null;
}

/** Lengths of the longest common subsequence of what begins at each pair of indices. */
function lengths(left: readonly string[], right: readonly string[]): Uint32Array {
  const width = right.length + 1;
  const table = new Uint32Array((left.length + 1) * width);
  const at = (i: number, j: number): number => table[i * width + j] ?? 0;
  for (let i = left.length - 1; i >= 0; i--) {
    for (let j = right.length - 1; j >= 0; j--) {
      table[i * width + j] =
        left[i] === right[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  return table;
}

function middle(left: readonly string[], right: readonly string[], offset: number): Line[] {
  const isBounded = (left.length + 1) * (right.length + 1) <= MAX_CELLS;
  const table = isBounded ? lengths(left, right) : new Uint32Array();
  const width = right.length + 1;
  const lines: Line[] = [];
  let [i, j] = [0, 0];
  while (i < left.length || j < right.length) {
    if (isBounded && i < left.length && j < right.length && left[i] === right[j]) {
      lines.push({ left: offset + i++, right: offset + j++ });
    } else if (
      j >= right.length ||
      (i < left.length && (table[(i + 1) * width + j] ?? 0) >= (table[i * width + j + 1] ?? 0))
    ) {
      lines.push({ left: offset + i++, right: null });
    } else lines.push({ left: null, right: offset + j++ });
  }
  return lines;
}

/** Every index of both lists once, in order; equal keys beside each other. */
export function align(left: readonly string[], right: readonly string[]): readonly Line[] {
  const shortest = Math.min(left.length, right.length);
  let head = 0;
  while (head < shortest && left[head] === right[head]) head++;
  let tail = 0;
  while (tail < shortest - head && left.at(-1 - tail) === right.at(-1 - tail)) tail++;
  const same = (count: number, i: number, j: number): Line[] =>
    Array.from({ length: count }, (_, k) => ({ left: i + k, right: j + k }));
  const between = middle(left.slice(head, left.length - tail), right.slice(head, right.length - tail), head);
  return [...same(head, 0, 0), ...between, ...same(tail, left.length - tail, right.length - tail)];
}
