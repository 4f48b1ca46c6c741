/** Makes the code of one function shorter without changing what it does: places, jumps and what nobody reaches. */
import { type Item, Label, type Operation } from "./code.ts";

const ENDS = new Set(["JUMP", "RET", "HALT", "RESPOND", "FAIL"]);
/** Endings that cannot fail and read nothing but registers, so that a jump to one may be replaced by a copy. */
const isPlainEnding = ({ op, fields }: Operation): boolean =>
  op === "HALT" || (op === "RET" && (fields.value === undefined || typeof fields.value !== "object"));
const PURE_PUSH = new Set(["PUSH", "LOAD", "DUP"]);
/** Operations that refuse everything but numbers, the second one a literal number. */
const BINARY = new Set(["ADD", "SUB", "MUL", "DIV", "MOD", "IDIV", "MIN", "MAX", "LT", "LE", "GT", "GE"]);
const UNARY = new Set(["NEG", "ABS", "FLOOR", "CEIL", "TRUNC", "ROUND", "SQRT"]);
/** Every pass removes or retargets something; a bound against a pair of rules that undo each other. */
const MAX_PASSES = 1000;

interface Layout {
  /** Index of the first operation at or after each label. */
  readonly at: ReadonlyMap<Label, number>;
}

function layoutOf(items: readonly Item[]): Layout {
  const at = new Map<Label, number>();
  let next = items.length;
  for (let index = items.length - 1; index >= 0; index--) {
    const item = items[index];
    if (item instanceof Label) at.set(item, next);
    else next = index;
  }
  return { at };
}

const operationAt = (items: readonly Item[], index: number): Operation | null => {
  const item = items[index];
  return item === undefined || item instanceof Label ? null : item;
};

/** The ENDTRY of each TRY; regions nest in list order. */
function regionEnds(items: readonly Item[]): ReadonlyMap<number, number> {
  const ends = new Map<number, number>();
  const open: number[] = [];
  for (const [index, item] of items.entries()) {
    if (item.kind === "label") continue;
    if (item.op === "TRY") open.push(index);
    if (item.op === "ENDTRY") ends.set(index, open.pop() ?? -1);
  }
  return ends;
}

/** Drops what no path reaches, and labels that nothing names. An ENDTRY stays as long as its TRY. */
function dropUnreachable(items: readonly Item[]): readonly Item[] {
  const { at } = layoutOf(items);
  const reached = new Set<number>();
  const named = new Set<Label>();
  const open = [0];
  for (let index = open.pop(); index !== undefined; index = open.pop()) {
    if (index >= items.length || reached.has(index)) continue;
    reached.add(index);
    const item = operationAt(items, index);
    if (item?.target) {
      named.add(item.target);
      open.push(at.get(item.target) ?? items.length);
    }
    if (item === null || !ENDS.has(item.op)) open.push(index + 1);
  }
  const ends = regionEnds(items);
  return items.filter((item, index) => {
    if (item instanceof Label) return named.has(item);
    return item.op === "ENDTRY" ? reached.has(ends.get(index) ?? -1) : reached.has(index);
  });
}

/** A jump to a jump goes where that goes; a jump to an ending ends by itself. */
function thread(items: readonly Item[]): readonly Item[] {
  const { at } = layoutOf(items);
  const destination = (label: Label): Operation | null => operationAt(items, at.get(label) ?? items.length);
  const final = (label: Label): Label => {
    const seen = new Set<Label>();
    let current = label;
    for (;;) {
      const next = destination(current);
      if (next?.op !== "JUMP" || next.target === null || seen.has(current)) return current;
      seen.add(current);
      current = next.target;
    }
  };
  return items.map((item) => {
    if (item instanceof Label || item.target === null || item.op === "TRY") return item;
    const target = final(item.target);
    const ending = destination(target);
    if (item.op === "JUMP" && ending !== null && isPlainEnding(ending))
      return { ...ending, position: item.position };
    return target === item.target ? item : { ...item, target };
  });
}

