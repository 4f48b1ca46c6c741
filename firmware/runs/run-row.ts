/**
 * A run's record on disk (vm.md 12): CBOR [1, base, rollup, difference, digests of its journal's blobs]. Records of one
 * program differ in few members; each is kept as the difference to an earlier one (`runbase`). Nothing is left out: digests
 * are octets, and ids of the run's evidence stand once, in the list of them. A row that is a map is a whole record.
 */
import { concat, fromHex, hexPieces, toHex } from "../core/bytes.ts";
import { decodeCbor, encodeCbor } from "../core/cbor.ts";
import { BASE_ID_BYTES, type DeltaBase } from "../core/delta-bases.ts";
import { CodedError } from "../core/errors.ts";
import { isJsonObject, type JsonObject } from "../core/json.ts";
import { deltaOf, type Octets, patched } from "../core/json-delta.ts";
import { packedValue, unpackedValue } from "../evidence/index.ts";
import type { RunRecord } from "../vm/types.ts";

/** What records are the difference to, by the digest of its bytes. */
export const RUN_BASES = "runbase";

const VERSION = 1;
const DIGEST_BYTES = 32;

const isPlain = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Digests of the content store that a record names: its journal, or the parts of it. */
export function journalDigests(record: unknown): readonly string[] {
  const journal = isPlain(record) ? record.journal : null;
  if (!isPlain(journal) || typeof journal.sha256 !== "string") return [];
  const parts = Array.isArray(journal.parts) ? journal.parts.filter((part) => typeof part === "string") : [];
  return [journal.sha256, ...parts];
}

/** The record without its ids of evidence, and those as octets. */
export function packedRecord(record: RunRecord): Octets {
  const { evidence, ...rest } = record;
  const seqOf = new Map(evidence.map((id, seq) => [id, seq]));
  const ids = evidence.map(fromHex);
  return [packedValue(rest as typeof rest & JsonObject, seqOf), ids];
}

/** Records of one shape differ in few members. */
export const recordShape = ({ program, state, journal, outcome, evidence }: RunRecord): string => {
  const calls = Array.isArray(journal) ? journal.map((entry) => callOf(entry)).join(" ") : "blob";
  return `${program.programHash} ${state} ${outcome.effects.length} ${evidence.length} ${calls}`;
};

const callOf = (entry: unknown): string =>
  isPlain(entry) ? `${entry.t}:${entry.capability}:${entry.ok}` : "";

export function encodeRunRow(
  packed: Octets,
  base: DeltaBase,
  rollup: string | null,
  digests: readonly string[],
): Uint8Array {
  const delta = deltaOf(packed, base.content);
  return encodeCbor([VERSION, fromHex(base.id), rollup, delta, concat(...digests.map(fromHex))]);
}

/** A row whose difference has not been applied. */
export interface RunRow {
  readonly base: string;
  readonly rollup: string | null;
  readonly delta: Octets;
  readonly digests: readonly string[];
}

function corrupt(runId: string): never {
  throw new CodedError("store_corrupt", `The record of run ${runId} has an unknown form.`, {
    details: { runId },
  });
}

const isBytes = (value: unknown, unit: number): value is Uint8Array =>
  value instanceof Uint8Array && value.length % unit === 0;

/** A whole record comes as it is. @throws CodedError `store_corrupt`. */
export function readRunRow(runId: string, bytes: Uint8Array): RunRow | { readonly whole: JsonObject } {
  const value = decodeCbor(bytes);
  if (isJsonObject(value)) return { whole: value };
  if (!Array.isArray(value) || value.length !== 5 || value[0] !== VERSION) corrupt(runId);
  const [, base, rollup, delta, digests] = value as unknown[];
  const isSound =
    isBytes(base, BASE_ID_BYTES) && base.length === BASE_ID_BYTES && isBytes(digests, DIGEST_BYTES);
  if (!isSound || (rollup !== null && typeof rollup !== "string")) corrupt(runId);
  return {
    base: toHex(base),
    rollup,
    delta: delta as Octets,
    digests: hexPieces(digests, DIGEST_BYTES),
  };
}

export interface NamedByRun {
  readonly base: string | null;
  readonly digests: readonly string[];
  /** The first run of the rollup that stands for it. */
  readonly rollup: string | null;
}

/** What a stored row refers to: its base, the blobs of its journal, its rollup. @throws CodedError `store_corrupt`. */
export function namedByRun(runId: string, bytes: Uint8Array): NamedByRun {
  const row = readRunRow(runId, bytes);
  if (!("whole" in row)) return row;
  const { rollup } = row.whole;
  return {
    base: null,
    digests: journalDigests(row.whole),
    rollup: typeof rollup === "string" ? rollup : null,
  };
}

/** The record, unchecked but for its form as a row. @throws CodedError `store_corrupt`. */
export function unpackedRecord(runId: string, row: RunRow, base: Octets): JsonObject {
  const content = patched(row.delta, base);
  if (!Array.isArray(content) || content.length !== 2) corrupt(runId);
  const [rest, octets] = content as Octets[];
  if (!Array.isArray(octets) || !octets.every((id: unknown) => isBytes(id, DIGEST_BYTES))) corrupt(runId);
  const evidence = octets.map((id: Uint8Array) => toHex(id));
  const record = unpackedValue(rest as Octets, evidence);
  if (!isJsonObject(record)) corrupt(runId);
  const whole = { ...record, evidence };
  if (journalDigests(whole).join() !== row.digests.join()) corrupt(runId);
  return whole;
}
