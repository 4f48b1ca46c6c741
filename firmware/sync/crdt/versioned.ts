/** Register for results of fleet decisions (sync.md 2): a larger version wins, then the larger stamp. */
import { canonicalize } from "../../core/canonical-json.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import { isForkedStamp, mergeEntry } from "./lww.ts";

export interface VersionedEntry {
  readonly v: Json;
  readonly version: number;
  /** 0..1 */
  readonly strength: number;
  readonly t: string;
  readonly meta: JsonObject;
}
export type Versioned = VersionedEntry | null;

export interface VersionedReceipt {
  readonly upserted: boolean;
  readonly version: number;
  readonly value: Json;
  readonly strength: number;
}

export const DEFAULT_STRENGTH = 0.5;

export const clampStrength = (strength: number): number => Math.min(1, Math.max(0, strength));

function larger(a: VersionedEntry, b: VersionedEntry): VersionedEntry {
  if (a.version !== b.version) return a.version > b.version ? a : b;
  if (a.t !== b.t) return a.t > b.t ? a : b;
  if (isForkedStamp(a, b)) return mergeEntry(a, b) === a ? a : b;
  return canonicalize(a) >= canonicalize(b) ? a : b;
}

export const mergeVersioned = (a: Versioned, b: Versioned): Versioned =>
  a === null ? b : b === null ? a : larger(a, b);

/** Writes and tells what stands afterwards; a smaller version changes nothing. */
export function writeVersioned(
  state: Versioned,
  write: VersionedEntry,
): { readonly state: VersionedEntry; readonly receipt: VersionedReceipt } {
  const entry = { ...write, strength: clampStrength(write.strength) };
  const standing = state === null ? entry : larger(state, entry);
  const { v: value, version, strength } = standing;
  return { state: standing, receipt: { upserted: standing === entry, version, value, strength } };
}
