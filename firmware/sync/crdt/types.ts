/** The CRDT types by name: empty state, merge, value. States and deltas have one shape, so one merge serves both. */
import type { Json } from "../../core/json.ts";
import {
  type GCounter,
  gcounterValue,
  mergeGCounter,
  mergePnCounter,
  type PnCounter,
  pncounterValue,
} from "./counters.ts";
import { type EventSet, mergeEventSet } from "./eventset.ts";
import { type Lww, type LwwMap, lwwMapValue, mergeLww, mergeLwwMap } from "./lww.ts";
import { EMPTY_ORMAP, mergeOrMap, type OrMap, orMapValue } from "./ormap.ts";
import { EMPTY_ORSET, mergeOrSet, type OrSet, orSetElements } from "./orset.ts";
import { mergeVersioned, type Versioned } from "./versioned.ts";

export type CrdtState =
  | { readonly type: "gcounter"; readonly d: GCounter }
  | { readonly type: "pncounter"; readonly d: PnCounter }
  | { readonly type: "lww"; readonly d: Lww }
  | { readonly type: "lwwmap"; readonly d: LwwMap }
  | { readonly type: "orset"; readonly d: OrSet }
  | { readonly type: "ormap"; readonly d: OrMap }
  | { readonly type: "eventset"; readonly d: EventSet }
  | { readonly type: "versioned"; readonly d: Versioned };

export type CrdtType = CrdtState["type"];
export const CRDT_TYPES: readonly CrdtType[] = [
  "gcounter",
  "pncounter",
  "lww",
  "lwwmap",
  "orset",
  "ormap",
  "eventset",
  "versioned",
];

export function emptyState(type: CrdtType): CrdtState {
  switch (type) {
    case "gcounter":
    case "lwwmap":
    case "eventset":
      return { type, d: {} };
    case "pncounter":
      return { type, d: { p: {}, n: {} } };
    case "lww":
    case "versioned":
      return { type, d: null };
    case "orset":
      return { type, d: EMPTY_ORSET };
    case "ormap":
      return { type, d: EMPTY_ORMAP };
  }
}

/** The join of two states or of a state and a delta. Different types never meet: the state stands unchanged. */
export function mergeState(a: CrdtState, b: CrdtState): CrdtState {
  if (a.type === "gcounter" && b.type === a.type) return { type: a.type, d: mergeGCounter(a.d, b.d) };
  if (a.type === "pncounter" && b.type === a.type) return { type: a.type, d: mergePnCounter(a.d, b.d) };
  if (a.type === "lww" && b.type === a.type) return { type: a.type, d: mergeLww(a.d, b.d) };
  if (a.type === "lwwmap" && b.type === a.type) return { type: a.type, d: mergeLwwMap(a.d, b.d) };
  if (a.type === "orset" && b.type === a.type) return { type: a.type, d: mergeOrSet(a.d, b.d) };
  if (a.type === "ormap" && b.type === a.type) return { type: a.type, d: mergeOrMap(a.d, b.d) };
  if (a.type === "eventset" && b.type === a.type) return { type: a.type, d: mergeEventSet(a.d, b.d) };
  if (a.type === "versioned" && b.type === a.type) return { type: a.type, d: mergeVersioned(a.d, b.d) };
  return a;
}

/** What readers see of a state. */
export function stateValue(state: CrdtState): Json {
  switch (state.type) {
    case "gcounter":
      return gcounterValue(state.d);
    case "pncounter":
      return pncounterValue(state.d);
    case "lww":
      return state.d?.v ?? null;
    case "lwwmap":
      return lwwMapValue(state.d);
    case "orset":
      return orSetElements(state.d);
    case "ormap":
      return orMapValue(state.d);
    case "eventset":
      return Object.fromEntries(Object.entries(state.d).map(([id, event]) => [id, { ...event }]));
    case "versioned":
      return state.d?.v ?? null;
  }
}
