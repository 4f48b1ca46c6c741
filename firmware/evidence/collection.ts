/** Removes evidence and blobs that nothing needs any more (evidence.md 2, "Collection", and 16). */
import { decodeCbor } from "../core/cbor.ts";
import { CodedError } from "../core/errors.ts";
import { isJsonObject } from "../core/json.ts";
import { EVIDENCE_LIMITS } from "../core/limits.ts";
import { del, type Store, type StoreOp } from "../ports/store.ts";
import { removeBases } from "./bases.ts";
import { CAS, LINKS } from "./content-store.ts";
import { decodeEvidence } from "./envelope.ts";
import { countIn, decodePackRow, PACK_BASES, PACKS } from "./pack-row.ts";
import { EVIDENCE, RUN_INDEX, runKey } from "./stored-evidence.ts";

/** An envelope, or those of a run. */
export interface Recorded {
  readonly runId: string | null;
  /** ms since the epoch, of the first. */
  readonly ts: number;
}

export interface CollectionOptions {
  readonly store: Store;
  /** ms since the epoch. */
  readonly nowMs: number;
  /**
   * Does a run record, bundle or ledger entry still need what was recorded then? Unexpired evidence is kept without
   * asking. Evidence of a run is kept or removed as a whole.
   */
  readonly retains: (recorded: Recorded) => boolean;
  /** Does a ledger entry, run record, bundle or drift baseline name this blob? */
  readonly references: (sha256: string) => boolean;
  /** Blobs that were written or referred to since the collection began; see `ContentWatch`. */
  readonly touched?: ReadonlySet<string>;
  /** Bases that no pack named the last time. One is removed when that is so twice: a settlement may be on its way. */
  readonly unnamedBases?: ReadonlySet<string>;
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
  /** Bases that no pack names now; for the next collection. */
  readonly unnamedBases: ReadonlySet<string>;
}

interface Envelopes {
  readonly removed: number;
  readonly keptBytes: number;
}

/** Removals in batches that hold nobody up. */
class Removals {
  readonly #store: Store;
  #ops: StoreOp[] = [];

  constructor(store: Store) {
    this.#store = store;
  }

  async add(...ops: readonly StoreOp[]): Promise<void> {
    this.#ops.push(...ops);
    if (this.#ops.length >= EVIDENCE_LIMITS.collectionBatch) await this.flush();
  }

  async flush(): Promise<void> {
    const ops = this.#ops;
    this.#ops = [];
    if (ops.length > 0) await this.#store.batch(ops, { sync: false });
  }
}

async function pause({ breathe, signal }: CollectionOptions): Promise<void> {
  signal?.throwIfAborted();
  await breathe?.();
}

async function removeEnvelopes(options: CollectionOptions, needed: Set<string>): Promise<Envelopes> {
  const { store, nowMs, retains } = options;
  let removed = 0;
  let keptBytes = 0;
  const removals = new Removals(store);
  for await (const [id, bytes] of store.range(EVIDENCE)) {
    await pause(options);
    const evidence = decodeEvidence(bytes);
    if (!evidence) {
      throw new CodedError("store_corrupt", "An envelope is malformed; nothing was judged to be garbage.", {
        details: { key: id },
      });
    }
    const { ts, ttlMs, runId, seq, sha256, payload } = evidence.body;
    if (nowMs - ts <= ttlMs || retains({ runId, ts })) {
      // A payload within the record has no blob; its digest would only take memory.
      if (payload === undefined) needed.add(sha256);
      keptBytes += id.length + bytes.length;
      continue;
    }
    removed += 1;
    await removals.add(del(EVIDENCE, id), ...(runId === null ? [] : [del(RUN_INDEX, runKey(runId, seq))]));
  }
  await removals.flush();
  return { removed, keptBytes };
}

/** @param needed is given the digests of blobs, `bases` the bases, that the packs which stay refer to. */
async function removePacks(
  options: CollectionOptions,
  needed: Set<string>,
  bases: Set<string>,
): Promise<Envelopes> {
  const { store, nowMs, retains } = options;
  let removed = 0;
  let keptBytes = 0;
  const removals = new Removals(store);
  for await (const [runId, bytes] of store.range(PACKS)) {
    await pause(options);
    const row = decodePackRow(runId, bytes);
    if (nowMs - row.ts <= row.lifeMs || retains({ runId, ts: row.ts })) {
      for (const sha256 of row.blobs) needed.add(sha256);
      bases.add(row.base);
      keptBytes += runId.length + bytes.length;
      continue;
    }
    removed += countIn(row);
    await removals.add(del(PACKS, runId));
  }
  await removals.flush();
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
  const bases = new Set<string>();
  const alone = await removeEnvelopes(options, needed);
  const packed = await removePacks(options, needed, bases);
  await addLinked(options.store, needed);
  const blobs = await removeBlobs(options, needed);
  const { store, unnamedBases, touched } = options;
  const { unnamed, keptBytes } = await removeBases({
    store,
    sub: PACK_BASES,
    named: bases,
    breathe: () => pause(options),
    ...(unnamedBases ? { unnamedBefore: unnamedBases } : {}),
    ...(touched ? { touched } : {}),
  });
  return {
    envelopes: alone.removed + packed.removed,
    keptEnvelopeBytes: alone.keptBytes + packed.keptBytes + keptBytes,
    ...blobs,
    unnamedBases: unnamed,
  };
}
