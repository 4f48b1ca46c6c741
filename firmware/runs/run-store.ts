/** Run records and program documents on disk (vm.md 12): written only as part of a settlement batch. */
import { fromUtf8, utf8 } from "../core/bytes.ts";
import { canonicalize, jcs } from "../core/canonical-json.ts";
import { decodeCbor, encodeCbor } from "../core/cbor.ts";
import { DeltaBases } from "../core/delta-bases.ts";
import { CodedError } from "../core/errors.ts";
import { sha256Hex } from "../core/hash.ts";
import { isJsonObject, type JsonObject } from "../core/json.ts";
import type { Octets } from "../core/json-delta.ts";
import { JSON_LIMITS, PROGRAM_LIMITS, RUN_LIMITS } from "../core/limits.ts";
import { parseJsonText } from "../core/parse-json.ts";
import { type ContentStore, readBase } from "../evidence/index.ts";
import { leafHash } from "../ledger/index.ts";
import type { RollupShare } from "../ledger/types.ts";
import { del, put, type Store, type StoreOp } from "../ports/store.ts";
import type { JournalEntry, ProgramDocument, RunRecord } from "../vm/types.ts";
import { type JournalBlob, readJournal, stageJournal } from "./journal-blob.ts";
import {
  encodeRunRow,
  journalDigests,
  namedByRun,
  packedRecord,
  RUN_BASES,
  readRunRow,
  recordShape,
  unpackedRecord,
} from "./run-row.ts";

/** Sublevel of the records. */
export const RUNS = "run";
/** Sublevel of the runs that have not settled. */
export const OPEN_RUNS = "runopen";
const OPEN = OPEN_RUNS;
const DOCUMENTS = "progdoc";

/** A run whose settlement has not been written yet; found after a power loss. */
export interface OpenRun {
  readonly runId: string;
  readonly program: string;
  readonly programHash: string;
  readonly subject: string;
  readonly policyHash: string;
  readonly startedAt: number;
  readonly outputs: readonly string[];
}

/** A record with its journal at hand. */
export type FullRunRecord = RunRecord & { readonly journal: readonly JournalEntry[] };

/** What makes a record durable. */
export interface StagedRun {
  readonly ops: readonly StoreOp[];
  /** To be called once the batch is durable: until then every record brings its base along. */
  readonly stored: () => void;
}

/** A record whose run has no entry of its own, and the share that stands for it. */
export interface StagedShare extends StagedRun {
  readonly share: RollupShare;
}

/** A record as it is stored, with the first run of the rollup that covers it; null if it has an entry of its own. */
export interface StoredRun {
  readonly record: RunRecord;
  readonly rollup: string | null;
}

/** Leaf of a rollup's `runsRoot`: the record as it is stored, with its journal or the digest of it (ledger.md 8). */
export const recordLeaf = (record: RunRecord): Uint8Array => leafHash(jcs(record as RunRecord & JsonObject));

const shareOf = (record: RunRecord, rows: RollupShare["rows"]): RollupShare => ({
  actor: record.subject,
  programId: record.program.name,
  programHash: record.program.programHash,
  policyHash: record.policyHash,
  runId: record.runId,
  startedAt: record.startedAt,
  evidenceCount: record.evidence.length,
  steps: record.metrics.cpuSteps,
  wallMs: record.metrics.wallMs,
  leaf: recordLeaf(record),
  rows,
});

const isText = (value: unknown): boolean => typeof value === "string";

/** Reads a row of `runopen`. @throws CodedError `store_corrupt`. */
export function decodeOpenRun(bytes: Uint8Array): OpenRun {
  const value = decodeCbor(bytes);
  const row: Readonly<Record<string, unknown>> = isJsonObject(value) ? value : {};
  const texts = [row.runId, row.program, row.programHash, row.subject, row.policyHash];
  if (texts.every(isText) && Number.isFinite(row.startedAt) && isTexts(row.outputs)) {
    return row as typeof row & OpenRun;
  }
  throw new CodedError("store_corrupt", "The note of an open run has an unknown form.");
}

