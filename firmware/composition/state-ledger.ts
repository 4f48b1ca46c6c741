/** Reading and verifying the ledger, of the running daemon or of a stopped one's store. Writes nothing. */
import { decodeCbor } from "../core/cbor.ts";
import { CodedError } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import { deviceIdOf } from "../core/key-record.ts";
import {
  formatProof,
  type IndexedEntry,
  LedgerReader,
  originOf,
  parseCheckpoint,
  parseNote,
  TYPE_ED25519,
  type VerifyReport,
  verifierKey,
  verifyStore,
} from "../ledger/index.ts";
import type { Store } from "../ports/store.ts";

/** Reserved by RFC 2606: what every device of this version puts in front of its origin. */
const AUTHORITY = "imu.invalid";
/** A verification that met a growing log is repeated; the window is a few milliseconds wide. */
const MAX_ATTEMPTS = 8;

/** What the reader of a state knows of its device; each may be missing, and then less can be proven. */
export interface LedgerFacts {
  readonly store: Store;
  /** Null where only the state directory is at hand. */
  readonly fleet: string | null;
  /** Public key of the device, lower-case hex. */
  readonly deviceKey: string | null;
  readonly headKey: Uint8Array | null;
  readonly onProgress?: (entries: number) => void;
}

export interface LedgerVerification extends VerifyReport {
  readonly epoch: number;
  /** Null if the head cannot be read. */
  readonly lastHash: string | null;
  readonly origin: string | null;
  /** Whether the sealed head was part of the proof. */
  readonly headChecked: boolean;
  /** Whether the signatures of checkpoints were part of the proof. */
  readonly checkpointsChecked: boolean;
}

const openReader = (store: Store): Promise<LedgerReader> => LedgerReader.open(store);

/** The epoch of the store even if its head is damaged (ledger.md 3: sublevel `lgepoch`). */
async function presentEpoch(store: Store): Promise<number> {
  const row = await store.get("lgepoch", "0");
  const epoch = row === undefined ? 0 : decodeCbor(row);
  if (typeof epoch === "number" && Number.isSafeInteger(epoch) && epoch >= 0) return epoch;
  throw new CodedError("store_corrupt", "The ledger's epoch cannot be read.");
}

/** The largest checkpoint, null if there is none or its head cannot be read. */
async function newestNote(store: Store): Promise<string | null> {
  try {
    return await (await openReader(store)).checkpoint();
  } catch (error) {
    if (error instanceof CodedError && error.code === "store_corrupt") return null;
    throw error;
  }
}

/** Without the fleet's name the newest checkpoint says what the log calls itself; the signature decides. */
async function originOfState(facts: LedgerFacts, epoch: number): Promise<string | null> {
  if (facts.fleet !== null && facts.deviceKey !== null) {
    return originOf(AUTHORITY, facts.fleet, deviceIdOf(facts.deviceKey), epoch);
  }
  const note = await newestNote(facts.store);
  if (note === null) return null;
  try {
    return parseCheckpoint(parseNote(note).text).origin;
  } catch (error) {
    if (error instanceof CodedError) return null;
    throw error;
  }
}

/** What the present log calls itself; null if neither fleet and key nor a checkpoint tell. @throws CodedError `store_corrupt`. */
export const logOrigin = async (facts: LedgerFacts): Promise<string | null> =>
  originOfState(facts, await presentEpoch(facts.store));

async function readHeadOf(
  store: Store,
): Promise<{ readonly size: number; readonly lastHash: string } | null> {
  try {
    const { head } = await openReader(store);
    return head;
  } catch (error) {
    if (error instanceof CodedError && error.code === "store_corrupt") return null;
    throw error;
  }
}

/**
 * The whole log of the present epoch. Missing keys make the proof weaker, never an error: the report says which parts
 * were checked.
 * @throws CodedError of the store; the signal's reason when aborted.
 */
export async function verifyLedgerState(
  facts: LedgerFacts,
  signal: AbortSignal,
): Promise<LedgerVerification> {
  const { store, deviceKey, headKey, onProgress } = facts;
  const epoch = await presentEpoch(store);
  const origin = await originOfState(facts, epoch);
  const hasCheckpointKey = deviceKey !== null && origin !== null;
  const keys = {
    logKeys: hasCheckpointKey ? [verifierKey(origin, TYPE_ED25519, deviceKey)] : [],
    origin: origin ?? "",
    headKey,
  };
  const options = { epoch, signal, ...(onProgress ? { onProgress } : {}) };
  let report = await verifyStore(store, keys, options);
  let head = await readHeadOf(store);
  // Entries that were appended between reading the head and reading the entries look like an unanchored tail.
  for (let attempt = 1; report.reason === "unanchored_tail" && attempt < MAX_ATTEMPTS; attempt++) {
    if (head === null || head.size <= (report.firstBad ?? 0)) break;
    report = await verifyStore(store, keys, options);
    head = await readHeadOf(store);
  }
  const warnings = hasCheckpointKey
    ? report.warnings
    : report.warnings.filter((warning) => warning.code !== "checkpoint_bad_signature");
  return {
    ...report,
    warnings,
    epoch,
    lastHash: head?.lastHash ?? null,
    origin,
    headChecked: headKey !== null && !warnings.some((warning) => warning.code === "head_unverified"),
    checkpointsChecked: hasCheckpointKey,
  };
}

export async function ledgerHead(store: Store): Promise<JsonObject> {
  const reader = await openReader(store);
  const { size, lastHash, lastTs } = reader.head;
  return { size, lastHash, lastTs, epoch: reader.epoch, checkpoint: await reader.checkpoint() };
}

const shown = ({ index, hash, entry }: IndexedEntry): JsonObject => ({
  index,
  hash,
  ts: entry.ts,
  prevHash: entry.prev_hash,
  event: { ...entry.event, ...(entry.event.refs ? { refs: [...entry.event.refs] } : {}) },
});

export async function ledgerTail(store: Store, n: number): Promise<JsonObject> {
  const reader = await openReader(store);
  return { size: reader.head.size, entries: (await reader.tail(n)).map(shown) };
}

/** The proof of an entry that a signed checkpoint covers, as text that travels; null if none covers it yet. */
async function proofText(reader: LedgerReader, index: number): Promise<string | null> {
  const note = await reader.checkpoint();
  if (note === null) return null;
  const { size } = parseCheckpoint(parseNote(note).text);
  if (index >= size) return null;
  return formatProof({ index, hashes: await reader.inclusionProof(index, size), note });
}

/** @throws CodedError `not_found` (404) if there is no such entry, or its body was pruned. */
export async function ledgerEntry(store: Store, index: number): Promise<JsonObject> {
  const reader = await openReader(store);
  const found = await reader.entry(index);
  if (found === undefined) {
    throw new CodedError("not_found", `The ledger has no entry ${index}; its size is ${reader.head.size}.`, {
      status: 404,
      details: { index, size: reader.head.size },
    });
  }
  return { ...shown(found), proof: await proofText(reader, index) };
}
