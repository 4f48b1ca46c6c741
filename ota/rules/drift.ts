/** Configuration drift between two devices or environments (rollout.md 19). */
import { type Refusal, refusal } from "../../firmware/core/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../../firmware/core/json.ts";
import { changedPaths } from "../../firmware/ledger/index.ts";

export interface ConfigSide {
  readonly env: string;
  /** By kind and name, for example `output/pump`. */
  readonly items: Readonly<Record<string, Json>>;
}

/** Patterns of RFC 6901 pointers: `*` one segment, a final `**` the rest. */
export interface AllowList {
  readonly pointers: readonly string[];
  readonly environments?: Readonly<Record<string, readonly string[]>>;
  /** Items that may exist on one side only. */
  readonly missing?: readonly string[];
}

export type Difference =
  | { readonly id: string; readonly pointer: string }
  | { readonly id: string; readonly code: "missing_left" | "missing_right" };

export interface DriftReport {
  readonly ok: true;
  /** Exit status of `imuctl fleet drift`: 0 as expected, 1 drifted. */
  readonly exit: 0 | 1;
  /** The first 100. */
  readonly unexpected: readonly Difference[];
  readonly total: number;
}

const MAX_LISTED = 100;
const VOLATILE = ["issuedAt", "updatedAt", "uptimeMs"];

function matchesPointer(pattern: string, pointer: string): boolean {
  const want = pattern.split("/");
  const have = pointer.split("/");
  for (const [i, part] of want.entries()) {
    if (part === "**") return true;
    if (have[i] === undefined || (part !== "*" && part !== have[i])) return false;
  }
  return want.length === have.length;
}

function steady(item: Json): Json {
  if (!isJsonObject(item)) return item;
  return Object.fromEntries(Object.entries(item).filter(([key]) => !VOLATILE.includes(key)));
}

const own = <T>(table: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(table, key) ? table[key] : undefined;

/** A difference is expected if the common list or the list of either side's environment allows it. */
export function configDrift(
  left: ConfigSide,
  right: ConfigSide,
  allow: AllowList | undefined,
): DriftReport | Refusal {
  if (!allow) return refusal("allow_list_missing", 412, { exit: 2 } satisfies JsonObject);
  const environments = allow.environments ?? {};
  const patterns = [
    ...allow.pointers,
    ...(own(environments, left.env) ?? []),
    ...(own(environments, right.env) ?? []),
  ];
  const found: Difference[] = [];
  const ids = [...new Set([...Object.keys(left.items), ...Object.keys(right.items)])].sort();
  for (const id of ids) {
    const a = own(left.items, id);
    const b = own(right.items, id);
    if (a === undefined || b === undefined) {
      if (!allow.missing?.includes(id))
        found.push({ id, code: a === undefined ? "missing_left" : "missing_right" });
      continue;
    }
    for (const pointer of changedPaths(steady(a), steady(b)).changedPaths) {
      if (!patterns.some((pattern) => matchesPointer(pattern, pointer))) found.push({ id, pointer });
    }
  }
  const exit = found.length === 0 ? 0 : 1;
  return { ok: true, exit, unexpected: found.slice(0, MAX_LISTED), total: found.length };
}
