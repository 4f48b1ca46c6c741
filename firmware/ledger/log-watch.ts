/** The verification of the whole log of a running daemon: in slices, from checkpoint to checkpoint (ledger.md 10). */
import { CodedError } from "../core/errors.ts";
import { RETENTION_LIMITS } from "../core/limits.ts";
import type { Store } from "../ports/store.ts";
import { type CheckpointClaim, judgeCheckpoints, parseCheckpoint } from "./checkpoint.ts";
import { readStored } from "./entry.ts";
import { indexKey, indexOfKey, type Layout, layoutOf } from "./layout.ts";
import type { Ledger } from "./ledger.ts";
import { readAnchor } from "./log-rows.ts";
import { progressOf, progressOp } from "./log-times.ts";
import { parseNote } from "./note.ts";
import { anchorAt } from "./prune.ts";
import type { Breathe } from "./retention.ts";
import { leafHash } from "./tree.ts";
import { verifyInclusion } from "./tree-proof.ts";
import { LedgerVerifier, storedRow, type VerifyAnchor } from "./verify.ts";

export interface LogWatchResult {
  readonly ok: boolean;
  /** Entries looked at since the verification began or went on. */
  readonly entries: number;
  readonly firstBad: number | null;
  readonly reason: string | null;
}

interface Segment {
  readonly to: number;
  readonly claims: readonly CheckpointClaim[];
}

export class LogWatch {
  readonly #store: Store;
  readonly #ledger: Ledger;
  readonly #headKey: Uint8Array;
  readonly #layout: Layout;

  constructor(store: Store, ledger: Ledger, headKey: Uint8Array) {
    this.#store = store;
    this.#ledger = ledger;
    this.#headKey = headKey;
    this.#layout = layoutOf(ledger.epoch);
  }

  /** Wall ms of the last verification that came to an end; null while one is under way, 0 if there was none. */
  async lastMs(): Promise<number | null> {
    if ((await progressOf(this.#store, this.#layout, "verify")) > 0) return null;
    return progressOf(this.#store, this.#layout, "verified");
  }

  /**
   * Verifies everything that is stored, or goes on where it was interrupted: bodies, chain, hashes of the tree and roots up to
   * a checkpoint of this moment, then the entries that are kept for ever with their proofs.
   * @param breathe gives others their turn; what it throws ends it, and the next call goes on from the last segment.
   * @throws CodedError storage codes, `checkpoint_regression`.
   */
  async verify(nowMs: number, breathe: Breathe): Promise<LogWatchResult> {
    const note = await this.#ledger.checkpoint();
    const { size } = parseCheckpoint(parseNote(note).text);
    const anchor = await readAnchor(this.#store, this.#layout, this.#headKey);
    if (anchor === null) return this.#ended(nowMs, bad(0, 0, "anchor_unverified"));
    let at = Math.max(anchor.index, await progressOf(this.#store, this.#layout, "verify"));
    let entries = 0;
    while (at < size) {
      const from = at === anchor.index ? anchor : await anchorAt(this.#store, this.#layout, at);
      if (from === null) return this.#ended(nowMs, bad(entries, at, "missing_entry"));
      const segment = await this.#segment(at, breathe);
      const report = await this.#verifySegment(from, segment, breathe);
      entries += report.entries;
      if (!report.ok) return this.#ended(nowMs, { ...report, entries });
      at = segment.to;
      await this.#store.batch([progressOp(this.#layout, "verify", at)], { sync: false });
    }
    const broken = await this.#brokenKept(note, breathe);
    return this.#ended(nowMs, broken ?? { ok: true, entries, firstBad: null, reason: null });
  }

  async #ended(nowMs: number, result: LogWatchResult): Promise<LogWatchResult> {
    const ops = [progressOp(this.#layout, "verify", 0), progressOp(this.#layout, "verified", nowMs)];
    await this.#store.batch(ops, { sync: false });
    return result;
  }

  /** Up to the last good checkpoint within the usual length; up to the next one where they are further apart. */
  async #segment(from: number, breathe: Breathe): Promise<Segment> {
    const claims: CheckpointClaim[] = [];
    let to = from;
    for await (const [key, note] of this.#store.range(this.#layout.checkpoints, { gte: indexKey(from) })) {
      const size = indexOfKey(key) ?? 0;
      if (size > from + RETENTION_LIMITS.verifySegment && to > from) break;
      const { logKeys, origin } = this.#ledger;
      claims.push(...judgeCheckpoints([{ size, note }], origin, logKeys));
      if (claims.at(-1)?.good) to = size;
      await breathe();
    }
    // The checkpoint of this verification is the last one: without it the notes themselves are damaged.
    return to > from ? { to, claims } : { to: this.#ledger.head.size, claims };
  }

  async #verifySegment(
    anchor: VerifyAnchor,
    { to, claims }: Segment,
    breathe: Breathe,
  ): Promise<LogWatchResult> {
    const checkpoints = claims.filter((claim) => claim.size <= to);
    const verifier = new LedgerVerifier({ anchor, checkpoints, head: null });
    let expected = anchor.index;
    const bounds = { gte: indexKey(anchor.index), lt: indexKey(to) };
    for await (const [key, row] of this.#store.range(this.#layout.entries, bounds)) {
      if (verifier.isDecided) break;
      verifier.push(storedRow(key, row, expected));
      expected++;
      await breathe();
    }
    const { ok, count, firstBad, reason } = verifier.finish();
    return { ok, entries: count, firstBad, reason };
  }

  /** The first entry kept for ever that its checkpoint no longer proves; null if all are proved. */
  async #brokenKept(note: string, breathe: Breathe): Promise<LogWatchResult | null> {
    const { size, root } = parseCheckpoint(parseNote(note).text);
    for await (const [key, row] of this.#store.range(this.#layout.kept)) {
      const index = indexOfKey(key) ?? 0;
      const read = readStored(row);
      if (read === null || read.hash !== read.storedHash) return bad(0, index, "bad_entry");
      if (!(await this.#proves(index, leafHash(read.bytes), size, root)))
        return bad(0, index, "not_included");
      await breathe();
    }
    return null;
  }

  async #proves(index: number, leaf: Uint8Array, size: number, root: Uint8Array): Promise<boolean> {
    try {
      return verifyInclusion(index, size, leaf, await this.#ledger.reader.inclusionProof(index, size), root);
    } catch (error) {
      if (error instanceof CodedError && (error.code === "missing_entry" || error.code === "not_included"))
        return false;
      throw error;
    }
  }
}

const bad = (entries: number, firstBad: number, reason: string): LogWatchResult => ({
  ok: false,
  entries,
  firstBad,
  reason,
});
