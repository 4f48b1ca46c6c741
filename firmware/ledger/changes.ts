/** Changes and their undoing: history is never edited, it is compensated (ledger.md 12). */
import { canonicalize } from "../core/canonical-json.ts";
import { type Refusal, refusal } from "../core/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../core/json.ts";
import { LEDGER_LIMITS } from "../core/limits.ts";
import type { LedgerEvent } from "./types.ts";

export const MAX_CHANGED_PATHS = LEDGER_LIMITS.changedPaths;

export interface ChangedPaths {
  readonly changedPaths: readonly string[];
  readonly changedPathsTruncated?: true;
}

const escapeStep = (step: string): string => step.replaceAll("~", "~0").replaceAll("/", "~1");

function* paths(a: Json, b: Json, at: string): Generator<string> {
  if (Array.isArray(a) && Array.isArray(b)) {
    const shared = Math.min(a.length, b.length);
    for (let i = 0; i < shared; i++) yield* paths(a[i] ?? null, b[i] ?? null, `${at}/${i}`);
    for (let i = shared; i < Math.max(a.length, b.length); i++) yield `${at}/${i}`;
  } else if (isJsonObject(a) && isJsonObject(b)) {
    for (const key of [...new Set([...Object.keys(a), ...Object.keys(b)])].sort()) {
      const path = `${at}/${escapeStep(key)}`;
      if (!Object.hasOwn(a, key) || !Object.hasOwn(b, key)) yield path;
      else yield* paths(a[key] ?? null, b[key] ?? null, path);
    }
  } else if (canonicalize(a) !== canonicalize(b)) {
    yield at;
  }
}

/** RFC 6901 pointers of what differs, depth first, keys in UTF-16 order, at most 256. */
export function changedPaths(before: Json, after: Json): ChangedPaths {
  const found: string[] = [];
  for (const path of paths(before, after, "")) {
    if (found.length === MAX_CHANGED_PATHS) return { changedPaths: found, changedPathsTruncated: true };
    found.push(path);
  }
  return { changedPaths: found };
}

/**
 * The entry of a change whose values are small; larger ones are recorded as snapshots.
 * @param name what was changed, by which a compensation finds it.
 */
export function changeEvent(
  kind: "config_change" | "rule_change",
  name: string,
  old: Json,
  present: Json,
  actor = "daemon",
): LedgerEvent {
  const { changedPaths: paths, ...more } = changedPaths(old, present);
  const data = { name, old, new: present, changedPaths: [...paths], ...more };
  return { kind, actor, severity: "info", data };
}

/** A recorded entry as compensation sees it. */
export interface RecordedChange {
  readonly index: number;
  readonly kind: string;
  readonly data: JsonObject;
}

export interface Compensation {
  readonly ok: true;
  readonly append: { readonly kind: "compensation"; readonly data: JsonObject };
}

const COMPENSATION = "compensation";
const isChange = ({ kind, data }: RecordedChange): boolean =>
  kind !== COMPENSATION && typeof data.name === "string" && Object.hasOwn(data, "new");

/**
 * What undoing the change at index `target` appends.
 * Refused, all 409: `nothing_to_compensate`, `old_missing`, `already_compensated`, `superseded` {by}.
 */
export function compensate(history: readonly RecordedChange[], target: number): Compensation | Refusal {
  const change = history.find((entry) => entry.index === target);
  if (change === undefined || !isChange(change)) return refusal("nothing_to_compensate", 409);
  const { name = null, old, new: present = null } = change.data;
  if (!Object.hasOwn(change.data, "old") || old === undefined) return refusal("old_missing", 409);
  const undone = new Set(
    history.filter((entry) => entry.kind === COMPENSATION).map((entry) => entry.data.compensates),
  );
  if (undone.has(target)) return refusal("already_compensated", 409);
  const later = history
    .filter((entry) => entry.index > target && isChange(entry) && entry.data.name === name)
    .filter((entry) => !undone.has(entry.index));
  const last = later.reduce<number | null>((max, { index }) => Math.max(max ?? index, index), null);
  if (last !== null) return refusal("superseded", 409, { by: last });
  return {
    ok: true,
    append: { kind: COMPENSATION, data: { compensates: target, name, old: present, new: old } },
  };
}