const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText);

/** What every reader of a record takes for granted; the hashes are checked by replay. @throws CodedError `store_corrupt`. */
function checkedRun(runId: string, value: JsonObject): StoredRun {
  const { rollup = null, ...row }: Readonly<Record<string, unknown>> = value;
  const { program, outcome, journal } = row;
  const isSound =
    row.v === 1 &&
    row.runId === runId &&
    [row.program, row.outcome, row.release, row.metrics, row.limits].every(isPlain) &&
    isPlain(program) &&
    [program.name, program.programHash].every(isText) &&
    isPlain(outcome) &&
    Array.isArray(outcome.effects) &&
    (Array.isArray(journal) || isJournalBlob(journal)) &&
    isTexts(row.evidence) &&
    isTexts(row.safeStates);
  if (isSound && (rollup === null || typeof rollup === "string"))
    return { record: row as typeof row & RunRecord, rollup };
  throw unknownForm(runId);
}

const unknownForm = (runId: string): CodedError =>
  new CodedError("store_corrupt", `The record of run ${runId} has an unknown form.`, { details: { runId } });

/** @param bases those that rows name. @throws CodedError `store_corrupt`. */
export function decodeRun(
  runId: string,
  bytes: Uint8Array,
  bases: (id: string) => Octets | undefined,
): StoredRun {
  const row = readRunRow(runId, bytes);
  if ("whole" in row) return checkedRun(runId, row.whole);
  const base = bases(row.base);
  if (base === undefined) throw unknownForm(runId);
  return checkedRun(runId, { ...unpackedRecord(runId, row, base), rollup: row.rollup });
}

/** Null for a row that cannot be read: it is nobody's share, and must not keep a daemon from starting. */
async function readableRun(reading: Promise<StoredRun>): Promise<StoredRun | null> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof CodedError) return null;
    throw error;
  }
}

const isJournalBlob = (value: unknown): boolean =>
  isPlain(value) && isText(value.sha256) && (value.parts === undefined || isTexts(value.parts));

