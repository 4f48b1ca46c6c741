/**
 * The row that holds all evidence of one run (`evpack!<runId>`), and what can be learned from it without unpacking:
 * CBOR [1, seal, prefixes, base, ts, monoMs, lifeMs, difference, digests of blobs].
 */
import { concat, fromHex, hexPieces, toHex } from "../core/bytes.ts";
import { decodeCbor, encodeCbor } from "../core/cbor.ts";
import { BASE_ID_BYTES } from "../core/delta-bases.ts";
import { CodedError } from "../core/errors.ts";
import type { Octets } from "../core/json-delta.ts";

/** One row per run. */
export const PACKS = "evpack";
/** What packs are the difference to, by the digest of its bytes. */
export const PACK_BASES = "evbase";

const VERSION = 1;
const SEAL_BYTES = 32;
const DIGEST_BYTES = 32;
/** Of an id: enough to find it, and to tell an altered record from the others of its run. */
export const PREFIX_BYTES = 4;

export interface PackRow {
  /** HMAC-SHA256 over the run and the ids of its evidence. */
  readonly seal: Uint8Array;
  /** The first bytes of each id, in order of `seq`. */
  readonly prefixes: Uint8Array;
  /** Key in `evbase`. */
  readonly base: string;
  /** Wall and monotonic ms of the first record. */
  readonly ts: number;
  readonly monoMs: number;
  /** ms after `ts` at which the last record expires. */
  readonly lifeMs: number;
  /** Difference to the base. */
  readonly content: Octets;
  /** Digests of the payloads that are not inline. */
  readonly blobs: readonly string[];
}

export function encodePackRow(row: PackRow): Uint8Array {
  const { seal, prefixes, base, ts, monoMs, lifeMs, content, blobs } = row;
  const digests = concat(...blobs.map(fromHex));
  return encodeCbor([VERSION, seal, prefixes, fromHex(base), ts, monoMs, lifeMs, content, digests]);
}

const isBytes = (value: unknown, unit: number): value is Uint8Array =>
  value instanceof Uint8Array && value.length % unit === 0;

/** @throws CodedError `store_corrupt` (500). @param key names the row in the error. */
export function decodePackRow(key: string, bytes: Uint8Array): PackRow {
  const row = decodeCbor(bytes);
  if (Array.isArray(row) && row.length === 9 && row[0] === VERSION) {
    const [, seal, prefixes, base, ts, monoMs, lifeMs, content, digests] = row as unknown[];
    if (
      isBytes(seal, SEAL_BYTES) &&
      seal.length === SEAL_BYTES &&
      isBytes(prefixes, PREFIX_BYTES) &&
      isBytes(base, BASE_ID_BYTES) &&
      base.length === BASE_ID_BYTES &&
      [ts, monoMs, lifeMs].every(Number.isFinite) &&
      isBytes(digests, DIGEST_BYTES)
    ) {
      return {
        seal,
        prefixes,
        base: toHex(base),
        ts: Number(ts),
        monoMs: Number(monoMs),
        lifeMs: Number(lifeMs),
        content: content as Octets,
        blobs: hexPieces(digests, DIGEST_BYTES),
      };
    }
  }
  throw new CodedError("store_corrupt", "The row of a run's evidence is malformed.", { details: { key } });
}

export const countIn = ({ prefixes }: PackRow): number => prefixes.length / PREFIX_BYTES;

export const prefixAt = ({ prefixes }: PackRow, seq: number): string =>
  toHex(prefixes.subarray(seq * PREFIX_BYTES, (seq + 1) * PREFIX_BYTES));

/** Positions whose id may be this one. */
export function placesOf(row: PackRow, id: string): readonly number[] {
  const prefix = id.slice(0, PREFIX_BYTES * 2);
  return Array.from({ length: countIn(row) }, (_, seq) => seq).filter((seq) => prefixAt(row, seq) === prefix);
}
