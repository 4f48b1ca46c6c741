/** Payloads of `gossip+json` messages (sync.md 4.2), read strictly. */
import { jcs } from "../core/canonical-json.ts";
import { isJsonObject, type Json, type JsonObject } from "../core/json.ts";
import { GOSSIP_LIMITS } from "../core/limits.ts";
import { isReplicaId, parseStamp } from "./hlc.ts";
import type { HeadRow } from "./measures.ts";

export interface Range {
  readonly origin: string;
  readonly from: number;
  /** Inclusive. */
  readonly to: number;
}

export type GossipBody =
  | { readonly kind: "digest"; readonly summary: string; readonly count: number; readonly roster: number }
  | { readonly kind: "pull"; readonly target: string; readonly heads: string }
  | { readonly kind: "pull"; readonly target: string; readonly want: readonly Range[] }
  | {
      readonly kind: "fill";
      readonly target: string;
      readonly heads: readonly HeadRow[];
      readonly next: string | null;
    }
  | { readonly kind: "fill"; readonly target: string; readonly batches: readonly string[] };

export type Gossip = GossipBody & {
  readonly v: 1;
  readonly fleet: string;
  /** Device id of the sender. */
  readonly from: string;
  /** Grows with every message of the sender: an older one is a replay. */
  readonly hlc: string;
};

export const MAX_PULL = GOSSIP_LIMITS.pulls;
export const MAX_HEADS_PAGE_BYTES = GOSSIP_LIMITS.headsPageBytes;
const HASH = /^[0-9a-f]{64}$/;
const ENVELOPE_MEMBERS = ["fleet", "from", "hlc", "kind", "v"];

export const gossipPayload = (gossip: Gossip): Uint8Array => jcs(gossip);

const isWhole = (value: Json | undefined, min: number): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= min;

function exactly(root: JsonObject, ...names: readonly string[]): boolean {
  return Object.keys(root).sort().join() === [...ENVELOPE_MEMBERS, ...names].sort().join();
}

function readRange(value: Json): Range | null {
  if (!isJsonObject(value) || Object.keys(value).sort().join() !== "from,origin,to") return null;
  const { origin, from, to } = value;
  if (typeof origin !== "string" || !isReplicaId(origin) || !isWhole(from, 1) || !isWhole(to, from))
    return null;
  return { origin, from, to };
}

function readHead(value: Json): HeadRow | null {
  if (!Array.isArray(value) || value.length !== 3) return null;
  const [origin, seq, hash] = value as readonly Json[];
  if (typeof origin !== "string" || !isReplicaId(origin) || !isWhole(seq, 1)) return null;
  return typeof hash === "string" && HASH.test(hash) ? [origin, seq, hash] : null;
}

function readAll<T>(
  value: Json | undefined,
  max: number,
  read: (item: Json) => T | null,
): readonly T[] | null {
  if (!Array.isArray(value) || value.length > max) return null;
  const out: T[] = [];
  for (const item of value as readonly Json[]) {
    const one = read(item);
    if (one === null) return null;
    out.push(one);
  }
  return out;
}

function readBody(root: JsonObject): GossipBody | null {
  const { kind, target, summary, count, roster, heads, next } = root;
  if (kind === "digest" && exactly(root, "summary", "count", "roster")) {
    if (typeof summary !== "string" || !HASH.test(summary)) return null;
    return isWhole(count, 0) && isWhole(roster, 0) ? { kind, summary, count, roster } : null;
  }
  if (typeof target !== "string") return null;
  if (kind === "pull" && exactly(root, "target", "heads"))
    return typeof heads === "string" && heads.length <= 64 ? { kind, target, heads } : null;
  if (kind === "pull" && exactly(root, "target", "want")) {
    const want = readAll(root.want, MAX_PULL, readRange);
    return want && { kind, target, want };
  }
  if (kind === "fill" && exactly(root, "target", "heads", "next")) {
    const rows = readAll(heads, 512, readHead);
    return rows && (next === null || typeof next === "string") ? { kind, target, heads: rows, next } : null;
  }
  if (kind === "fill" && exactly(root, "target", "batches")) {
    const batches = readAll(root.batches, MAX_PULL, (text) => (typeof text === "string" ? text : null));
    return batches && { kind, target, batches };
  }
  return null;
}

/** Null when the value is no gossip message. */
export function readGossip(value: Json): Gossip | null {
  if (!isJsonObject(value) || value.v !== 1) return null;
  const { fleet, from, hlc } = value;
  if (typeof fleet !== "string" || typeof from !== "string" || typeof hlc !== "string") return null;
  const body = parseStamp(hlc) === null ? null : readBody(value);
  return body && { v: 1, fleet, from, hlc, ...body };
}
