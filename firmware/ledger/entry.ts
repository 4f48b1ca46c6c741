/** Entries: their canonical bytes, their hash and their stored form (ledger.md 1, 3). */
import { fromUtf8, toHex, utf8 } from "../core/bytes.ts";
import { canonicalize } from "../core/canonical-json.ts";
import { CodedError } from "../core/errors.ts";
import { sha256Hex, ZERO_HASH } from "../core/hash.ts";
import { isJsonObject, type Json } from "../core/json.ts";
import { LEDGER_LIMITS } from "../core/limits.ts";
import { scanEntry } from "./entry-scan.ts";
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

/** What verification needs of a stored row. */
export interface ReadLink {
  readonly prevHash: string;
  /** ms. */
  readonly ts: number;
  /** The canonical bytes: leaf data. */
  readonly bytes: Uint8Array;
  /** Recomputed. */
  readonly hash: string;
  /** As stored beside the entry. */
  readonly storedHash: string;
}

/** The same out of a store, with the hashes that lie beside the entry. */
export interface StoredLink extends ReadLink {
  /** Of the subtrees that the entry completes, level 1 upwards, 32 bytes each. */
  readonly nodes: Uint8Array;
}

/** What one stored row says, with the hash recomputed from its bytes. */
export interface ReadEntry extends StoredLink {
  readonly entry: LedgerEntry;
}

// CBOR of {"entry": <bytes, 16-bit length>, "hash": <32 bytes>}: map(2), text(5), bytes; text(4), bytes(32). An entry
// that completes subtrees has map(3) and behind it "nodes": <bytes, 16-bit length>: text(5), bytes.
const TWO_MEMBERS = 0xa2;
const THREE_MEMBERS = 0xa3;
const HEAD = Uint8Array.of(0x65, 0x65, 0x6e, 0x74, 0x72, 0x79, 0x59);
const MIDDLE = Uint8Array.of(0x64, 0x68, 0x61, 0x73, 0x68, 0x58, 0x20);
const NODES = Uint8Array.of(0x65, 0x6e, 0x6f, 0x64, 0x65, 0x73, 0x59);
export const HASH_BYTES = 32;
const BODY_AT = 1 + HEAD.length + 2;
const FRAME_BYTES = BODY_AT + MIDDLE.length + HASH_BYTES;
const NODES_FRAME_BYTES = NODES.length + 2;
const NO_NODES = new Uint8Array(0);

function putLength(row: Uint8Array, at: number, length: number): void {
  row[at] = length >> 8;
  row[at + 1] = length & 0xff;
}

const lengthAt = (row: Uint8Array, at: number): number => ((row[at] ?? 0) << 8) + (row[at + 1] ?? 0);

/**
 * The stored form: CBOR {entry: canonical bytes, hash: 32 bytes, nodes: the hashes of the subtrees that the entry
 * completes, level 1 upwards}, the last only where there are any. They lie with the entry because one row that is written
 * at the end of all others costs a third of three rows in different places. One fixed framing, so that reading needs no
 * second canonicalisation and no byte of a row can be changed without notice.
 * @throws CodedError `ledger_bad_event` beyond 65535 bytes, the limit of an entry in a tiled log.
 */
export function encodeStored(
  bytes: Uint8Array,
  hash: Uint8Array,
  nodes: readonly Uint8Array[] = [],
): Uint8Array {
  if (bytes.length > LEDGER_LIMITS.entryBytes) {
    throw new CodedError("ledger_bad_event", `An entry has at most ${LEDGER_LIMITS.entryBytes} bytes.`);
  }
  const nodesAt = FRAME_BYTES + bytes.length;
  const nodeBytes = nodes.length * HASH_BYTES;
  const row = new Uint8Array(nodeBytes === 0 ? nodesAt : nodesAt + NODES_FRAME_BYTES + nodeBytes);
  row[0] = nodeBytes === 0 ? TWO_MEMBERS : THREE_MEMBERS;
  row.set(HEAD, 1);
  putLength(row, 1 + HEAD.length, bytes.length);
  row.set(bytes, BODY_AT);
  row.set(MIDDLE, BODY_AT + bytes.length);
  row.set(hash, BODY_AT + bytes.length + MIDDLE.length);
  if (nodeBytes === 0) return row;
  row.set(NODES, nodesAt);
  putLength(row, nodesAt + NODES.length, nodeBytes);
  for (let i = 0; i < nodes.length; i++)
    row.set(nodes[i] ?? NO_NODES, nodesAt + NODES_FRAME_BYTES + i * HASH_BYTES);
  return row;
}

function holds(row: Uint8Array, part: Uint8Array, at: number): boolean {
  for (let i = 0; i < part.length; i++) if (row[at + i] !== part[i]) return false;
  return true;
}

/** The members of a row. */
export interface StoredParts {
  readonly bytes: Uint8Array;
  readonly hash: Uint8Array;
  readonly nodes: Uint8Array;
}

/** Null for any other framing than that of `encodeStored`. Never throws; hashes nothing. */
export function unframe(row: Uint8Array): StoredParts | null {
  const isShort = row[0] === TWO_MEMBERS;
  if ((!isShort && row[0] !== THREE_MEMBERS) || row.length < FRAME_BYTES || !holds(row, HEAD, 1)) return null;
  const end = BODY_AT + lengthAt(row, 1 + HEAD.length);
  const nodesAt = end + MIDDLE.length + HASH_BYTES;
  if (row.length < nodesAt || !holds(row, MIDDLE, end)) return null;
  const parts = { bytes: row.subarray(BODY_AT, end), hash: row.subarray(end + MIDDLE.length, nodesAt) };
  if (isShort) return row.length === nodesAt ? { ...parts, nodes: NO_NODES } : null;
  const from = nodesAt + NODES_FRAME_BYTES;
  const length = row.length - from;
  const isWhole = length > 0 && length % HASH_BYTES === 0 && length === lengthAt(row, from - 2);
  return isWhole && holds(row, NODES, nodesAt) ? { ...parts, nodes: row.subarray(from) } : null;
}

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

/** The same as `readStored` for a reader that has no use for the entry itself, several times faster. Never throws. */
export function readLink(row: Uint8Array): StoredLink | null {
  const framed = unframe(row);
  const scanned = framed === null ? null : scanEntry(framed.bytes);
  if (framed !== null && scanned !== null) {
    const { bytes, hash, nodes } = framed;
    const { prevHash, ts } = scanned;
    return { prevHash, ts, bytes, hash: sha256Hex(bytes), storedHash: toHex(hash), nodes };
  }
  return readStored(row);
}

/** Null for bytes that are not an entry in the stored form. Never throws. */
export function readStored(row: Uint8Array): ReadEntry | null {
  try {
    const framed = unframe(row);
    if (framed === null) return null;
    const { bytes, hash, nodes } = framed;
    const text = fromUtf8(bytes);
    const entry = JSON.parse(text) as Json;
    if (!isLedgerEntry(entry) || !isCanonical(text, entry)) return null;
    const { prev_hash: prevHash, ts } = entry;
    return { entry, prevHash, ts, bytes, hash: sha256Hex(bytes), storedHash: toHex(hash), nodes };
  } catch (error) {
    if (error instanceof CodedError || error instanceof SyntaxError) return null;
    throw error;
  }
}
