/** The one writer of durable state: group commits of entries and everything that must become durable with them. */
import { CodedError, codeOf } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import { LEDGER_LIMITS } from "../core/limits.ts";
import type { Timer } from "../ports/clock.ts";
import { del, type StoreOp } from "../ports/store.ts";
import { Checkpointer } from "./checkpointer.ts";
import { eventText } from "./event.ts";
import { isLedgerSub, type Layout, layoutOf } from "./layout.ts";
import { type LedgerOptions, logKeysOf, type Opened, type OpenedAs, originAt } from "./ledger-options.ts";
import { epochOp, readAnchor, soundEpoch } from "./log-rows.ts";
import { pruningTimes } from "./log-times.ts";
import type { VerifierKey } from "./note.ts";
import { anchorAt, anchorOp, dropBodies } from "./prune.ts";
import { LedgerReader } from "./reader.ts";
import { type Breathe, pruneIndex } from "./retention.ts";
import { ROLLUP_MS } from "./rollup.ts";
import { actorsOf, type RolledUnit, RollupBook } from "./rollup-book.ts";
import { EMPTY_LOG, type LogState } from "./sealed.ts";
import { headOp, orphanOps, type Staged, stageEntries } from "./staging.ts";
import { findStart, NOTHING_SIGNED, type Start } from "./start.ts";
import type { CommitUnit, EntryReceipt, LedgerEvent, LedgerHead, LedgerWriter } from "./types.ts";
import { unavailable } from "./unavailable.ts";

export const GROUP_COMMIT_MS = LEDGER_LIMITS.groupCommitMs;
export const CHECKPOINT_ENTRIES = LEDGER_LIMITS.checkpointEntries;
export const CHECKPOINT_MS = LEDGER_LIMITS.checkpointMs;

interface Waiting extends RolledUnit {
  readonly resolve: (receipts: readonly EntryReceipt[]) => void;
  readonly reject: (error: CodedError) => void;
}

export class Ledger implements LedgerWriter {
  readonly #options: LedgerOptions;
  readonly #layout: Layout;
  readonly #checkpointer: Checkpointer;
  readonly epoch: number;
  readonly origin: string;
  readonly reader: LedgerReader;
  readonly openedAs: OpenedAs;
  #state: LogState;
  #waiting: Waiting[] = [];
  #isDue = false;
  #draining: Promise<void> | null = null;
  #window: Timer | null = null;
  #checkpointTimer: Timer | null = null;
  readonly #book: RollupBook;
  #rollupTimer: Timer | null = null;
  /** Removes what a failed batch may have left of runs that no rollup counts. */
  #undo: StoreOp[] = [];
  #signing: Promise<unknown> = Promise.resolve();
  #failures = 0;
  /** One past the highest index a failed batch may have written. */
  #orphanEnd = 0;
  #isClosed = false;

