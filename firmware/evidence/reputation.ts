/** What sources did before (evidence.md 6): old sins fade, and nothing lifts trust above the signed value. */
import { decodeCbor, encodeCbor } from "../core/cbor.ts";
import { CodedError } from "../core/errors.ts";
import { isJsonObject } from "../core/json.ts";
import { EVIDENCE_LIMITS } from "../core/limits.ts";
import { put, type Store, type StoreOp } from "../ports/store.ts";

/** Sublevel of the rows, by the id of the source's rule. */
export const REPUTATIONS = "reputation";

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

/** Reads a stored row. @throws CodedError `store_corrupt` for one of another shape; that of the decoder. */
export function decodeReputation(bytes: Uint8Array): Reputation {
  const value = decodeCbor(bytes);
  const { score, ts } = isJsonObject(value) ? value : {};
  if (typeof score !== "number" || !(Math.abs(score) <= 1) || !Number.isSafeInteger(ts))
    throw new CodedError("store_corrupt", "The row is no reputation.");
  return { score, ts: Number(ts) };
}

/** Reputation per source id. One success per source and minute; a failure counts once, however many runs meet it. */
export class ReputationBook {
  readonly #records = new Map<string, Reputation>();
  readonly #lastSuccess = new Map<string, number>();
  readonly #dirty = new Set<string>();
  /** Sources whose failure has been counted and is not over. */
  readonly #failing = new Set<string>();

  /** With what was stored. @throws CodedError of the store and of `decodeReputation`. */
  static async open(store: Store): Promise<ReputationBook> {
    const book = new ReputationBook();
    for await (const [id, bytes] of store.range(REPUTATIONS)) {
      if (book.#records.size >= EVIDENCE_LIMITS.reputations) break;
      book.#records.set(id, decodeReputation(bytes));
    }
    return book;
  }

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

  /** True where the source did not fail before: a failure that goes on is still the same one. */
  fails(source: string): boolean {
    if (this.#failing.has(source)) return false;
    if (this.#failing.size >= EVIDENCE_LIMITS.rememberedSources) this.#failing.clear();
    this.#failing.add(source);
    return true;
  }

  /** Evidence of the source was accepted: the next failure is another one. */
  recovers(source: string): void {
    this.#failing.delete(source);
  }

  /** Changed records as store operations (sublevel `reputation`), for the next atomic batch. */
  takeOps(): StoreOp[] {
    const ops: StoreOp[] = [];
    for (const id of this.#dirty) {
      const record = this.#records.get(id);
      if (record) ops.push(put(REPUTATIONS, id, encodeCbor({ score: record.score, ts: record.ts })));
    }
    this.#dirty.clear();
    return ops;
  }

  /** These rows were not written: the next batch takes them, as they are by then. */
  putBack(ops: readonly StoreOp[]): void {
    for (const { key } of ops) this.#dirty.add(key);
  }

  #apply(sourceId: string, event: "success" | "violation", atMs: number): void {
    if (!this.#records.has(sourceId) && this.#records.size >= EVIDENCE_LIMITS.reputations) return;
    this.#records.set(sourceId, afterEvent(this.#records.get(sourceId), event, atMs));
    this.#dirty.add(sourceId);
  }
}
