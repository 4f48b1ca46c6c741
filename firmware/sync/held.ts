/** Batches that wait for a predecessor, a roster or the clock (sync.md 4.3): bounded per origin and in time. */
import { HELD_LIMITS } from "../core/limits.ts";
import type { SignedBatch } from "./batch.ts";

interface Row {
  readonly batch: SignedBatch;
  readonly untilMono: number;
}

export class HeldBatches {
  readonly #origins = new Map<string, Map<string, Row>>();

  get size(): number {
    let size = 0;
    for (const rows of this.#origins.values()) size += rows.size;
    return size;
  }

  /** False when the origin's share is used up; the batch is pulled again later. */
  add(batch: SignedBatch, monoMs: number): boolean {
    const { origin } = batch.batch;
    const rows = this.#origins.get(origin) ?? new Map<string, Row>();
    const bytes = [...rows.values()].reduce((sum, row) => sum + row.batch.message.bytes.length, 0);
    const isNewOrigin = !this.#origins.has(origin);
    if (isNewOrigin && this.#origins.size >= HELD_LIMITS.maxOrigins) return false;
    if (rows.size >= HELD_LIMITS.maxBatches || bytes + batch.message.bytes.length > HELD_LIMITS.maxBytes)
      return false;
    this.#origins.set(origin, rows);
    if (!rows.has(batch.hash)) rows.set(batch.hash, { batch, untilMono: monoMs + HELD_LIMITS.forMs });
    return true;
  }

  /** What is held of an origin, smallest sequence number first. */
  of(origin: string): readonly SignedBatch[] {
    const rows = [...(this.#origins.get(origin)?.values() ?? [])].map((row) => row.batch);
    return rows.sort((a, b) => a.batch.seq - b.batch.seq);
  }

  origins(): readonly string[] {
    return [...this.#origins.keys()];
  }

  remove(batch: SignedBatch): void {
    const rows = this.#origins.get(batch.batch.origin);
    rows?.delete(batch.hash);
    if (rows?.size === 0) this.#origins.delete(batch.batch.origin);
  }

  dropOrigin(origin: string): void {
    this.#origins.delete(origin);
  }

  /** Drops what has waited long enough and returns how many. */
  expire(monoMs: number): number {
    let dropped = 0;
    for (const [origin, rows] of this.#origins) {
      for (const [hash, row] of rows) {
        if (row.untilMono > monoMs) continue;
        rows.delete(hash);
        dropped++;
      }
      if (rows.size === 0) this.#origins.delete(origin);
    }
    return dropped;
  }
}
