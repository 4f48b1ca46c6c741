/** Records sealed with the device's head key: the head, the anchor and the last signed checkpoint (ledger.md 3). */
import { compareBytes, equalConstantTime, fromHex, utf8 } from "../core/bytes.ts";
import { jcs } from "../core/canonical-json.ts";
import { decodeCbor, encodeCbor } from "../core/cbor.ts";
import { CodedError } from "../core/errors.ts";
import { hmacSha256Hex, ZERO_HASH } from "../core/hash.ts";
import { isJsonObject, type Json, type JsonObject } from "../core/json.ts";
import { CompactRange } from "./tree.ts";

export type SealDomain = "head" | "anchor" | "signed";

const macOf = (domain: SealDomain, key: Uint8Array, body: JsonObject): string =>
  hmacSha256Hex(key, utf8(`imu.ledger.${domain}.v1\n`), jcs(body));

/** CBOR {…body, mac}, mac = HMAC-SHA256(head key, domain line ‖ JCS(body)). */
export const seal = (domain: SealDomain, key: Uint8Array, body: JsonObject): Uint8Array =>
  encodeCbor({ ...body, mac: macOf(domain, key, body) });

/**
 * The body of a sealed record, null if it cannot be read or its mac is wrong.
 * @param key null if the reader has no head key: then the mac is not checked.
 */
export function unseal(domain: SealDomain, key: Uint8Array | null, row: Uint8Array): JsonObject | null {
  try {
    const record = decodeCbor(row);
    if (!isJsonObject(record)) return null;
    const { mac, ...body } = record;
    if (typeof mac !== "string" || !/^[0-9a-f]{64}$/.test(mac)) return null;
    if (key === null) return body;
    return equalConstantTime(fromHex(mac), fromHex(macOf(domain, key, body))) ? body : null;
  } catch (error) {
    if (error instanceof CodedError) return null;
    throw error;
  }
}

const HASH = /^[0-9a-f]{64}$/;
const isSize = (value: Json | undefined): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;

/** The compact range of `size` leaves from its stored hex hashes, null if it does not fit. */
export function rangeOf(size: Json | undefined, hashes: Json | undefined): CompactRange | null {
  if (!isSize(size) || !Array.isArray(hashes)) return null;
  if (!hashes.every((hash) => typeof hash === "string" && HASH.test(hash))) return null;
  return CompactRange.of(
    size,
    hashes.map((hash) => fromHex(String(hash))),
  );
}

/** Everything the writer must know to append: nothing of it needs the rest of the log. */
export interface LogState {
  readonly size: number;
  readonly lastHash: string;
  readonly lastTs: number;
  readonly range: CompactRange;
}

export const EMPTY_LOG: LogState = { size: 0, lastHash: ZERO_HASH, lastTs: 0, range: CompactRange.EMPTY };

/** Null unless it is a well-formed head. */
export function headOf(body: JsonObject | null): LogState | null {
  if (body === null) return null;
  const { size, lastHash, lastTs, range: hashes } = body;
  const range = rangeOf(size, hashes);
  if (range === null || typeof lastHash !== "string" || !HASH.test(lastHash)) return null;
  if (typeof lastTs !== "number" || !Number.isSafeInteger(lastTs)) return null;
  return { size: range.size, lastHash, lastTs, range };
}

export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => compareBytes(a, b) === 0;
