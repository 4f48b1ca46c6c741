/**
 * What a delta of each type may contain (sync.md 2, 3). A writer speaks only for itself: counters, dots and stamps
 * carry its own replica id, and no stamp lies beyond the batch's own.
 */
import { canonicalize } from "../../core/canonical-json.ts";
import { isJsonObject, type Json, type JsonObject } from "../../core/json.ts";
import { GOSSIP_LIMITS } from "../../core/limits.ts";
import { compareStamps, isReplicaId, parseStamp } from "../hlc.ts";
import { parseDot } from "./dots.ts";
import { eventId } from "./eventset.ts";
import type { CrdtState, CrdtType } from "./types.ts";

export interface DeltaWriter {
  readonly replica: string;
  /** Stamp of the batch. */
  readonly hlc: string;
}

const hasMembers = (value: Json | undefined, names: string): value is JsonObject =>
  value !== undefined && isJsonObject(value) && Object.keys(value).sort().join() === names;
const isKey = (key: string): boolean =>
  key !== "__proto__" && key.length > 0 && key.length <= GOSSIP_LIMITS.keyCharacters;
const isCount = (value: Json | undefined, min: number): boolean =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= min;

function isOwnStamp(t: Json | undefined, writer: DeltaWriter): boolean {
  return (
    typeof t === "string" && parseStamp(t)?.replica === writer.replica && compareStamps(t, writer.hlc) <= 0
  );
}

const isCounter = (value: Json | undefined, { replica }: DeltaWriter): boolean =>
  value !== undefined &&
  isJsonObject(value) &&
  Object.entries(value).every(([key, total]) => key === replica && isCount(total, 1));

function isLwwEntry(value: Json | undefined, writer: DeltaWriter, deletable: boolean): boolean {
  if (hasMembers(value, "t,v")) return isOwnStamp(value.t, writer);
  return (
    deletable &&
    hasMembers(value, "del,t,v") &&
    value.del === true &&
    value.v === null &&
    isOwnStamp(value.t, writer)
  );
}

const isOwnDot = (dot: Json, { replica }: DeltaWriter): boolean =>
  typeof dot === "string" && parseDot(dot)?.replica === replica;

function isContext(value: Json | undefined): boolean {
  if (!hasMembers(value, "cloud,vv")) return false;
  const { vv, cloud } = value;
  return (
    vv !== undefined &&
    isJsonObject(vv) &&
    Object.entries(vv).every(([replica, n]) => isReplicaId(replica) && isCount(n, 1)) &&
    Array.isArray(cloud) &&
    cloud.every((dot: Json) => typeof dot === "string" && parseDot(dot) !== null)
  );
}

function isElementKey(key: string): boolean {
  if (!isKey(key)) return false;
  try {
    return canonicalize(JSON.parse(key)) === key;
  } catch {
    return false; // Not the RFC 8785 text of anything: the delta is invalid, which is the answer.
  }
}

function isOrSetDelta(d: JsonObject, writer: DeltaWriter): boolean {
  return (
    hasMembers(d, "ctx,entries") &&
    isContext(d.ctx) &&
    isJsonObject(d.entries ?? null) &&
    Object.entries(d.entries ?? {}).every(
      ([key, dots]) =>
        isElementKey(key) &&
        Array.isArray(dots) &&
        dots.length > 0 &&
        dots.every((dot: Json) => isOwnDot(dot, writer)),
    )
  );
}

function isOrMapDelta(d: JsonObject, writer: DeltaWriter): boolean {
  return (
    hasMembers(d, "ctx,entries") &&
    isContext(d.ctx) &&
    isJsonObject(d.entries ?? null) &&
    Object.entries(d.entries ?? {}).every(
      ([key, dotted]) =>
        isKey(key) &&
        isJsonObject(dotted) &&
        Object.entries(dotted).every(
          ([dot, entry]) => isOwnDot(dot, writer) && isLwwEntry(entry, writer, false),
        ),
    )
  );
}

const EVENT_MEMBERS = new Set([
  "kind",
  "key",
  "value",
  "source",
  "at",
  "confidence",
  "ttlMs",
  "evidenceId",
  "t",
]);

function isEvent(id: string, event: Json, writer: DeltaWriter): boolean {
  if (!isJsonObject(event) || Object.keys(event).some((key) => !EVENT_MEMBERS.has(key))) return false;
  const { kind, key, value, source, at, confidence, ttlMs, evidenceId } = event;
  if (typeof kind !== "string" || typeof key !== "string" || value === undefined) return false;
  if (typeof source !== "string" || typeof at !== "number" || !Number.isSafeInteger(at)) return false;
  if (confidence !== undefined && (typeof confidence !== "number" || confidence < 0 || confidence > 1))
    return false;
  if (ttlMs !== undefined && !isCount(ttlMs, 0)) return false;
  if (evidenceId !== undefined && typeof evidenceId !== "string") return false;
  return isOwnStamp(event.t, writer) && eventId({ kind, key, value, source, at }) === id;
}

function isVersioned(d: Json, writer: DeltaWriter): boolean {
  if (!hasMembers(d, "meta,strength,t,v,version")) return false;
  const { meta, strength, version } = d;
  return (
    isCount(version, 0) &&
    typeof strength === "number" &&
    strength >= 0 &&
    strength <= 1 &&
    isJsonObject(meta ?? null) &&
    isOwnStamp(d.t, writer)
  );
}

function isDelta(type: CrdtType, d: Json, writer: DeltaWriter): boolean {
  if (type === "versioned") return isVersioned(d, writer);
  if (type === "lww") return isLwwEntry(d, writer, false);
  if (!isJsonObject(d)) return false;
  switch (type) {
    case "gcounter":
      return isCounter(d, writer);
    case "pncounter":
      return hasMembers(d, "n,p") && isCounter(d.n, writer) && isCounter(d.p, writer);
    case "lwwmap":
      return Object.entries(d).every(([key, entry]) => isKey(key) && isLwwEntry(entry, writer, true));
    case "orset":
      return isOrSetDelta(d, writer);
    case "ormap":
      return isOrMapDelta(d, writer);
    case "eventset":
      return Object.entries(d).every(([id, event]) => isEvent(id, event, writer));
  }
}

/** The delta as a state of its type, or null when it says more than its writer may. */
export function readDelta(type: CrdtType, d: Json, writer: DeltaWriter): CrdtState | null {
  // The check above has established the shape that belongs to the type's name.
  return isDelta(type, d, writer) ? ({ type, d } as CrdtState) : null;
}