/** One label where several stand together. */
function mergeLabels(items: readonly Item[]): readonly Item[] {
  const first = new Map<Label, Label>();
  let previous: Label | null = null;
  for (const item of items) {
    if (item instanceof Label) {
      first.set(item, previous ?? item);
      previous ??= item;
    } else previous = null;
  }
  const kept = items.filter((item) => !(item instanceof Label) || first.get(item) === item);
  return kept.map((item) => {
    if (item instanceof Label || item.target === null) return item;
    const target = first.get(item.target) ?? item.target;
    return target === item.target ? item : { ...item, target };
  });
}

/** Labels between `from` and the next operation. */
function labelsAfter(items: readonly Item[], from: number): readonly Label[] {
  const labels: Label[] = [];
  for (let index = from; index < items.length; index++) {
    const item = items[index];
    if (!(item instanceof Label)) break;
    labels.push(item);
  }
  return labels;
}

const isPushOfNumber = (item: Operation | null): boolean =>
  item?.op === "PUSH" && typeof item.fields.value === "number";
const adds = (items: readonly Item[], index: number): boolean =>
  operationAt(items, index)?.fields.value === 0 &&
  isPushOfNumber(operationAt(items, index)) &&
  operationAt(items, index + 1)?.op === "ADD";

/** Adding 0 checks that a value is a number; needless where the next operation does. */
function isCheckedAnyway(items: readonly Item[], index: number): boolean {
  if (!adds(items, index)) return false;
  const third = operationAt(items, index + 2);
  if (third !== null && UNARY.has(third.op)) return true;
  return isPushOfNumber(third) && BINARY.has(operationAt(items, index + 3)?.op ?? "");
}

/** What two or three neighbours come to, with the number of items it replaces; null if they stay. */
function reduced(
  items: readonly Item[],
  index: number,
): { readonly by: readonly Item[]; readonly of: number } | null {
  const first = operationAt(items, index);
  const second = operationAt(items, index + 1);
  if (first === null) return null;
  if (first.op === "JUMP" && first.target && labelsAfter(items, index + 1).includes(first.target))
    return { by: [], of: 1 };
  if (second === null) return null;
  if (isCheckedAnyway(items, index)) return { by: [], of: 2 };
  if (PURE_PUSH.has(first.op) && second.op === "POP") return { by: [], of: 2 };
  const isBranch = second.op === "JZ" || second.op === "JNZ";
  if (first.op === "NOT" && isBranch)
    return { by: [{ ...second, op: second.op === "JZ" ? "JNZ" : "JZ" }], of: 2 };
  const branches = first.op === "JZ" || first.op === "JNZ";
  if (
    branches &&
    second.op === "JUMP" &&
    first.target &&
    labelsAfter(items, index + 2).includes(first.target)
  )
    return { by: [{ ...first, op: first.op === "JZ" ? "JNZ" : "JZ", target: second.target }], of: 2 };
  // The region ends before the run, the function or the path does, so that its end is reached.
  if (second.op === "ENDTRY" && (first.op === "JUMP" || isPlainEnding(first)))
    return { by: [second, first], of: 2 };
  return null;
}

function neighbours(items: readonly Item[]): readonly Item[] {
  const out: Item[] = [];
  for (let index = 0; index < items.length; ) {
    const item = items[index];
    const change = reduced(items, index);
    if (change !== null) {
      out.push(...change.by);
      index += change.of;
    } else {
      if (item !== undefined) out.push(item);
      index++;
    }
  }
  return out;
}

const same = (a: readonly Item[], b: readonly Item[]): boolean =>
  a.length === b.length && a.every((item, i) => item === b[i]);

/** The same behaviour in fewer instructions and steps. */
export function optimise(items: readonly Item[]): readonly Item[] {
  let current = items;
  for (let pass = 0; pass < MAX_PASSES; pass++) {
    const next = neighbours(mergeLabels(dropUnreachable(thread(current))));
    if (same(next, current)) return next;
    current = next;
  }
  return current;
}
