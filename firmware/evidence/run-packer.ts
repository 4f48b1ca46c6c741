/** Chooses what the evidence of a run is packed as the difference to, and keeps the last such bases in memory. */
import { concat, fromHex } from "../core/bytes.ts";
import { encodeCbor } from "../core/cbor.ts";
import { sha256Hex } from "../core/hash.ts";
import { deltaOf, type Octets } from "../core/json-delta.ts";
import { EVIDENCE_LIMITS } from "../core/limits.ts";
import { put, type StoreOp } from "../ports/store.ts";
import type { Sealer } from "./envelope.ts";
import { BASE_ID_BYTES, encodePackRow, PACK_BASES, PACKS, PREFIX_BYTES } from "./pack-row.ts";
import { blobsOf, lifeOf, packedRun, runSealOf, shapeOf } from "./run-pack.ts";
import type { Evidence } from "./types.ts";

interface Base {
  readonly id: string;
  readonly bytes: Uint8Array;
  readonly content: Octets;
  uses: number;
  /** False until a batch with it is durable. */
  isStored: boolean;
}

export interface StagedPack {
  readonly ops: readonly StoreOp[];
  /** To be called once the batch is durable: until then every pack brings its base along. */
  readonly stored: () => void;
}

const NOTHING: StagedPack = { ops: [], stored: () => undefined };

/** Key of a base: the first 8 bytes of the SHA-256 of its bytes, in hex. */
export const baseIdOf = (bytes: Uint8Array): string => sha256Hex(bytes).slice(0, BASE_ID_BYTES * 2);

const prefixesOf = (list: readonly Evidence[]): Uint8Array =>
  concat(...list.map(({ id }) => fromHex(id.slice(0, PREFIX_BYTES * 2))));

/** One for a daemon: the runs of a program follow each other. */
export class RunPacker {
  readonly #bases = new Map<string, Base>();

  /** Operations for the batch that makes the run durable. @param list its evidence in order. */
  stage(runId: string, list: readonly Evidence[], sealer: Sealer): StagedPack {
    const first = list[0]?.body;
    if (first === undefined) return NOTHING;
    const bodies = list.map(({ body }) => body);
    const content = packedRun(list);
    const base = this.#baseFor(shapeOf(list), content);
    const row = encodePackRow({
      seal: runSealOf(
        sealer.key,
        runId,
        list.map(({ id }) => id),
      ),
      prefixes: prefixesOf(list),
      base: base.id,
      ts: first.ts,
      monoMs: first.monoMs,
      lifeMs: lifeOf(bodies),
      content: deltaOf(content, base.content),
      blobs: blobsOf(bodies),
    });
    const ops = [put(PACKS, runId, row)];
    if (base.isStored) return { ...NOTHING, ops };
    return {
      ops: [put(PACK_BASES, base.id, base.bytes), ...ops],
      stored: () => {
        base.isStored = true;
      },
    };
  }

  /** Before garbage is looked for: bases that no stored pack names will be gone, so each is brought along again. */
  forget(): void {
    this.#bases.clear();
  }

  /** A base serves so many runs at most: what a damaged one takes with it is bounded. */
  #baseFor(shape: string, content: Octets): Base {
    const present = this.#bases.get(shape);
    this.#bases.delete(shape);
    const base =
      present !== undefined && present.uses < EVIDENCE_LIMITS.packsPerBase ? present : newBase(content);
    base.uses += 1;
    this.#bases.set(shape, base);
    for (const oldest of this.#bases.keys()) {
      if (this.#bases.size <= EVIDENCE_LIMITS.packBases) break;
      this.#bases.delete(oldest);
    }
    return base;
  }
}

function newBase(content: Octets): Base {
  const bytes = encodeCbor(content);
  return { id: baseIdOf(bytes), bytes, content, uses: 0, isStored: false };
}