  private constructor(opened: Opened) {
    const { options, epoch, layout } = opened;
    this.#options = options;
    this.#layout = layout;
    this.#state = opened.state;
    this.epoch = epoch;
    this.openedAs = opened.openedAs;
    this.origin = originAt(options, epoch);
    this.reader = new LedgerReader({ store: options.store, epoch, head: () => this.#state });
    this.#checkpointer = new Checkpointer({ ...options, layout, origin: this.origin, last: opened.signed });
    this.#book = new RollupBook(options.simulated);
  }

  /**
   * Opens the log, repairs it from its last signed checkpoint if the head does not fit, or begins a new epoch if it
   * cannot be made to match that checkpoint.
   * @throws CodedError `key_malformed` unless the head key has 32 bytes; storage codes.
   */
  static async open(options: LedgerOptions): Promise<Ledger> {
    if (options.headKey.length !== 32) throw new CodedError("key_malformed", "The head key has 32 bytes.");
    const { store, known = null, mustContinue = false } = options;
    const stored = await soundEpoch(store);
    const epoch = Math.max(options.epoch ?? 0, stored, known?.epoch ?? 0);
    const layout = layoutOf(epoch);
    const origin = originAt(options, epoch);
    const logKeys = logKeysOf(origin, options);
    const start = await findStart({
      store,
      layout,
      headKey: options.headKey,
      origin,
      logKeys,
      known,
      mustContinue,
    });
    const ledger = await Ledger.#adopt(options, epoch, layout, start);
    if (ledger.epoch === epoch && stored !== epoch) await store.batch([epochOp(epoch)], { sync: true });
    const anchor = await readAnchor(store, ledger.#layout, options.headKey);
    if (anchor !== null && anchor.index > 0) await dropBodies(store, ledger.#layout, anchor.index);
    return ledger;
  }

  static async #adopt(options: LedgerOptions, epoch: number, layout: Layout, start: Start): Promise<Ledger> {
    if (start.is === "ready") {
      const openedAs: OpenedAs = { is: "ready", details: {} };
      return new Ledger({ options, epoch, layout, state: start.state, signed: start.signed, openedAs });
    }
    if (start.is === "repaired") {
      options.log?.error("ledger_repaired", start.data);
      const openedAs: OpenedAs = { is: "repaired", details: start.data };
      const { state, signed } = start;
      const ledger = new Ledger({ options, epoch, layout, state, signed, openedAs });
      await ledger.#record("ledger_repaired", "error", start.data, start.ops);
      return ledger;
    }
    const next = epoch + 1;
    const origin = originAt(options, next);
    const data = { origin, epoch: next, prev: start.prev, reason: start.reason };
    options.log?.error("ledger_epoch", data);
    const opened = { options, epoch: next, layout: layoutOf(next), state: EMPTY_LOG, signed: NOTHING_SIGNED };
    const ledger = new Ledger({ ...opened, openedAs: { is: "new_epoch", details: data } });
    await ledger.#record("ledger_epoch", "critical", data, [epochOp(next)]);
    return ledger;
  }

  get head(): LedgerHead {
    const { size, lastHash, lastTs } = this.#state;
    return { size, lastHash, lastTs };
  }

  /** False after two failed group commits in a row, until one succeeds: then no effect may happen. */
  get isHealthy(): boolean {
    return this.#failures < 2;
  }

  /** The keys that verify this log's checkpoints. */
  get logKeys(): readonly VerifierKey[] {
    return logKeysOf(this.origin, this.#options);
  }

  /** One of the ledger's own entries, with rows of its own, durable when this resolves. */
  async #record(
    kind: string,
    severity: LedgerEvent["severity"],
    data: JsonObject,
    ops: readonly StoreOp[],
  ): Promise<void> {
    const event: LedgerEvent = { kind, actor: "daemon", severity, data };
    const texts = [eventText(event, this.#options.simulated)];
    await this.#enqueue({ texts, ops, actors: actorsOf([event]), share: null, dueMs: null }, true);
  }

  /**
   * @throws CodedError `ledger_bad_event` (500): nothing of the unit is written; `ledger_unavailable` (503) with the
   *   store's error as cause: nothing of the whole batch is to be relied on.
   */
  async commit(
    unit: CommitUnit,
    options: { readonly urgent?: boolean } = {},
  ): Promise<readonly EntryReceipt[]> {
    const texts = unit.events.map((event) => eventText(event, this.#options.simulated));
    for (const { sub } of unit.ops) {
      if (!isLedgerSub(sub)) continue;
      throw new CodedError("ledger_bad_event", "Only the ledger writes its own rows.", { details: { sub } });
    }
    const { ops, share = null } = unit;
    return this.#enqueue(
      { texts, ops, actors: actorsOf(unit.events), share, dueMs: null },
      options.urgent === true,
    );
  }

  #enqueue(unit: RolledUnit, isUrgent: boolean): Promise<readonly EntryReceipt[]> {
    if (this.#isClosed) return Promise.reject(unavailable("The ledger is closed."));
    if (this.#waiting.length >= LEDGER_LIMITS.waiting)
      return Promise.reject(unavailable("Too many commits wait."));
    return this.#push(unit, isUrgent);
  }

  #push(unit: RolledUnit, isUrgent: boolean): Promise<readonly EntryReceipt[]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...unit, resolve, reject });
      if (isUrgent) this.#flush();
      else {
        const { clock, groupCommitMs = GROUP_COMMIT_MS } = this.#options;
        this.#window ??= clock.after(groupCommitMs, () => this.#flush());
      }
    });
  }

  #flush(): void {
    this.#window?.cancel();
    this.#window = null;
    this.#isDue = true;
    this.#draining ??= this.#drain();
  }

  /** One batch at a time; what arrives while it is synced waits for its own window. */
  async #drain(): Promise<void> {
    // One turn, so that urgent commits of the same turn share the batch.
    await Promise.resolve();
    while (this.#isDue && this.#waiting.length > 0) {
      const group = this.#takeGroup();
      this.#isDue = this.#waiting.length > 0;
      await this.#commitGroup(group);
    }
    this.#isDue = false;
    this.#draining = null;
  }

  #takeGroup(): Waiting[] {
    let events = 0;
    let count = 0;
    for (const { texts } of this.#waiting) {
      events += texts.length;
      if (count > 0 && events > LEDGER_LIMITS.groupEvents) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  async #commitGroup(group: readonly Waiting[]): Promise<void> {
    let staged: Staged | null = null;
    const { clock, store } = this.#options;
    const plan = this.#book.plan(group, clock.monoMs());
    try {
      const texts = plan.units.flatMap(({ before, own, after }) => [before, own, after]);
      staged = stageEntries(this.#layout, this.#state, texts, clock.wallMs());
      await store.batch([...this.#undo, ...this.#opsOf(staged, group), ...plan.ops], { sync: true });
    } catch (cause) {
      this.#failures++;
      this.#undo.push(...plan.shareRows.map(({ sub, key }) => del(sub, key)));
      this.#orphanEnd = Math.max(this.#orphanEnd, staged?.state.size ?? 0);
      const error = unavailable("The batch could not be made durable.", cause);
      this.#options.log?.error("ledger_commit_failed", { units: group.length, cause: codeOf(cause) });
      for (const { reject } of group) reject(error);
      this.#options.onFailed?.();
      return;
    }
    this.#failures = 0;
    this.#orphanEnd = 0;
    this.#undo = [];
    this.#state = staged.state;
    this.#book.adopt(plan);
    const { receipts } = staged;
    group.forEach(({ resolve }, i) => {
      // Three lists a unit: entries before its own, its own, those after.
      resolve(receipts[3 * i + 1] ?? []);
    });
    this.#scheduleCheckpoint();
    this.#armRollup();
  }

  /** At the time of the oldest rollup that grows, or after a wait. */
  #armRollup(waitMs = 1): void {
    const { dueMs } = this.#book;
    if (this.#isClosed || dueMs === null) return;
    const { clock, log } = this.#options;
    const ms = Math.max(waitMs, dueMs - clock.monoMs());
    this.#rollupTimer ??= clock.after(ms, () => {
      this.#rollupTimer = null;
      this.#writeRollups(dueMs).catch((error: unknown) => {
        log?.error("ledger_rollup_failed", { code: codeOf(error) });
        this.#armRollup(ROLLUP_MS);
      });
    });
  }

  /** Writes the rollups that are due by then; each is an entry of its own. */
  async #writeRollups(dueMs = Number.POSITIVE_INFINITY): Promise<void> {
    if (this.#book.isEmpty) return;
    await this.#push({ texts: [], ops: [], actors: new Set(), share: null, dueMs }, true);
  }

  #opsOf(staged: Staged, group: readonly Waiting[]): StoreOp[] {
    const ops = group.flatMap((waiting) => waiting.ops);
    const orphans = orphanOps(this.#layout, staged.state.size, this.#orphanEnd);
    if (staged.state.size === this.#state.size) return [...ops, ...orphans];
    return [...ops, ...orphans, ...staged.ops, headOp(this.#layout, this.#options.headKey, staged.state)];
  }

  #scheduleCheckpoint(): void {
    const uncovered = this.#state.size - this.#checkpointer.covered;
    if (this.#isClosed || uncovered === 0) return;
    if (uncovered >= CHECKPOINT_ENTRIES) this.#checkpointInBackground();
    else this.#armCheckpoint();
  }

  #armCheckpoint(): void {
    if (this.#isClosed) return;
    this.#checkpointTimer ??= this.#options.clock.after(CHECKPOINT_MS, () => this.#checkpointInBackground());
  }

  #checkpointInBackground(): void {
    this.#checkpointTimer?.cancel();
    this.#checkpointTimer = null;
    void this.#cover().catch((error: unknown) => {
      this.#options.log?.error("ledger_checkpoint_failed", { code: codeOf(error) });
      this.#armCheckpoint();
    });
  }

  /** One at a time: the check against the last signature, its persisting and its release are one step. */
  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#signing.then(work);
    this.#signing = done.catch(() => undefined);
    return done;
  }

