/** Packs the evidence of runs, each as the difference to an earlier one of the same shape. */
import { concat, fromHex } from "../core/bytes.ts";
import { DeltaBases } from "../core/delta-bases.ts";
import { deltaOf } from "../core/json-delta.ts";
import { EVIDENCE_LIMITS } from "../core/limits.ts";
import { put, type StoreOp } from "../ports/store.ts";
import type { Sealer } from "./envelope.ts";
import { encodePackRow, PACK_BASES, PACKS, PREFIX_BYTES } from "./pack-row.ts";
import { blobsOf, lifeOf, packedRun, runSealOf, shapeOf } from "./run-pack.ts";
import type { Evidence } from "./types.ts";

export interface StagedPack {
  readonly ops: readonly StoreOp[];
  /** To be called once the batch is durable: until then every pack brings its base along. */
  readonly stored: () => void;
}

const NOTHING: StagedPack = { ops: [], stored: () => undefined };

const prefixesOf = (list: readonly Evidence[]): Uint8Array =>
  concat(...list.map(({ id }) => fromHex(id.slice(0, PREFIX_BYTES * 2))));

/** One for a daemon: the runs of a program follow each other. */
export class RunPacker {
  readonly #bases = new DeltaBases({ bases: EVIDENCE_LIMITS.packBases, rows: EVIDENCE_LIMITS.packsPerBase });

  /** Operations for the batch that makes the run durable. @param list its evidence in order. */
  stage(runId: string, list: readonly Evidence[], sealer: Sealer): StagedPack {
    const first = list[0]?.body;
    if (first === undefined) return NOTHING;
    const bodies = list.map(({ body }) => body);
    const content = packedRun(list);
    const base = this.#bases.choose(shapeOf(list), content);
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

  /** To be called before garbage is looked for. */
  forget(): void {
    this.#bases.forget();
  }
}
