/** Set of events with content-derived identity (sync.md 2). An id is never recomputed from the time of import. */
import { canonicalize } from "../../core/canonical-json.ts";
import { CodedError } from "../../core/errors.ts";
import { sha256Hex } from "../../core/hash.ts";
import type { Json } from "../../core/json.ts";

export interface EventIdentity {
  readonly kind: string;
  readonly key: string;
  readonly value: Json;
  readonly source?: string;
  /** Integer milliseconds of the event itself. */
  readonly at: number;
}
export interface EventAttributes {
  readonly confidence?: number;
  readonly ttlMs?: number;
  readonly evidenceId?: string;
  readonly t: string;
}
export type SyncedEvent = EventIdentity & EventAttributes;
export type EventSet = { readonly [id: string]: SyncedEvent };

/** The text whose SHA-256 is the id. @throws CodedError `event_time_invalid` (422). */
export function eventIdentity(event: EventIdentity): string {
  if (!Number.isSafeInteger(event.at)) {
    throw new CodedError("event_time_invalid", "An event's time is integer milliseconds.", { status: 422 });
  }
  const { at, key, kind, value } = event;
  return canonicalize({ at, key, kind, source: event.source ?? "", value });
}

/** @throws CodedError `event_time_invalid` (422). */
export const eventId = (event: EventIdentity): string => sha256Hex(eventIdentity(event));

/** What may differ between copies of one event. */
export function eventAttributes(event: SyncedEvent): EventAttributes {
  return {
    ...(event.confidence === undefined ? {} : { confidence: event.confidence }),
    ...(event.ttlMs === undefined ? {} : { ttlMs: event.ttlMs }),
    ...(event.evidenceId === undefined ? {} : { evidenceId: event.evidenceId }),
    t: event.t,
  };
}

function mergeEvent(a: SyncedEvent, b: SyncedEvent): SyncedEvent {
  if (a.t !== b.t) return a.t > b.t ? a : b;
  return canonicalize(a) >= canonicalize(b) ? a : b;
}

export function mergeEventSet(a: EventSet, b: EventSet): EventSet {
  const out: Record<string, SyncedEvent> = { ...a };
  for (const [id, event] of Object.entries(b)) {
    const known = out[id];
    out[id] = known === undefined ? event : mergeEvent(known, event);
  }
  return out;
}

/** Keyed by id. @throws CodedError `event_time_invalid` (422). */
export function eventSetOf(events: readonly SyncedEvent[]): EventSet {
  return events.reduce<EventSet>(
    (set, event) => mergeEventSet(set, { [eventId(event)]: { ...event, source: event.source ?? "" } }),
    {},
  );
}