  #sign(): Promise<string> {
    return this.#exclusively(() => this.#checkpointer.sign(this.#state));
  }

  /** Signs with all that has happened: rollups are written first (ledger.md 8). */
  async #cover(): Promise<string> {
    await this.#writeRollups();
    return this.#sign();
  }

  /** @param listener is told of every new checkpoint once it is durable; it must not throw. */
  onCheckpoint(listener: Parameters<Checkpointer["onSigned"]>[0]): void {
    this.#checkpointer.onSigned(listener);
  }

  /** Makes everything that waits durable. */
  async flush(): Promise<void> {
    while (this.#waiting.length > 0 || this.#draining !== null) {
      this.#flush();
      await this.#draining;
    }
  }

  /**
   * The signed note of the present tree, persisted before it is returned.
   * @throws CodedError `checkpoint_regression` (500), storage codes.
   */
  async checkpoint(): Promise<string> {
    await this.flush();
    return this.#cover();
  }

  /**
   * Adds witnesses' signature lines to a stored checkpoint. Lines of unknown keys are ignored.
   * @returns the note with them. @throws CodedError `bad_note`, `bad_signature`, `bad_checkpoint` (no such checkpoint).
   */
  addCosignatures(
    size: number,
    lines: readonly string[],
    witnessKeys: readonly VerifierKey[],
  ): Promise<string> {
    return this.#exclusively(() => this.#checkpointer.addCosignatures(size, lines, witnessKeys));
  }

  /**
   * Prunes whole tiles of bodies: first the record and a checkpoint, then the anchor, then the deletions.
   * @param limits what retention and witnessing allow, see `pruneIndex`.
   * @param breathe gives others their turn between rows; stopped there, the next start finishes the work.
   * @returns the new first index, null if there is nothing to prune.
   * @throws CodedError `store_corrupt` if the log is damaged where it would be cut; storage codes.
   */
  async prune(
    limits: { readonly largestWitnessed: number; readonly firstIndexToKeep: number },
    breathe?: Breathe,
  ): Promise<number | null> {
    const { store, headKey, clock } = this.#options;
    const present = await readAnchor(store, this.#layout, headKey);
    const minIndex = present?.index ?? 0;
    const to = pruneIndex({ ...limits, size: this.#state.size, minIndex });
    if (to === minIndex) return null;
    const anchor = present === null ? null : await anchorAt(store, this.#layout, to);
    if (anchor === null) throw new CodedError("store_corrupt", "The log is damaged where it would be cut.");
    const checkpointSize = this.#checkpointer.covered;
    const data = { from: minIndex, to, lastHash: anchor.prevHash, checkpointSize };
    await this.#record("ledger_pruned", "info", data, []);
    await this.checkpoint();
    const times = await pruningTimes(store, this.#layout, { from: minIndex, to, nowMs: clock.wallMs() });
    await store.batch([anchorOp(this.#layout, headKey, anchor), ...times], { sync: true });
    await dropBodies(store, this.#layout, to, breathe);
    return to;
  }

  /** Flushes, signs a last checkpoint if entries are uncovered, and refuses later commits. Idempotent. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.flush();
    // What cannot be written now is found at the next start.
    await this.#writeRollups().catch((error: unknown) =>
      this.#options.log?.error("ledger_rollup_failed", { code: codeOf(error) }),
    );
    this.#window?.cancel();
    this.#checkpointTimer?.cancel();
    this.#checkpointTimer = null;
    this.#rollupTimer?.cancel();
    this.#rollupTimer = null;
    await this.#signing;
    if (this.#state.size > this.#checkpointer.covered) await this.#sign();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
