/** A local write as the delta of its document's type (sync.md 2). */
import { CodedError } from "../core/errors.ts";
import type { Json, JsonObject } from "../core/json.ts";
import { incrementDelta } from "./crdt/counters.ts";
import { type EventIdentity, eventSetOf } from "./crdt/eventset.ts";
import { putDelta, removeKeyDelta } from "./crdt/ormap.ts";
import { addDelta, removeDelta } from "./crdt/orset.ts";
import type { CrdtState } from "./crdt/types.ts";
import { clampStrength, DEFAULT_STRENGTH } from "./crdt/versioned.ts";

export type Change =
  | { readonly op: "put"; readonly key: string; readonly value: Json }
  | { readonly op: "delete"; readonly key: string }
  | { readonly op: "set"; readonly value: Json }
  | { readonly op: "increment" | "decrement"; readonly by: number }
  | { readonly op: "add" | "remove"; readonly element: Json }
  | {
      readonly op: "event";
      readonly event: EventIdentity;
      readonly confidence?: number;
      readonly ttlMs?: number;
      readonly evidenceId?: string;
    }
  | {
      readonly op: "decide";
      readonly value: Json;
      readonly version: number;
      readonly strength?: number;
      readonly meta?: JsonObject;
    };

export interface LocalWrite {
  readonly doc: string;
  readonly change: Change;
}

function unfit(type: string, op: string): never {
  throw new CodedError("delta_invalid", `A document of type ${type} has no ${op}.`, {
    status: 422,
    details: { type, op },
  });
}

/**
 * @param t the write's own stamp.
 * @throws CodedError `delta_invalid` (422) when the type has no such write, and the codes of its type.
 */
export function changeDelta(state: CrdtState, change: Change, replica: string, t: string): CrdtState {
  const { type } = state;
  const { op } = change;
  if (type === "lwwmap" && op === "put")
    return { type, d: Object.fromEntries([[change.key, { v: change.value, t }]]) };
  if (type === "lwwmap" && op === "delete")
    return { type, d: Object.fromEntries([[change.key, { del: true, v: null, t }]]) };
  if (type === "ormap" && op === "put")
    return { type, d: putDelta(state.d, replica, change.key, change.value, t) };
  if (type === "ormap" && op === "delete") return { type, d: removeKeyDelta(state.d, change.key) };
  if (type === "lww" && op === "set") return { type, d: { v: change.value, t } };
  if (type === "gcounter" && op === "increment")
    return { type, d: incrementDelta(state.d, replica, change.by) };
  if (type === "pncounter" && op === "increment")
    return { type, d: { p: incrementDelta(state.d.p, replica, change.by), n: {} } };
  if (type === "pncounter" && op === "decrement")
    return { type, d: { p: {}, n: incrementDelta(state.d.n, replica, change.by) } };
  if (type === "orset" && op === "add") return { type, d: addDelta(state.d, replica, change.element) };
  if (type === "orset" && op === "remove") return { type, d: removeDelta(state.d, change.element) };
  if (type === "eventset" && op === "event") {
    const { event, confidence, ttlMs, evidenceId } = change;
    const attributes = {
      ...(confidence === undefined ? {} : { confidence }),
      ...(ttlMs === undefined ? {} : { ttlMs }),
      ...(evidenceId === undefined ? {} : { evidenceId }),
    };
    return { type, d: eventSetOf([{ ...event, ...attributes, t }]) };
  }
  if (type === "versioned" && op === "decide") {
    const { value: v, version, strength = DEFAULT_STRENGTH, meta = {} } = change;
    return { type, d: { v, version, strength: clampStrength(strength), t, meta } };
  }
  return unfit(type, op);
}
