/** Tighten-only merging: a layer may make a value stricter, never looser (policy.md 8). */
import { canonicalize } from "../core/canonical-json.ts";
import { isJsonObject, type Json, type JsonObject, member } from "../core/json.ts";
import { issue, pointer, sortIssues } from "./shape.ts";
import type { PolicyIssue } from "./types.ts";

/**
 * Which way is tighter. `lower` and `higher` compare numbers, null being "no limit" and the loosest; `union` lists
 * may only grow, `intersection` lists only shrink; `true`/`false` name the tighter truth value; a list of words
 * orders an enumeration from loose to tight; `each` applies to every member of an object; `fixed` may not change.
 */
export type Direction =
  | "lower"
  | "higher"
  | "union"
  | "intersection"
  | "true"
  | "false"
  | "fixed"
  | readonly string[]
  | { readonly each: Direction }
  | { readonly keys: DirectionTable };
export type DirectionTable = { readonly [key: string]: Direction };

/** `document`: a looser value is an error of the author. `runtime`: the stricter value simply holds. */
export type TightenMode = "document" | "runtime";

export type TightenResult =
  | { readonly ok: true; readonly effective: JsonObject }
  | { readonly ok: false; readonly errors: readonly PolicyIssue[] };

interface Merge {
  readonly mode: TightenMode;
  readonly errors: PolicyIssue[];
}

const sortedDistinct = (items: readonly Json[]): readonly Json[] => {
  const byText = new Map(items.map((item) => [canonicalize(item), item]));
  return [...byText.keys()].sort().flatMap((key) => {
    const item = byText.get(key);
    return item === undefined ? [] : [item];
  });
};

const includes = (items: readonly Json[], item: Json): boolean => {
  const text = canonicalize(item);
  return items.some((other) => canonicalize(other) === text);
};

/** Positive if `b` is tighter than `a`, negative if looser, 0 if equal, NaN if they do not compare. */
function compareTightness(a: Json, b: Json, direction: Direction): number {
  if (direction === "lower" || direction === "higher") {
    if (a === null || b === null) return (b === null ? 0 : 1) - (a === null ? 0 : 1);
    if (typeof a !== "number" || typeof b !== "number") return Number.NaN;
    return direction === "lower" ? a - b : b - a;
  }
  if (direction === "true" || direction === "false") {
    if (typeof a !== "boolean" || typeof b !== "boolean") return Number.NaN;
    const tight = direction === "true";
    return (b === tight ? 1 : 0) - (a === tight ? 1 : 0);
  }
  if (Array.isArray(direction)) {
    const [from, to] = [direction.indexOf(a), direction.indexOf(b)];
    return from < 0 || to < 0 ? Number.NaN : to - from;
  }
  return canonicalize(a) === canonicalize(b) ? 0 : Number.NaN;
}

function loosens(path: string, base: Json, value: Json): PolicyIssue {
  return issue("override_loosens", path, "The value is looser than the one it would replace.", {
    base,
    value,
  });
}

function mergeLists(
  base: Json,
  value: Json,
  kind: "union" | "intersection",
  path: string,
  merge: Merge,
): Json {
  if (base === null) return Array.isArray(value) ? sortedDistinct(value) : value;
  if (!Array.isArray(base) || !Array.isArray(value)) return mismatch(base, value, path, merge);
  const [kept, whole] = kind === "union" ? [base, value] : [value, base];
  if (merge.mode === "document" && kept.some((item) => !includes(whole, item))) {
    merge.errors.push(loosens(path, base, value));
  }
  return sortedDistinct(
    kind === "union" ? [...base, ...value] : base.filter((item) => includes(value, item)),
  );
}

function mismatch(base: Json, value: Json, path: string, merge: Merge): Json {
  merge.errors.push(issue("wrong_type", path, "The value cannot be compared with the one it overrides."));
  return base ?? value;
}

function mergeValue(
  base: Json | undefined,
  value: Json,
  direction: Direction,
  path: string,
  merge: Merge,
): Json {
  if (typeof direction === "object" && !Array.isArray(direction)) {
    return mergeNested(base, value, direction as Exclude<Direction, string | readonly string[]>, path, merge);
  }
  if (direction === "union" || direction === "intersection") {
    return mergeLists(base ?? null, value, direction, path, merge);
  }
  if (base === undefined) return value;
  const order = compareTightness(base, value, direction);
  if (Number.isNaN(order)) return mismatch(base, value, path, merge);
  if (order < 0 && merge.mode === "document") merge.errors.push(loosens(path, base, value));
  return order > 0 ? value : base;
}

function mergeNested(
  base: Json | undefined,
  value: Json,
  direction: { readonly each: Direction } | { readonly keys: DirectionTable },
  path: string,
  merge: Merge,
): Json {
  const from = base ?? {};
  if (!isJsonObject(from) || !isJsonObject(value)) return mismatch(from, value, path, merge);
  const out: Record<string, Json> = { ...from };
  for (const [key, item] of Object.entries(value)) {
    const at = pointer(path, key);
    const rule =
      "each" in direction
        ? direction.each
        : Object.hasOwn(direction.keys, key)
          ? direction.keys[key]
          : undefined;
    if (rule === undefined || key === "__proto__") {
      merge.errors.push(issue("unknown_field", at, `"${key}" cannot be overridden.`));
    } else out[key] = mergeValue(member(from, key), item, rule, at, merge);
  }
  return out;
}

/**
 * Merges an override over a base, key by key in the direction of the table; neither is changed. The result is
 * associative, commutative and idempotent, lists are sorted.
 * Errors are values: `override_loosens` (mode `document`), `unknown_field`, `wrong_type`, all of them at once.
 */
export function tightenValues(
  base: JsonObject,
  override: JsonObject,
  directions: DirectionTable,
  mode: TightenMode,
  path = "",
): TightenResult {
  const merge: Merge = { mode, errors: [] };
  const effective = mergeNested(base, override, { keys: directions }, path, merge);
  if (merge.errors.length > 0 || !isJsonObject(effective)) {
    return { ok: false, errors: sortIssues(merge.errors) };
  }
  return { ok: true, effective };
}

/** JSON pointers at which `next` is looser than `base`; keys without a direction are not judged. */
export function looserPointers(
  base: JsonObject,
  next: JsonObject,
  directions: DirectionTable,
  path = "",
): string[] {
  return Object.entries(directions).flatMap(([key, direction]) =>
    looserAt(member(base, key), member(next, key), direction, pointer(path, key)),
  );
}

function looserAt(a: Json | undefined, b: Json | undefined, direction: Direction, path: string): string[] {
  if (a === undefined) return [];
  if (typeof direction === "object" && !Array.isArray(direction)) {
    const from = isJsonObject(a) ? a : {};
    const to = isJsonObject(b ?? null) ? (b as JsonObject) : {};
    const nested = direction as { readonly each: Direction } | { readonly keys: DirectionTable };
    const table: DirectionTable =
      "keys" in nested ? nested.keys : Object.fromEntries(Object.keys(from).map((key) => [key, nested.each]));
    return looserPointers(from, to, table, path);
  }
  if (b === undefined) return [path];
  if (direction === "union" || direction === "intersection") {
    if (!Array.isArray(a) || !Array.isArray(b)) return [];
    const [kept, whole] = direction === "union" ? [a, b] : [b, a];
    return kept.some((item) => !includes(whole, item)) ? [path] : [];
  }
  return compareTightness(a, b, direction) < 0 ? [path] : [];
}
