/** Nonces of official statements, kept until their statements expire (evidence.md 11). */
import { decodeCbor, encodeCbor } from "../core/cbor.ts";
import { CodedError } from "../core/errors.ts";
import { hashJson } from "../core/hash.ts";
import { isJsonObject } from "../core/json.ts";
import { EVIDENCE_LIMITS } from "../core/limits.ts";
import { del, put, type Store, type StoreOp } from "../ports/store.ts";

/** Sublevel of the rows, by H(JCS([sourceId, nonce])). */
export const OFFICIALS = "official";

interface SeenNonce {
  /** H(JCS(payload)) of the statement that used it. */
  readonly ref: string;
  /** Wall ms; later it is forgotten. */
  readonly untilMs: number;
}

/** @throws CodedError `store_corrupt` for a row of another shape; that of the decoder. */
export function decodeSeenNonce(bytes: Uint8Array): SeenNonce {
  const value = decodeCbor(bytes);
  const { ref, untilMs } = isJsonObject(value) ? value : {};
  if (typeof ref !== "string" || !Number.isSafeInteger(untilMs))
    throw new CodedError("store_corrupt", "The row is no nonce of a statement.");
  return { ref, untilMs: Number(untilMs) };
}

const keyOf = (sourceId: string, nonce: string): string => hashJson([sourceId, nonce]);

/** A statement may be used again by later runs; another one may not use its nonce. */
export class OfficialBook {
  readonly #seen = new Map<string, SeenNonce>();

  /** With what was stored. @throws CodedError of the store and of `decodeSeenNonce`. */
  static async open(store: Store): Promise<OfficialBook> {
    const book = new OfficialBook();
    for await (const [key, bytes] of store.range(OFFICIALS)) book.#seen.set(key, decodeSeenNonce(bytes));
    return book;
  }

  /** Whether another statement than this has used the nonce. Full of living ones, every new nonce counts as used. */
  isUsed(sourceId: string, nonce: string, ref: string): boolean {
    const known = this.#seen.get(keyOf(sourceId, nonce));
    return known === undefined ? this.#seen.size >= EVIDENCE_LIMITS.officialNonces : known.ref !== ref;
  }

  isKnown(sourceId: string, nonce: string): boolean {
    return this.#seen.has(keyOf(sourceId, nonce));
  }

  /** The batch of `note` was not written: what is not on the disk would be forgotten by a restart alone. */
  forget(sourceId: string, nonce: string): void {
    this.#seen.delete(keyOf(sourceId, nonce));
  }

  /** Keeps a new nonce, and forgets those that have expired; for the next atomic batch. */
  note(sourceId: string, nonce: string, ref: string, untilMs: number, nowMs: number): readonly StoreOp[] {
    const ops: StoreOp[] = [];
    for (const [key, { untilMs: end }] of this.#seen) {
      if (end >= nowMs) continue;
      this.#seen.delete(key);
      ops.push(del(OFFICIALS, key));
    }
    const key = keyOf(sourceId, nonce);
    if (this.#seen.has(key)) return ops;
    this.#seen.set(key, { ref, untilMs });
    return [...ops, put(OFFICIALS, key, encodeCbor({ ref, untilMs }))];
  }
}
