/** Export of a range of the log and the checks of an import (ledger.md 14). Import never merges. */
import { compareBytes, fromBase64, toBase64, toHex } from "../core/bytes.ts";
import { canonicalize } from "../core/canonical-json.ts";
import { CodedError, type Refusal, refusal } from "../core/errors.ts";
import { sha256, ZERO_HASH } from "../core/hash.ts";
import { isJsonObject, type Json, type JsonObject } from "../core/json.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { entryBytes, isLedgerEntry } from "./entry.ts";
import { CompactRange, leafHash } from "./tree.ts";
import type { LedgerEntry } from "./types.ts";

const FORMAT = "imu-ledger-export";

export interface ExportHeader {
  readonly origin: string;
  readonly from: number;
  readonly to: number;
  readonly prevHash: string;
  /** The tree over [0, from). */
  readonly range: CompactRange;
}

/** The export's lines: header, entries, trailer; each is one JCS document with its newline. */
export async function* exportLines(
  header: ExportHeader,
  entries: AsyncIterable<LedgerEntry>,
  note: string,
): AsyncIterable<string> {
  const { origin, from, to, prevHash, range } = header;
  const first = { format: FORMAT, v: 1, origin, from, to, prevHash, range: range.hashes.map(toBase64) };
  yield `${canonicalize(first)}\n`;
  let count = 0;
  for await (const entry of entries) {
    count++;
    yield `${canonicalize(entry)}\n`;
  }
  yield `${canonicalize({ checkpoint: note, entries: count })}\n`;
}

/** @returns null unless it is a header of this format and version. */
export function readExportHeader(value: Json): ExportHeader | null {
  if (!isJsonObject(value) || value.format !== FORMAT || value.v !== 1) return null;
  const { origin, from, to, prevHash, range } = value;
  if (typeof origin !== "string" || typeof prevHash !== "string" || !/^[0-9a-f]{64}$/.test(prevHash))
    return null;
  if (typeof from !== "number" || typeof to !== "number" || !Number.isSafeInteger(to) || to < from)
    return null;
  if (!Array.isArray(range) || range.some((hash) => typeof hash !== "string")) return null;
  if (from === 0 && prevHash !== ZERO_HASH) return null;
  try {
    const compact = CompactRange.of(
      from,
      range.map((hash) => fromBase64(String(hash))),
    );
    return compact === null ? null : { origin, from, to, prevHash, range: compact };
  } catch (error) {
    if (error instanceof CodedError) return null;
    throw error;
  }
}

export interface ImportInput {
  readonly header: Json;
  readonly entries: readonly Json[];
  readonly trailer: Json;
  readonly knowsOrigin: (origin: string) => boolean;
  /** Verifies the trailer's checkpoint; throws `bad_note`, `no_trusted_signature` or `bad_signature`. */
  readonly verify: (checkpoint: Json, origin: string) => Pick<Checkpoint, "size" | "root">;
}

/** Null for what has no canonical form, such as a lone surrogate in its data. */
function canonicalBytes(entry: LedgerEntry): Uint8Array | null {
  try {
    return entryBytes(entry);
  } catch (error) {
    if (error instanceof CodedError) return null;
    throw error;
  }
}

function checkChain(header: ExportHeader, entries: readonly Json[]): CompactRange | Refusal {
  let { range, prevHash } = header;
  for (const [i, entry] of entries.entries()) {
    const details: JsonObject = { index: header.from + i };
    if (!isLedgerEntry(entry)) return refusal("bad_entry", 422, details);
    if (entry.prev_hash !== prevHash) return refusal("chain_break", 422, details);
    const bytes = canonicalBytes(entry);
    if (bytes === null) return refusal("bad_entry", 422, details);
    prevHash = toHex(sha256(bytes));
    range = range.append(leafHash(bytes));
  }
  return range;
}

/** Everything is checked before anything is accepted; the first failing check of ledger.md 14 is the answer. */
export function checkImport(input: ImportInput): { readonly ok: true; readonly entries: number } | Refusal {
  const header = readExportHeader(input.header);
  if (header === null) return refusal("export_bad_header", 422);
  if (!input.knowsOrigin(header.origin)) return refusal("unknown_origin", 422);
  const trailer = isJsonObject(input.trailer) ? input.trailer : {};
  let checkpoint: Pick<Checkpoint, "size" | "root">;
  try {
    checkpoint = input.verify(trailer.checkpoint ?? null, header.origin);
  } catch (error) {
    if (error instanceof CodedError) return refusal(error.code, 422);
    throw error;
  }
  const count = input.entries.length;
  if (trailer.entries !== count || header.to - header.from !== count || checkpoint.size !== header.to) {
    return refusal("incomplete", 422);
  }
  const range = checkChain(header, input.entries);
  if (!(range instanceof CompactRange)) return range;
  if (compareBytes(range.root(), checkpoint.root) !== 0) return refusal("root_mismatch", 422);
  return { ok: true, entries: count };
}
