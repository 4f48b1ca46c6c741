/** Retention of run records, of their evidence and of the content that both name (evidence.md 2, 16). */

import { decodeCbor } from "../core/cbor.ts";
import { CodedError } from "../core/errors.ts";
import { LEDGER_LIMITS, RETENTION_LIMITS } from "../core/limits.ts";
import {
  CAS,
  type Collected,
  type ContentWatch,
  collectGarbage,
  countIn,
  decodePackRow,
  EVIDENCE,
  PACK_BASES,
  PACKS,
  RUN_INDEX,
  removeBases,
  runOfKey,
} from "../evidence/index.ts";
import { del, type StoreOp } from "../ports/store.ts";
import { namedByRun, RUN_BASES } from "./run-row.ts";
import { RUNS } from "./run-store.ts";

const DAY_MS = 86_400_000;

export interface RunRetentionLimits {
  /** Days that records are kept, as the ledger keeps its bodies. */
  readonly recordDays: number;
  /** Bytes of records; the oldest go first, with their evidence. */
  readonly recordBytes: number;
  /** Days that evidence is kept. */
  readonly evidenceDays: number;
  /** Bytes of evidence and of the content store; the oldest goes first. */
  readonly evidenceBytes: number;
}

export interface RunsRetained {
  readonly records: number;
  /** Envelopes that went with their run's turn, and those that the collection found. */
  readonly envelopes: number;
  readonly blobs: number;
  readonly recordBytes: number;
  readonly evidenceBytes: number;
}

/** What counts as evidence on the disk. */
const EVIDENCE_SUBS = [EVIDENCE, PACKS, PACK_BASES, CAS] as const;

type Breathe = () => Promise<void>;

/** Ms of the start that a run's id begins with; null for an id of another form. */
const startOf = (runId: string): number | null =>
  /^r[0-9a-f]{20}$/.test(runId) ? Number.parseInt(runId.slice(1, 13), 16) : null;

const { setSinceMs } = RETENTION_LIMITS;
/** The first id that a set clock can have given. */
const FIRST_SET = `r${setSinceMs.toString(16).padStart(12, "0")}`;

/** Which runs are too old. What ran before the clock was set is as old as the first run after that. */
interface Ages {
  readonly oldestMs: number;
  readonly areUnsetOld: boolean;
}

/** True if too old, false if not, null if it is not but a later one may be. */
function judgeAge(runId: string, { oldestMs, areUnsetOld }: Ages): boolean | null {
  const start = startOf(runId);
  if (start === null) return false;
  if (start < setSinceMs) return areUnsetOld ? true : null;
  return start < oldestMs;
}

export class RunRetention {
  readonly #store: ContentWatch;
  readonly #onCollect: () => void;
  #unnamedBases: ReadonlySet<string> = new Set();
  #unnamedRunBases: ReadonlySet<string> = new Set();
  #recordBytes = 0;
  #evidenceBytes = 0;
  /** Null until the first collection has counted. */
  #collectedAtMs: number | null = null;

  /** @param onCollect told before garbage is looked for, so that no base is relied on that may be garbage. */
  constructor(store: ContentWatch, onCollect: () => void = () => undefined) {
    this.#store = store;
    this.#onCollect = onCollect;
  }

  /**
   * One round. The first one and one a day look at everything and remove what nothing names any more; the others only
   * take the oldest away.
   * @param nowMs wall ms; of an untrusted clock the time of the last entry.
   * @throws CodedError `store_corrupt`, storage codes, and what `breathe` throws.
   */
  async round(limits: RunRetentionLimits, nowMs: number, breathe: Breathe): Promise<RunsRetained> {
    const isFirst = this.#collectedAtMs === null;
    let collected = isFirst ? await this.#collect(limits, nowMs, breathe) : null;
    this.#count();
    const records = await this.#dropRecords(limits, nowMs, breathe);
    const dropped = await this.#dropEvidence(limits, nowMs, breathe);
    const isDue = nowMs - (this.#collectedAtMs ?? 0) >= DAY_MS;
    if (isDue || dropped.isOver) collected = await this.#collect(limits, nowMs, breathe);
    return {
      records: records.runs,
      envelopes: records.envelopes + dropped.envelopes + (collected?.envelopes ?? 0),
      blobs: collected?.objects ?? 0,
      recordBytes: this.#recordBytes,
      evidenceBytes: this.#evidenceBytes,
    };
  }

  #count(): void {
    this.#recordBytes += this.#store.takeWritten(RUNS) + this.#store.takeWritten(RUN_BASES);
    for (const sub of EVIDENCE_SUBS) this.#evidenceBytes += this.#store.takeWritten(sub);
  }

