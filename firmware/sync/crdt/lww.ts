/** Last-writer-wins register and map (sync.md 2). The time is the writer's stamp, so replicas never tie. */
import { canonicalize } from "../../core/canonical-json.ts";
import { hashJson } from "../../core/hash.ts";
import type { Json } from "../../core/json.ts";

export interface LwwEntry {
  readonly v: Json;
  readonly t: string;
  /** A deletion marker; `v` is null. */
  readonly del?: true;
}
export type Lww = LwwEntry | null;
export type LwwMap = { readonly [key: string]: LwwEntry };

/** One stamp with two contents: its writer signed two histories. */
export const isForkedStamp = (a: LwwEntry, b: LwwEntry): boolean =>
  a.t === b.t && (a.del !== b.del || canonicalize(a.v) !== canonicalize(b.v));

/** A total order on what can stand behind one stamp: the value's hash, then the deletion. */
const rank = (entry: LwwEntry): string => hashJson(entry.v) + (entry.del ? "1" : "0");

/** The larger stamp; for a forked stamp the larger sha256(JCS(v)), on every replica the same. */
export function mergeEntry(a: LwwEntry, b: LwwEntry): LwwEntry {
  if (a.t !== b.t) return a.t > b.t ? a : b;
  if (!isForkedStamp(a, b)) return a;
  return rank(a) > rank(b) ? a : b;
}

export const mergeLww = (a: Lww, b: Lww): Lww => (a === null ? b : b === null ? a : mergeEntry(a, b));

export function mergeLwwMap(a: LwwMap, b: LwwMap): LwwMap {
  const out = new Map(Object.entries(a));
  for (const [key, entry] of Object.entries(b)) {
    const known = out.get(key);
    out.set(key, known === undefined ? entry : mergeEntry(known, entry));
  }
  return Object.fromEntries(out);
}

/** Keys that are not deleted. */
export const lwwMapValue = (state: LwwMap): { readonly [key: string]: Json } =>
  Object.fromEntries(
    Object.entries(state)
      .filter(([, entry]) => !entry.del)
      .map(([key, entry]) => [key, entry.v]),
  );
