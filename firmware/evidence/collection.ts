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
  /** Blobs that were written or referred to since the collection began; see `ContentWatch`. */
  readonly touched?: ReadonlySet<string>;
  /** Gives others their turn between rows; what it throws ends the collection. */
  readonly breathe?: () => Promise<void>;
  readonly signal?: AbortSignal;
}

export interface Collected {
  readonly envelopes: number;
  readonly objects: number;
  readonly bytes: number;
  /** Bytes of the envelopes and of the blobs that are left. */
  readonly keptEnvelopeBytes: number;
  readonly keptObjectBytes: number;
}

interface Envelopes {
  readonly removed: number;
  readonly keptBytes: number;
}

async function pause({ breathe, signal }: CollectionOptions): Promise<void> {
  signal?.throwIfAborted();
  await breathe?.();
}

async function removeEnvelopes(options: CollectionOptions, needed: Set<string>): Promise<Envelopes> {
  const { store, nowMs, retains } = options;
  let removed = 0;
  let keptBytes = 0;
  let ops: StoreOp[] = [];
  for await (const [id, bytes] of store.range(EVIDENCE)) {
    await pause(options);
    const evidence = decodeEvidence(bytes);
    if (!evidence) {
      throw new CodedError("store_corrupt", "An envelope is malformed; nothing was judged to be garbage.", {
        details: { key: id },
      });
    }
    const { ts, ttlMs, runId, seq, sha256, payload } = evidence.body;
    if (nowMs - ts <= ttlMs || retains(evidence)) {
      // A payload within the record has no blob; its digest would only take memory.
      if (payload === undefined) needed.add(sha256);
      keptBytes += id.length + bytes.length;
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
  return { removed, keptBytes };
}

async function addLinked(store: Store, needed: Set<string>): Promise<void> {
  for await (const [, bytes] of store.range(LINKS)) {
    const link = decodeCbor(bytes);
    if (isJsonObject(link) && typeof link.sha256 === "string") needed.add(link.sha256);
  }
}

/** Removes blobs in batches; what was touched meanwhile is looked at in the turn in which a batch is handed over. */
async function removeBlobs(
  options: CollectionOptions,
  needed: ReadonlySet<string>,
): Promise<Pick<Collected, "objects" | "bytes" | "keptObjectBytes">> {
  const { store, references, touched } = options;
  let objects = 0;
  let bytes = 0;
  let keptObjectBytes = 0;
  let candidates: (readonly [sha256: string, size: number])[] = [];
  const remove = async (): Promise<void> => {
    const ops: StoreOp[] = [];
    for (const [sha256, size] of candidates) {
      if (touched?.has(sha256)) keptObjectBytes += size;
      else {
        objects += 1;
        bytes += size;
        ops.push(del(CAS, sha256));
      }
    }
    candidates = [];
    if (ops.length > 0) await store.batch(ops, { sync: false });
  };
  for await (const [sha256, blob] of store.range(CAS)) {
    await pause(options);
    if (needed.has(sha256) || references(sha256)) keptObjectBytes += blob.length;
    else candidates.push([sha256, blob.length]);
    if (candidates.length >= EVIDENCE_LIMITS.collectionBatch) await remove();
  }
  await remove();
  return { objects, bytes, keptObjectBytes };
}

/**
 * First envelopes, then blobs that no remaining envelope, link or outside reference names. Interrupted at
 * any point it leaves only garbage behind, never a dangling reference. Settlements may go on meanwhile where `touched`
 * is given; without it the caller must hold them up.
 * @throws CodedError `store_corrupt`; the signal's reason when aborted.
 */
export async function collectGarbage(options: CollectionOptions): Promise<Collected> {
  const needed = new Set<string>();
  const { removed, keptBytes } = await removeEnvelopes(options, needed);
  await addLinked(options.store, needed);
  const blobs = await removeBlobs(options, needed);
  return { envelopes: removed, keptEnvelopeBytes: keptBytes, ...blobs };
}