  async #collect(limits: RunRetentionLimits, nowMs: number, breathe: Breathe): Promise<Collected> {
    const touched = this.#store.watch();
    this.#onCollect();
    for (const sub of [RUNS, RUN_BASES, ...EVIDENCE_SUBS]) this.#store.takeWritten(sub);
    try {
      const named = await this.#namedByRecords(breathe);
      const oldest = nowMs - limits.evidenceDays * DAY_MS;
      const collected = await collectGarbage({
        store: this.#store,
        nowMs,
        retains: ({ ts }) => ts >= oldest || ts < setSinceMs,
        references: (sha256) => named.digests.has(sha256),
        touched,
        unnamedBases: this.#unnamedBases,
        breathe,
      });
      this.#evidenceBytes = collected.keptEnvelopeBytes + collected.keptObjectBytes;
      this.#unnamedBases = collected.unnamedBases;
      const bases = await removeBases({
        store: this.#store,
        sub: RUN_BASES,
        named: named.bases,
        unnamedBefore: this.#unnamedRunBases,
        touched,
        breathe,
      });
      this.#unnamedRunBases = bases.unnamed;
      this.#recordBytes += bases.keptBytes;
      this.#collectedAtMs = nowMs;
      return collected;
    } finally {
      this.#store.unwatch();
    }
  }

  /** What records name: blobs of their journals, and their bases. Counts the records on the way. */
  async #namedByRecords(
    breathe: Breathe,
  ): Promise<{ readonly digests: ReadonlySet<string>; readonly bases: ReadonlySet<string> }> {
    const digests = new Set<string>();
    const bases = new Set<string>();
    this.#recordBytes = 0;
    for await (const [runId, row] of this.#store.range(RUNS)) {
      this.#recordBytes += runId.length + row.length;
      const named = namesIn(runId, row);
      for (const sha256 of named.digests) digests.add(sha256);
      if (named.base !== null) bases.add(named.base);
      await breathe();
    }
    return { digests, bases };
  }

  async #dropRecords(
    limits: RunRetentionLimits,
    nowMs: number,
    breathe: Breathe,
  ): Promise<{ readonly runs: number; readonly envelopes: number }> {
    const ages = await this.#ages(RUNS, nowMs - limits.recordDays * DAY_MS);
    let runs = 0;
    let envelopes = 0;
    const gone = new Set<string>();
    for await (const [runId, row] of this.#store.range(RUNS, { limit: RETENTION_LIMITS.roundRuns })) {
      await breathe();
      if (gone.delete(runId)) continue;
      const isOld = judgeAge(runId, ages);
      if (!isOld && this.#recordBytes <= limits.recordBytes) {
        if (isOld === null) continue;
        break;
      }
      const together = await this.#provenWith(runId, row, nowMs, breathe);
      if (together === null) continue;
      const ops: StoreOp[] = [];
      for (const { id, bytes } of together) {
        await breathe();
        const evidence = await this.#evidenceOf(id);
        ops.push(del(RUNS, id), ...evidence.ops);
        this.#recordBytes -= bytes;
        this.#evidenceBytes -= evidence.bytes;
        envelopes += evidence.count;
        if (id !== runId) gone.add(id);
      }
      await this.#store.batch(ops, { sync: false });
      runs += together.length;
    }
    return { runs, envelopes };
  }

  /**
   * The records that go together: without one of them no other run of its rollup can be proven (ledger.md 8). Null while
   * the rollup may still grow.
   */
  async #provenWith(
    runId: string,
    row: Uint8Array,
    nowMs: number,
    breathe: Breathe,
  ): Promise<readonly { readonly id: string; readonly bytes: number }[] | null> {
    const { rollup } = namesIn(runId, row);
    const alone = [{ id: runId, bytes: runId.length + row.length }];
    const start = startOf(runId);
    if (rollup === null || start === null) return alone;
    const last = start + 2 * LEDGER_LIMITS.rollupMs;
    if (start <= nowMs && nowMs <= last) return null;
    const found: { readonly id: string; readonly bytes: number }[] = [];
    for await (const [id, value] of this.#store.range(RUNS, { gte: runId })) {
      await breathe();
      if ((startOf(id) ?? 0) > last || found.length >= LEDGER_LIMITS.rollupRuns) break;
      if (namesIn(id, value).rollup === rollup) found.push({ id, bytes: id.length + value.length });
    }
    return found;
  }

  /** @returns `isOver` while only a collection can bring the bytes down: what is left in excess are blobs. */
  async #dropEvidence(
    limits: RunRetentionLimits,
    nowMs: number,
    breathe: Breathe,
  ): Promise<{ readonly envelopes: number; readonly isOver: boolean }> {
    const wasOver = this.#evidenceBytes > limits.evidenceBytes;
    let envelopes = 0;
    for (const sub of [RUN_INDEX, PACKS]) {
      const ages = await this.#ages(sub, nowMs - limits.evidenceDays * DAY_MS);
      let last = "";
      for await (const [key] of this.#store.range(sub)) {
        await breathe();
        const runId = runIn(sub, key);
        if (runId === last) continue;
        last = runId;
        const isOld = judgeAge(runId, ages);
        if (!isOld && this.#evidenceBytes <= limits.evidenceBytes) {
          if (isOld === null) continue;
          break;
        }
        const evidence = await this.#evidenceOf(runId);
        await this.#store.batch(evidence.ops, { sync: false });
        this.#evidenceBytes -= evidence.bytes;
        envelopes += evidence.count;
      }
    }
    return { envelopes, isOver: wasOver };
  }

  async #ages(sub: string, oldestMs: number): Promise<Ages> {
    for await (const [key] of this.#store.range(sub, { gte: FIRST_SET, limit: 1 }))
      return { oldestMs, areUnsetOld: (startOf(runIn(sub, key)) ?? oldestMs) < oldestMs };
    return { oldestMs, areUnsetOld: false };
  }

  async #evidenceOf(
    runId: string,
  ): Promise<{ readonly ops: readonly StoreOp[]; readonly count: number; readonly bytes: number }> {
    const ops: StoreOp[] = [];
    const packed = await this.#store.get(PACKS, runId);
    let bytes = packed === undefined ? 0 : runId.length + packed.length;
    let count = packed === undefined ? 0 : packedCount(runId, packed);
    if (packed !== undefined) ops.push(del(PACKS, runId));
    for await (const [key, value] of this.#store.range(RUN_INDEX, { gte: `${runId}!`, lt: `${runId}"` })) {
      ops.push(del(RUN_INDEX, key));
      const id = idIn(value);
      if (id === null) continue;
      ops.push(del(EVIDENCE, id));
      bytes += id.length + ((await this.#store.get(EVIDENCE, id))?.length ?? 0);
      count++;
    }
    return { ops, count, bytes };
  }
}

/** The run that a row of evidence belongs to. */
const runIn = (sub: string, key: string): string => (sub === RUN_INDEX ? runOfKey(key) : key);

/** Of a damaged row nothing is known; it goes all the same. */
function packedCount(runId: string, row: Uint8Array): number {
  try {
    return countIn(decodePackRow(runId, row));
  } catch (error) {
    if (error instanceof CodedError) return 0;
    throw error;
  }
}

/** A damaged record names nothing that could be read through it. */
function namesIn(runId: string, row: Uint8Array): ReturnType<typeof namedByRun> {
  try {
    return namedByRun(runId, row);
  } catch (error) {
    if (error instanceof CodedError) return { base: null, digests: [], rollup: null };
    throw error;
  }
}

function idIn(value: Uint8Array): string | null {
  try {
    const id = decodeCbor(value);
    return typeof id === "string" ? id : null;
  } catch (error) {
    if (error instanceof CodedError) return null;
    throw error;
  }
}