const isPlain = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export class RunStore {
  readonly #store: Store;
  readonly #content: ContentStore;
  readonly #bases = new DeltaBases({ bases: RUN_LIMITS.rowBases, rows: RUN_LIMITS.rowsPerBase });
  /** Bases that were read last: records are read one after the other, and programs take turns. */
  readonly #read = new Map<string, Octets>();

  constructor(store: Store, content: ContentStore) {
    this.#store = store;
    this.#content = content;
  }

  /** The record for the batch of its settlement. */
  stage(record: FullRunRecord): StagedRun {
    const { row, ops, stored } = this.#stage(record);
    return { ops: [...ops, row(null)], stored };
  }

  /** The same for a run without an entry of its own; which rollup it gets into is decided when the batch is made. */
  stageShared(record: FullRunRecord): StagedShare {
    const { row, kept, ops, stored } = this.#stage(record);
    return { share: shareOf(kept, (rollup) => [row(rollup)]), ops, stored };
  }

  #stage(record: FullRunRecord): StagedRun & {
    /** As it is kept: a long journal is a digest. */
    readonly kept: RunRecord;
    readonly row: (rollup: string | null) => StoreOp;
  } {
    const { stored: journal, ops: blobs } = stageJournal(record.journal);
    const kept: RunRecord = { ...record, journal };
    const packed = packedRecord(kept);
    const base = this.#bases.choose(recordShape(kept), packed);
    const digests = journalDigests(kept);
    const row = (rollup: string | null): StoreOp =>
      put(RUNS, record.runId, encodeRunRow(packed, base, rollup, digests));
    const ops = [del(OPEN, record.runId), ...blobs];
    if (!base.isStored) ops.push(put(RUN_BASES, base.id, base.bytes));
    const stored = (): void => {
      base.isStored = true;
    };
    return { kept, row, ops, stored };
  }

  /** To be called before garbage is looked for. */
  forgetBases(): void {
    this.#bases.forget();
  }

  async #decode(runId: string, bytes: Uint8Array): Promise<StoredRun> {
    const { base } = namedByRun(runId, bytes);
    if (base === null || this.#read.has(base)) return decodeRun(runId, bytes, (id) => this.#read.get(id));
    const content = await readBase(this.#store, RUN_BASES, base);
    if (this.#read.size >= RUN_LIMITS.rowBases) this.#read.clear();
    this.#read.set(base, content);
    return decodeRun(runId, bytes, () => content);
  }

  /** The record as it is stored. @throws CodedError `not_found` (404), `store_corrupt`. */
  async stored(runId: string): Promise<StoredRun> {
    const value = await this.#store.get(RUNS, runId);
    if (value) return await this.#decode(runId, value);
    throw new CodedError("not_found", `There is no run ${runId}.`, { status: 404, details: { runId } });
  }

  /** Records of one rollup that can be read, in order of start. @param first the run it begins with. */
  async *ofRollup(first: string, last?: string): AsyncIterable<RunRecord> {
    const range = last === undefined ? { gte: first } : { gte: first, lte: last };
    for await (const [runId, value] of this.#store.range(RUNS, range)) {
      const stored = await readableRun(this.#decode(runId, value));
      if (stored?.rollup === first) yield stored.record;
    }
  }

  /** The shares of a rollup that was never written. */
  async sharesOf(first: string): Promise<readonly RollupShare[]> {
    const shares: RollupShare[] = [];
    for await (const record of this.ofRollup(first)) shares.push(shareOf(record, () => []));
    return shares;
  }

  /** Notes a run before its first effect, so that the next boot knows what was cut. */
  async markOpen(run: OpenRun): Promise<void> {
    await this.#store.batch([put(OPEN, run.runId, encodeCbor(run))], { sync: false });
  }

  clearOpen(runId: string): StoreOp {
    return del(OPEN, runId);
  }

  async openRuns(): Promise<readonly OpenRun[]> {
    const found: OpenRun[] = [];
    for await (const [, value] of this.#store.range(OPEN)) found.push(decodeOpenRun(value));
    return found;
  }

  /** @throws CodedError `not_found` (404), `store_corrupt`, `integrity_error` (500) if the journal was altered. */
  async read(runId: string): Promise<FullRunRecord> {
    return this.#full((await this.stored(runId)).record);
  }

  /** The newest records first. @throws CodedError `store_corrupt`, `integrity_error` (500). */
  async *latest(limit: number): AsyncIterable<FullRunRecord> {
    for await (const [runId, value] of this.#store.range(RUNS, { reverse: true, limit })) {
      yield await this.#full((await this.#decode(runId, value)).record);
    }
  }

  async #full(record: RunRecord): Promise<FullRunRecord> {
    if (Array.isArray(record.journal)) return record as FullRunRecord;
    const journal = await readJournal(this.#content, record.journal as JournalBlob);
    return { ...record, journal };
  }

  stageDocument(programHash: string, document: ProgramDocument): StoreOp {
    return put(DOCUMENTS, programHash, utf8(canonicalize(document)));
  }

  /** The document of a recorded run, re-hashed. @throws CodedError `not_found` (404), `integrity_error` (500). */
  async document(programHash: string): Promise<ProgramDocument> {
    const value = await this.#store.get(DOCUMENTS, programHash);
    if (!value) {
      throw new CodedError("not_found", `The program ${programHash} is not stored.`, { status: 404 });
    }
    if (sha256Hex(value) !== programHash) {
      throw new CodedError("integrity_error", "The stored program does not match its hash.", {
        details: { sha256: programHash },
      });
    }
    const document = parseJsonText(fromUtf8(value), {
      maxBytes: PROGRAM_LIMITS.documentBytes,
      maxDepth: JSON_LIMITS.storedDepth,
    });
    return document as ProgramDocument & typeof document;
  }
}
