/** What sources did before (evidence.md 6): old sins fade, and nothing lifts trust above the signed value. */
import { decodeCbor, encodeCbor } from "../core/cbor.ts";
import { isJsonObject } from "../core/json.ts";
import { EVIDENCE_LIMITS } from "../core/limits.ts";
import { put, type StoreOp } from "../ports/store.ts";

/** `score` −1..1 as of `ts` (ms since the epoch). */
export interface Reputation {
  readonly score: number;
  readonly ts: number;
}

const HALF_LIFE_MS = 1_209_600_000;
const SUCCESS = 0.1;
const VIOLATION = -0.2;
const MINUTE_MS = 60_000;

const clamp = (score: number): number => Math.min(1, Math.max(-1, score));

export const scoreAt = (reputation: Reputation, atMs: number): number =>
  reputation.score * 0.5 ** (Math.max(0, atMs - reputation.ts) / HALF_LIFE_MS);

/** 0.5..1.5; 1 without a record. */
export const reputationFactor = (reputation: Reputation | undefined, atMs: number): number =>
  reputation ? 1 + 0.5 * scoreAt(reputation, atMs) : 1;

/** The record after one event. */
export function afterEvent(
  reputation: Reputation | undefined,
  event: "success" | "violation",
  atMs: number,
): Reputation {
  const before = reputation ? scoreAt(reputation, atMs) : 0;
  return { score: clamp(before + (event === "success" ? SUCCESS : VIOLATION)), ts: atMs };
}

/** Reputation per source id. One success per source and minute; every violation counts once. */
export class ReputationBook {
  readonly #records = new Map<string, Reputation>();
  readonly #lastSuccess = new Map<string, number>();
  readonly #dirty = new Set<string>();

  factor(sourceId: string, atMs: number): number {
    return reputationFactor(this.#records.get(sourceId), atMs);
  }

  success(sourceId: string, atMs: number): void {
    const last = this.#lastSuccess.get(sourceId);
    if (last !== undefined && atMs - last < MINUTE_MS) return;
    this.#lastSuccess.set(sourceId, atMs);
    this.#apply(sourceId, "success", atMs);
  }

  violation(sourceId: string, atMs: number): void {
    this.#apply(sourceId, "violation", atMs);
  }

  /** Changed records as store operations (sublevel `reputation`), for the next atomic batch. */
  takeOps(): StoreOp[] {
    const ops: StoreOp[] = [];
    for (const id of this.#dirty) {
      const record = this.#records.get(id);
      if (record) ops.push(put("reputation", id, encodeCbor({ score: record.score, ts: record.ts })));
    }
    this.#dirty.clear();
    return ops;
  }

  /** Takes over one stored row; a row of another shape is refused and counts as no record. */
  restore(sourceId: string, bytes: Uint8Array): boolean {
    const value = decodeCbor(bytes);
    if (!isJsonObject(value)) return false;
    const { score, ts } = value;
    if (typeof score !== "number" || typeof ts !== "number" || !(Math.abs(score) <= 1)) return false;
    this.#records.set(sourceId, { score, ts });
    return true;
  }

  #apply(sourceId: string, event: "success" | "violation", atMs: number): void {
    if (!this.#records.has(sourceId) && this.#records.size >= EVIDENCE_LIMITS.reputations) return;
    this.#records.set(sourceId, afterEvent(this.#records.get(sourceId), event, atMs));
    this.#dirty.add(sourceId);
  }
}
