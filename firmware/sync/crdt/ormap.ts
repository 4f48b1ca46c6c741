/** Observed-remove map of multi-value registers (sync.md 2): unseen puts survive a removal. */
import type { Json } from "../../core/json.ts";
import { type Context, contextHas, EMPTY_CONTEXT, joinContexts, joinDots, nextDotNumber } from "./dots.ts";
import { type LwwEntry, mergeEntry } from "./lww.ts";

export type Dotted = { readonly [dot: string]: LwwEntry };
export interface OrMap {
  readonly entries: { readonly [key: string]: Dotted };
  readonly ctx: Context;
}

export const EMPTY_ORMAP: OrMap = { entries: {}, ctx: EMPTY_CONTEXT };

function pick(dot: string, left: Dotted, right: Dotted): LwwEntry | undefined {
  const a = left[dot];
  const b = right[dot];
  return a !== undefined && b !== undefined ? mergeEntry(a, b) : (a ?? b);
}

export function mergeOrMap(a: OrMap, b: OrMap): OrMap {
  const seenByA = contextHas(a.ctx);
  const seenByB = contextHas(b.ctx);
  const left = new Map(Object.entries(a.entries));
  const right = new Map(Object.entries(b.entries));
  const entries = new Map<string, Dotted>();
  for (const key of [...new Set([...left.keys(), ...right.keys()])].sort()) {
    const mine = left.get(key) ?? {};
    const theirs = right.get(key) ?? {};
    const kept = joinDots(Object.keys(mine), Object.keys(theirs), seenByA, seenByB).flatMap((dot) => {
      const entry = pick(dot, mine, theirs);
      return entry === undefined ? [] : [[dot, entry] as const];
    });
    if (kept.length > 0) entries.set(key, Object.fromEntries(kept));
  }
  return { entries: Object.fromEntries(entries), ctx: joinContexts(a.ctx, b.ctx) };
}

const dotsOf = (state: OrMap, key: string): string[] =>
  Object.hasOwn(state.entries, key) ? Object.keys(state.entries[key] ?? {}) : [];

export function putDelta(state: OrMap, replica: string, key: string, v: Json, t: string): OrMap {
  const dot = `${replica}:${nextDotNumber(state.ctx, replica)}`;
  return {
    entries: Object.fromEntries([[key, { [dot]: { v, t } }]]),
    ctx: joinContexts(EMPTY_CONTEXT, { vv: {}, cloud: [dot, ...dotsOf(state, key)] }),
  };
}

export const removeKeyDelta = (state: OrMap, key: string): OrMap => ({
  entries: {},
  ctx: joinContexts(EMPTY_CONTEXT, { vv: {}, cloud: dotsOf(state, key) }),
});

/** Per key the value of the largest stamp among the live dots. */
export function orMapValue(state: OrMap): { readonly [key: string]: Json } {
  return Object.fromEntries(
    Object.entries(state.entries).flatMap(([key, dotted]) => {
      const [first, ...rest] = Object.values(dotted);
      return first === undefined ? [] : [[key, rest.reduce(mergeEntry, first).v] as const];
    }),
  );
}
