/** Entries: their canonical bytes, their hash and their stored form (ledger.md 1, 3). */
import { fromUtf8, toHex, utf8 } from "../core/bytes.ts";
import { canonicalize } from "../core/canonical-json.ts";
import { decodeCbor, encodeCbor } from "../core/cbor.ts";
import { CodedError } from "../core/errors.ts";
import { sha256, sha256Hex, ZERO_HASH } from "../core/hash.ts";
import { isJsonObject, type Json } from "../core/json.ts";
import type { LedgerEntry } from "./types.ts";

const HASH = /^[0-9a-f]{64}$/;

/** The bytes that the chain and the tree both hash. @throws CodedError `not_canonical`. */
export const entryBytes = (entry: unknown): Uint8Array => utf8(canonicalize(entry));

/** H(JCS({event, prev_hash, ts})), lower-case hex. @throws CodedError `not_canonical`. */
export const entryHash = (entry: unknown): string => sha256Hex(entryBytes(entry));

/** The `prev_hash` of the entry that follows: the own hash of the last one, recomputed; 64 zeros for an empty log. */
export const nextPrevHash = (last: LedgerEntry | null): string =>
  last === null ? ZERO_HASH : entryHash(last);

/** Exactly the three members with their types; kinds of later versions are readable. */
export function isLedgerEntry(value: unknown): value is LedgerEntry {
  return (
    isJsonObject(value) &&
    Object.keys(value).length === 3 &&
    isJsonObject(value.event) &&
    typeof value.event.kind === "string" &&
    typeof value.prev_hash === "string" &&
    HASH.test(value.prev_hash) &&
    Number.isSafeInteger(value.ts)
  );
}

/** What one stored row says, with the hash recomputed from its bytes. */
export interface ReadEntry {
  readonly entry: LedgerEntry;
  /** The canonical bytes: leaf data. */
  readonly bytes: Uint8Array;
  /** Recomputed. */
  readonly hash: string;
  /** As stored beside the entry. */
  readonly storedHash: string;
}

/** The stored form: CBOR {entry: canonical bytes, hash: 32 bytes}, so that reading needs no second canonicalisation. */
export const encodeStored = (bytes: Uint8Array, hash: Uint8Array): Uint8Array =>
  encodeCbor({ entry: bytes, hash });

function keysSorted(value: Json): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (Array.isArray(value)) return value.every(keysSorted);
  let previous: string | undefined;
  for (const [key, item] of Object.entries(value)) {
    if (previous !== undefined && !(previous < key)) return false;
    if (!keysSorted(item)) return false;
    previous = key;
  }
  return true;
}

/** The engine's own writer settles the usual case; what it cannot settle goes to the canonicaliser. */
function isCanonical(text: string, value: Json): boolean {
  if (!text.includes("\\u") && JSON.stringify(value) === text && keysSorted(value)) return true;
  return canonicalize(value) === text;
}

/** Null for bytes that are not an entry in the stored form. Never throws. */
export function readStored(row: Uint8Array): ReadEntry | null {
  try {
    const stored = decodeCbor(row);
    if (!isJsonObject(stored) || Object.keys(stored).length !== 2) return null;
    const { entry: bytes, hash } = stored as { readonly entry?: unknown; readonly hash?: unknown };
    if (!(bytes instanceof Uint8Array) || !(hash instanceof Uint8Array) || hash.length !== 32) return null;
    const text = fromUtf8(bytes);
    const entry = JSON.parse(text) as Json;
    if (!isLedgerEntry(entry) || !isCanonical(text, entry)) return null;
    return { entry, bytes, hash: toHex(sha256(bytes)), storedHash: toHex(hash) };
  } catch (error) {
    if (error instanceof CodedError || error instanceof SyntaxError) return null;
    throw error;
  }
}
