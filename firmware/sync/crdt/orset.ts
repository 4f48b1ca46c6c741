/** Observed-remove set, add wins (sync.md 2). Element keys are the RFC 8785 text of the element. */
import { canonicalize } from "../../core/canonical-json.ts";
import { type Context, contextHas, EMPTY_CONTEXT, joinContexts, joinDots, nextDotNumber } from "./dots.ts";

export interface OrSet {
  readonly entries: { readonly [element: string]: readonly string[] };
  readonly ctx: Context;
}

export const EMPTY_ORSET: OrSet = { entries: {}, ctx: EMPTY_CONTEXT };

export function mergeOrSet(a: OrSet, b: OrSet): OrSet {
  const seenByA = contextHas(a.ctx);
  const seenByB = contextHas(b.ctx);
  const left = new Map(Object.entries(a.entries));
  const right = new Map(Object.entries(b.entries));
  const entries = new Map<string, readonly string[]>();
  for (const element of [...new Set([...left.keys(), ...right.keys()])].sort()) {
    const dots = joinDots(left.get(element) ?? [], right.get(element) ?? [], seenByA, seenByB);
    if (dots.length > 0) entries.set(element, dots);
  }
  return { entries: Object.fromEntries(entries), ctx: joinContexts(a.ctx, b.ctx) };
}

/** A new dot for the element; the dots it replaces go into the delta's context. */
export function addDelta(state: OrSet, replica: string, element: unknown): OrSet {
  const key = canonicalize(element);
  const dot = `${replica}:${nextDotNumber(state.ctx, replica)}`;
  const replaced = Object.hasOwn(state.entries, key) ? (state.entries[key] ?? []) : [];
  return {
    entries: Object.fromEntries([[key, [dot]]]),
    ctx: joinContexts(EMPTY_CONTEXT, { vv: {}, cloud: [dot, ...replaced] }),
  };
}

/** A context without entries: what was seen of the element is gone, an unseen add stays. */
export function removeDelta(state: OrSet, element: unknown): OrSet {
  const key = canonicalize(element);
  const dots = Object.hasOwn(state.entries, key) ? (state.entries[key] ?? []) : [];
  return { entries: {}, ctx: joinContexts(EMPTY_CONTEXT, { vv: {}, cloud: dots }) };
}

/** The element keys that have a dot, sorted. */
export const orSetElements = (state: OrSet): readonly string[] => Object.keys(state.entries).sort();
