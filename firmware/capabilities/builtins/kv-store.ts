/** Key-value spaces of programs (capabilities.md 11): bounded, isolated, written with the run's settlement. */
import { jcs } from "../../core/canonical-json.ts";
import { CodedError, type Refusal, refusal } from "../../core/errors.ts";
import { isJsonObject, type Json, member } from "../../core/json.ts";
import { JSON_LIMITS, STORAGE_LIMITS } from "../../core/limits.ts";
import { parseJson } from "../../core/parse-json.ts";
import { BUILT_IN_KINDS } from "../../evidence/index.ts";
import type { Clock } from "../../ports/clock.ts";
import { del, put, type Store, type StoreOp } from "../../ports/store.ts";
import type { RunContext, StagedValue } from "../context.ts";
import type { EvidenceSink } from "../ports.ts";

export const KV_SUB = "kv";
export const KV_TTL_SUB = "kvttl";

/** A stored value with the run that wrote it; `trust` is the smallest trust that run had seen. */
export interface KvRow {
  readonly value: Json;
  readonly runId: string;
  readonly trust: number;
  /** Wall ms; null never ends. */
  readonly expiresAt: number | null;
}

const rowKey = (space: string, key: string): string => `${space}!${key}`;
const stagedKey = (space: string, key: string): string => `${space}\n${key}`;
const overlayOf = (ctx: RunContext, space: string): [string, StagedValue][] =>
  [...ctx.kv]
    .filter(([name]) => name.startsWith(`${space}\n`))
    .map(([name, staged]) => [name.slice(space.length + 1), staged]);

function decode(bytes: Uint8Array): KvRow {
  const row = parseJson(bytes, { maxBytes: STORAGE_LIMITS.rowBytes, maxDepth: JSON_LIMITS.storedDepth });
  const value = isJsonObject(row) ? member(row, "value") : undefined;
  const trust = isJsonObject(row) ? member(row, "trust") : undefined;
  const runId = isJsonObject(row) ? member(row, "runId") : undefined;
  const expiresAt = isJsonObject(row) ? member(row, "expiresAt") : undefined;
  if (value === undefined || typeof trust !== "number" || typeof runId !== "string") {
    throw new CodedError("io_error", "A stored value is damaged.", { details: { touched: false } });
  }
  return { value, trust, runId, expiresAt: typeof expiresAt === "number" ? expiresAt : null };
}

/** What a run writes is trusted no more than the weakest thing it has seen. */
function smallestTrust(evidence: EvidenceSink): number {
  const seen = evidence.list.filter(({ body }) => {
    const kind = BUILT_IN_KINDS.get(body.kind)?.class;
    return kind !== "bookkeeping" && kind !== "effect";
  });
  return seen.reduce((least, { body }) => Math.min(least, body.trust), 1);
}

export class KvSpaces {
  readonly #store: Store;
  readonly #clock: Clock;

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** The run's own write if there is one, else what is stored; null when absent or expired. */
  async get(ctx: RunContext, space: string, key: string): Promise<KvRow | null> {
    const staged = ctx.kv.get(stagedKey(space, key));
    const bytes = staged ? staged.bytes : await this.#store.get(KV_SUB, rowKey(space, key));
    return bytes ? this.#live(decode(bytes)) : null;
  }

  /** Stages a write. Refusal `kv_quota` (429) beyond 10000 keys or 4 MiB of the space. */
  async put(
    ctx: RunContext,
    space: string,
    key: string,
    value: Json,
    ttlMs: number | null,
  ): Promise<Refusal | null> {
    const expiresAt = ttlMs === null ? null : this.#clock.wallMs() + ttlMs;
    const row = { value, runId: ctx.runId, trust: smallestTrust(ctx.evidence), expiresAt };
    const bytes = jcs(row);
    const usage = await this.#usage(ctx, space, key);
    if (usage.keys + 1 > STORAGE_LIMITS.keys)
      return refusal("kv_quota", 429, { limit: "keys", max: STORAGE_LIMITS.keys });
    const size = usage.bytes + Buffer.byteLength(key) + bytes.length;
    if (size > STORAGE_LIMITS.spaceBytes)
      return refusal("kv_quota", 429, { limit: "bytes", max: STORAGE_LIMITS.spaceBytes });
    ctx.kv.set(stagedKey(space, key), { bytes, expiresAt });
    return null;
  }

  delete(ctx: RunContext, space: string, key: string): void {
    ctx.kv.set(stagedKey(space, key), { bytes: null, expiresAt: null });
  }

  /** Live rows whose key starts with `prefix`, after `after`, in key order; `next` is the key to go on after. */
  async list(
    ctx: RunContext,
    space: string,
    query: { readonly prefix: string; readonly after: string | null; readonly limit: number },
  ): Promise<{
    readonly items: readonly { readonly key: string; readonly value: Json }[];
    readonly next: string | null;
  }> {
    const { prefix, after, limit } = query;
    const rows = await this.#merged(ctx, space);
    const items: { key: string; value: Json }[] = [];
    for (const [key, bytes] of rows) {
      if (!key.startsWith(prefix) || (after !== null && key <= after)) continue;
      const row = this.#live(decode(bytes));
      if (!row) continue;
      if (items.length === limit) return { items, next: items.at(-1)?.key ?? null };
      items.push({ key, value: row.value });
    }
    return { items, next: null };
  }

  #live(row: KvRow): KvRow | null {
    return row.expiresAt !== null && row.expiresAt <= this.#clock.wallMs() ? null : row;
  }

  /** Stored rows with the run's own writes laid over them, sorted by key. */
  async #merged(ctx: RunContext, space: string): Promise<[string, Uint8Array][]> {
    const rows = new Map<string, Uint8Array>();
    const range = { gte: `${space}!`, lt: `${space}"`, limit: STORAGE_LIMITS.keys };
    for await (const [key, bytes] of this.#store.range(KV_SUB, range))
      rows.set(key.slice(space.length + 1), bytes);
    for (const [key, { bytes }] of overlayOf(ctx, space)) {
      if (bytes) rows.set(key, bytes);
      else rows.delete(key);
    }
    return [...rows].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  async #usage(ctx: RunContext, space: string, except: string): Promise<{ keys: number; bytes: number }> {
    let keys = 0;
    let bytes = 0;
    for (const [key, row] of await this.#merged(ctx, space)) {
      if (key === except) continue;
      keys++;
      bytes += Buffer.byteLength(key) + row.length;
    }
    return { keys, bytes };
  }
}

/** The writes of a run as operations of its settlement batch. */
export function kvOps(ctx: RunContext): StoreOp[] {
  return [...ctx.kv].flatMap(([name, { bytes, expiresAt }]) => {
    const at = name.indexOf("\n");
    const key = rowKey(name.slice(0, at), name.slice(at + 1));
    if (!bytes) return [del(KV_SUB, key)];
    const row = put(KV_SUB, key, bytes);
    if (expiresAt === null) return [row];
    return [row, put(KV_TTL_SUB, `${String(expiresAt).padStart(16, "0")}!${key}`, new Uint8Array())];
  });
}
