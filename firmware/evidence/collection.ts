/** Removes evidence and blobs that nothing needs any more (evidence.md 2, "Collection", and 16). */
import { decodeCbor } from "../core/cbor.ts";
import { CodedError } from "../core/errors.ts";
import { isJsonObject } from "../core/json.ts";
import { EVIDENCE_LIMITS } from "../core/limits.ts";
import { del, type Store, type StoreOp } from "../ports/store.ts";
import { CAS, EVIDENCE, LINKS, RUN_INDEX, runKey } from "./content-store.ts";
import { decodeEvidence } from "./envelope.ts";
import type { Evidence } from "./types.ts";

export interface CollectionOptions {
  readonly store: Store;
  /** ms since the epoch. */
  readonly nowMs: number;
  /**
   * Does a run record, bundle or ledger entry still need this envelope? Unexpired evidence is kept without
   * asking.
   */
  readonly retains: (evidence: Evidence) => boolean;
  /** Does a ledger entry, run record, bundle or drift baseline name this blob? */
  readonly references: (sha256: string) => boolean;
  readonly signal?: AbortSignal;
}

export interface Collected {
  readonly envelopes: number;
  readonly objects: number;
  readonly bytes: number;
}

async function removeEnvelopes(options: CollectionOptions, needed: Set<string>): Promise<number> {
  const { store, nowMs, retains, signal } = options;
  let removed = 0;
  let ops: StoreOp[] = [];
  for await (const [id, bytes] of store.range(EVIDENCE)) {
    signal?.throwIfAborted();
    const evidence = decodeEvidence(bytes);
    if (!evidence) {
      throw new CodedError("store_corrupt", "An envelope is malformed; nothing was judged to be garbage.", {
        details: { key: id },
      });
    }
    const { ts, ttlMs, runId, seq, sha256 } = evidence.body;
    if (nowMs - ts <= ttlMs || retains(evidence)) {
      needed.add(sha256);
      continue;
    }
    removed += 1;
    ops.push(del(EVIDENCE, id));
    if (runId !== null) ops.push(del(RUN_INDEX, runKey(runId, seq)));
    if (ops.length >= EVIDENCE_LIMITS.collectionBatch) {
      await store.batch(ops, { sync: false });
      ops = [];
    }
  }
  if (ops.length > 0) await store.batch(ops, { sync: false });
  return removed;
}

async function addLinked(store: Store, needed: Set<string>): Promise<void> {
  for await (const [, bytes] of store.range(LINKS)) {
    const link = decodeCbor(bytes);
    if (isJsonObject(link) && typeof link.sha256 === "string") needed.add(link.sha256);
  }
}

/**
 * First envelopes, then blobs that no remaining envelope, link or outside reference names. Interrupted at
 * any point it leaves only garbage behind, never a dangling reference. No settlement may run meanwhile: the
 * caller serialises them.
 * @throws CodedError `store_corrupt`; the signal's reason when aborted.
 */
export async function collectGarbage(options: CollectionOptions): Promise<Collected> {
  const { store, references, signal } = options;
  const needed = new Set<string>();
  const envelopes = await removeEnvelopes(options, needed);
  await addLinked(store, needed);
  let objects = 0;
  let size = 0;
  let ops: StoreOp[] = [];
  for await (const [sha256, bytes] of store.range(CAS)) {
    signal?.throwIfAborted();
    if (needed.has(sha256) || references(sha256)) continue;
    objects += 1;
    size += bytes.length;
    ops.push(del(CAS, sha256));
    if (ops.length >= EVIDENCE_LIMITS.collectionBatch) {
      await store.batch(ops, { sync: false });
      ops = [];
    }
  }
  if (ops.length > 0) await store.batch(ops, { sync: false });
  return { envelopes, objects, bytes: size };
}
