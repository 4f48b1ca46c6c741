/** Run records and program documents on disk (vm.md 12): written only as part of a settlement batch. */
import { fromUtf8, utf8 } from "../core/bytes.ts";
import { canonicalize } from "../core/canonical-json.ts";
import { decodeCbor, encodeCbor } from "../core/cbor.ts";
import { CodedError } from "../core/errors.ts";
import { sha256Hex } from "../core/hash.ts";
import { isJsonObject } from "../core/json.ts";
import { JSON_LIMITS, PROGRAM_LIMITS } from "../core/limits.ts";
import { parseJsonText } from "../core/parse-json.ts";
import type { ContentStore } from "../evidence/index.ts";
import { del, put, type Store, type StoreOp } from "../ports/store.ts";
import type { JournalEntry, ProgramDocument, RunRecord } from "../vm/types.ts";
import { type JournalBlob, readJournal, stageJournal } from "./journal-blob.ts";

const RUNS = "run";
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
function decodeRun(runId: string, bytes: Uint8Array): RunRecord {
  const value = decodeCbor(bytes);
  const row: Readonly<Record<string, unknown>> = isJsonObject(value) ? value : {};
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
  if (isSound) return row as typeof row & RunRecord;
  throw new CodedError("store_corrupt", `The record of run ${runId} has an unknown form.`, {
    details: { runId },
  });
}

const isJournalBlob = (value: unknown): boolean =>
  isPlain(value) && isText(value.sha256) && (value.parts === undefined || isTexts(value.parts));

const isPlain = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export class RunStore {
  readonly #store: Store;
  readonly #content: ContentStore;

  constructor(store: Store, content: ContentStore) {
    this.#store = store;
    this.#content = content;
  }

  /** The record as operations of its settlement. */
  stage(record: FullRunRecord): readonly StoreOp[] {
    const { stored: journal, ops: blobs } = stageJournal(record.journal);
    const stored: RunRecord = { ...record, journal };
    const ops: StoreOp[] = [del(OPEN, record.runId), ...blobs];
    ops.push(put(RUNS, record.runId, encodeCbor(stored)));
    return ops;
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
    const value = await this.#store.get(RUNS, runId);
    if (!value)
      throw new CodedError("not_found", `There is no run ${runId}.`, { status: 404, details: { runId } });
    return this.#full(decodeRun(runId, value));
  }

  /** The newest records first. @throws CodedError `store_corrupt`, `integrity_error` (500). */
  async *latest(limit: number): AsyncIterable<FullRunRecord> {
    for await (const [runId, value] of this.#store.range(RUNS, { reverse: true, limit })) {
      yield await this.#full(decodeRun(runId, value));
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
