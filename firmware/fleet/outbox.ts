/**
 * The durable outbox (sync.md 8): everything a device says passes one bounded queue in the store. A message is staged
 * into the batch of its cause, sent while the link is up, and leaves only with the broker's acknowledgement.
 */
import { CodedError, codeOf, messageOf } from "../core/errors.ts";
import { OUTBOX_LIMITS } from "../core/limits.ts";
import type { Timer } from "../ports/clock.ts";
import { del, put, type StoreOp } from "../ports/store.ts";
import type { Committer } from "./committer.ts";
import { newMessageId } from "./message-id.ts";
import { OutboxGaps } from "./outbox-gaps.ts";
import { type OutboxClass, type OutboxMeta, OutboxQueue } from "./outbox-queue.ts";
import {
  decodeRecord,
  encodeRecord,
  metaOf,
  OUTBOX,
  OUTBOX_DEAD,
  type OutboxRecord,
  outboxKey,
  outboxSeq,
} from "./outbox-records.ts";
import type { OutboxDraft, OutboxOptions, OutboxStats, Staged } from "./outbox-types.ts";

/** Errors of `stage` and `enqueue`: `outbox_full` (503), `idempotency_conflict` (409), `idem_required` (422). */
export class Outbox implements AsyncDisposable {
  readonly #options: OutboxOptions;
  readonly #queue: OutboxQueue;
  readonly #gaps = new OutboxGaps();
  readonly #flights = new Set<Promise<void>>();
  readonly #leases = new Set<AbortController>();
  #stopped = false;
  #acknowledged: number[] = [];
  #flushing: Promise<void> | null = null;
  #reporting: Promise<void> | null = null;
  #subscription: Disposable | null = null;
  #timer: Timer | null = null;
  #sweptAt = Number.NEGATIVE_INFINITY;
  #nextSeq = 0;
  #sent = 0;
  #dead = 0;
  readonly #deadKeys: string[] = [];

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#queue = new OutboxQueue({
      maxItems: options.maxItems ?? OUTBOX_LIMITS.items,
      maxBytes: options.maxBytes ?? OUTBOX_LIMITS.bytes,
      keepNew: options.keepNew ?? new Set(),
    });
  }

  /** Loads what an earlier life left behind and begins to send. @throws CodedError `store_corrupt`. */
  async start(): Promise<void> {
    const { store, bus } = this.#options;
    await this.#gaps.load(store);
    for await (const [key] of store.range(OUTBOX_DEAD)) {
      this.#deadKeys.push(key);
      this.#nextSeq = outboxSeq(key) + 1;
    }
    for await (const [key, value] of store.range(OUTBOX)) {
      const record = decodeRecord(value);
      const seq = outboxSeq(key);
      this.#queue.restore(metaOf(seq, record), record.attempts);
      this.#nextSeq = Math.max(this.#nextSeq, seq + 1);
    }
    this.#subscription = bus.onState("outbox", (state) => {
      if (state === "online") this.#online();
    });
    if (bus.state === "online") this.#online();
  }

  get stats(): OutboxStats {
    return {
      depth: this.#queue.size,
      bytes: this.#queue.bytes,
      inFlight: this.#flights.size,
      sent: this.#sent,
      dead: this.#dead,
      dropped: this.#gaps.totals,
    };
  }

  /** Decides at once and reserves the place; the ops must be committed by the caller with the cause. */
  stage(draft: OutboxDraft): Staged {
    if (draft.class === "logic" && draft.idem === undefined) {
      throw new CodedError("idem_required", "A logic message names what it answers.", { status: 422 });
    }
    const nowWall = this.#options.clock.wallMs();
    const record: OutboxRecord = {
      id: draft.id ?? newMessageId(nowWall, this.#options.entropy),
      idem: draft.idem ?? null,
      topic: draft.topic,
      class: draft.class,
      qos: draft.qos ?? 1,
      expiresMs: draft.expiresMs ?? null,
      attempts: 0,
      correlation: draft.correlation ?? null,
      body: draft.body,
    };
    const seq = this.#nextSeq++;
    const admission = this.#queue.admit(metaOf(seq, record), draft.supersedes);
    if (admission.outcome === "duplicate") {
      const nothing = (): void => undefined;
      return { outcome: "duplicate", id: admission.of, ops: [], confirm: nothing, cancel: nothing };
    }
    if (admission.outcome === "refused") throw this.#refused(admission.code, draft.class, nowWall);
    const ops: StoreOp[] = [put(OUTBOX, outboxKey(seq), encodeRecord(record))];
    const { evicted, superseded } = admission;
    for (const { seq: older } of superseded) ops.push(del(OUTBOX, outboxKey(older)));
    for (const victim of evicted) {
      ops.push(del(OUTBOX, outboxKey(victim.seq)), this.#gaps.count(victim.class, nowWall));
    }
    return {
      outcome: "accepted",
      id: record.id,
      ops,
      confirm: () => {
        this.#queue.confirm(seq);
        this.#pump();
      },
      cancel: () => {
        this.#queue.remove(seq);
        for (const older of superseded) this.#queue.restore(older, 0);
        for (const victim of evicted) {
          this.#queue.restore(victim, 0);
          this.#gaps.uncount(victim.class);
        }
      },
    };
  }

  /** Stages, commits and confirms a message that has no other cause. */
  async enqueue(draft: OutboxDraft): Promise<{ readonly outcome: Staged["outcome"]; readonly id: string }> {
    const staged = this.stage(draft);
    if (staged.outcome === "accepted") await this.#settle([staged], { events: [], ops: staged.ops });
    return { outcome: staged.outcome, id: staged.id };
  }

  /** Stops sending; what is in flight counts as not sent and goes out again after the next start. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#subscription?.[Symbol.dispose]();
    this.#timer?.cancel();
    this.#stopped = true;
    const closed = new CodedError("closed", "The outbox is closed.", { status: 503 });
    for (const lease of this.#leases) lease.abort(closed);
    await Promise.all(this.#flights);
    await this.#reporting;
    await this.#flush();
    if (this.#acknowledged.length > 0) await this.#flush();
  }

  async #settle(staged: readonly Staged[], unit: Parameters<Committer["commit"]>[0]): Promise<void> {
    try {
      await this.#options.committer.commit(unit);
    } catch (error) {
      for (const item of staged) item.cancel();
      throw error;
    }
    for (const item of staged) item.confirm();
  }

  #refused(code: "outbox_full" | "idempotency_conflict", flow: OutboxClass, nowWall: number): CodedError {
    if (code === "idempotency_conflict") {
      return new CodedError(code, "Another message was sent under this idempotency key.", { status: 409 });
    }
    this.#background([this.#gaps.count(flow, nowWall)]);
    return new CodedError(code, "The outbox is full and holds nothing of lower priority.", { status: 503 });
  }

  #online(): void {
    this.#sweep();
    this.#report();
    this.#pump();
  }

  #report(): void {
    if (this.#gaps.list().length === 0 || this.#stopped) return;
    this.#reporting ??= this.#reportGaps().finally(() => {
      this.#reporting = null;
    });
  }

  async #reportGaps(): Promise<void> {
    const { clock, entropy, log, gapMessage } = this.#options;
    for (const gap of this.#gaps.list()) {
      try {
        const id = newMessageId(clock.wallMs(), entropy);
        const staged = this.stage({
          ...gapMessage(gap, id),
          id,
          class: "logic",
          idem: `gap/${gap.class}/${gap.from}/${gap.to}`,
        });
        const { class: flow, from, to, count } = gap;
        const data = { class: flow, from, to, count };
        await this.#settle([staged], {
          events: [{ kind: "outbox_gap", actor: "outbox", severity: "warn", data }],
          ops: [...staged.ops, this.#gaps.closing(gap)],
        });
        this.#gaps.closed(gap);
      } catch (error) {
        log.error("outbox_gap_unreported", {
          class: gap.class,
          code: codeOf(error),
          problem: messageOf(error),
        });
      }
    }
  }

  #pump(): void {
    const { bus, clock, maxInFlight = 32 } = this.#options;
    if (this.#stopped) return;
    this.#sweep();
    while (bus.state === "online" && this.#flights.size < maxInFlight) {
      const item = this.#queue.take(clock.monoMs());
      if (!item) break;
      const flight = this.#send(item).finally(() => {
        this.#flights.delete(flight);
        this.#pump();
      });
      this.#flights.add(flight);
    }
    this.#timer?.cancel();
    this.#timer = null;
    // Without a link, or with all places taken, it is the link or an answer that makes it go on, not the time.
    if (bus.state !== "online" || this.#flights.size >= maxInFlight) return;
    const next = this.#queue.nextReadyMono();
    if (next !== null) this.#timer = clock.after(Math.max(1, next - clock.monoMs()), () => this.#pump());
  }

  /** Drops what is past its time; at most once a second, since it looks at every item. */
  #sweep(): void {
    const { clock } = this.#options;
    if (clock.monoMs() - this.#sweptAt < OUTBOX_LIMITS.sweepMs) return;
    this.#sweptAt = clock.monoMs();
    const nowWall = clock.wallMs();
    const ops: StoreOp[] = [];
    for (const meta of this.#queue.expired(nowWall)) {
      this.#queue.remove(meta.seq);
      ops.push(del(OUTBOX, outboxKey(meta.seq)), this.#gaps.count(meta.class, nowWall));
    }
    if (ops.length > 0) this.#background(ops);
  }

  async #send(meta: OutboxMeta): Promise<void> {
    const { store, bus, clock } = this.#options;
    let record: OutboxRecord | null = null;
    const lease = new AbortController();
    this.#leases.add(lease);
    const timer = clock.after(OUTBOX_LIMITS.leaseMs, () =>
      lease.abort(new CodedError("ack_timeout", "The lease is over.", { status: 503 })),
    );
    try {
      const stored = await store.get(OUTBOX, outboxKey(meta.seq));
      if (!stored) throw new CodedError("store_corrupt", "A queued message is not in the store.");
      record = decodeRecord(stored);
      const left = record.expiresMs === null ? null : Math.ceil((record.expiresMs - clock.wallMs()) / 1000);
      await bus.publish(
        record.topic,
        record.body,
        {
          qos: record.qos,
          retain: false,
          userProperties: { id: record.id },
          ...(left === null ? {} : { expirySeconds: Math.max(1, left) }),
          ...(record.correlation ? { correlationData: record.correlation } : {}),
        },
        lease.signal,
      );
      this.#sent++;
      this.#queue.remove(meta.seq);
      this.#acknowledged.push(meta.seq);
      void this.#flush();
      // Losses that happened while the link was up are told once there is room again.
      if (this.#queue.size === 0) this.#report();
    } catch (error) {
      this.#failed(meta, record, error);
    } finally {
      timer.cancel();
      this.#leases.delete(lease);
    }
  }

  #failed(meta: OutboxMeta, record: OutboxRecord | null, error: unknown): void {
    const { clock, log } = this.#options;
    const attempts = this.#queue.attempts(meta.seq) + 1;
    const refused = error instanceof CodedError && error.code === "publish_refused";
    const permanent =
      codeOf(error) === "topic_invalid" ||
      codeOf(error) === "store_corrupt" ||
      (refused && (error.details.permanent === true || attempts >= OUTBOX_LIMITS.refusals));
    if (permanent) {
      this.#dead++;
      this.#queue.remove(meta.seq);
      log.error("outbox_dead", { id: meta.id, topic: meta.topic, code: codeOf(error) });
      this.#background([
        del(OUTBOX, outboxKey(meta.seq)),
        ...(record ? this.#bury(outboxKey(meta.seq), { ...record, attempts }) : []),
      ]);
      return;
    }
    const pause = Math.min(OUTBOX_LIMITS.backoffMs, 1000 * 2 ** Math.min(attempts - 1, 20));
    this.#queue.release(meta.seq, clock.monoMs() + pause, attempts);
    if (refused && record) {
      this.#background([put(OUTBOX, outboxKey(meta.seq), encodeRecord({ ...record, attempts }))]);
    }
    log.debug("outbox_retry", { id: meta.id, attempts, code: codeOf(error) });
  }

  /** Keeps the newest dead letters for a person to look at. */
  #bury(key: string, record: OutboxRecord): StoreOp[] {
    this.#deadKeys.push(key);
    const old = this.#deadKeys.splice(0, Math.max(0, this.#deadKeys.length - OUTBOX_LIMITS.dead));
    return [put(OUTBOX_DEAD, key, encodeRecord(record)), ...old.map((gone) => del(OUTBOX_DEAD, gone))];
  }

  /** Removes acknowledged messages lazily: a power cut before this only means that they are sent once more. */
  #flush(): Promise<void> {
    this.#flushing ??= (async () => {
      while (this.#acknowledged.length > 0) {
        const ops = this.#acknowledged.splice(0).map((seq) => del(OUTBOX, outboxKey(seq)));
        await this.#write(ops);
      }
    })().finally(() => {
      this.#flushing = null;
    });
    return this.#flushing;
  }

  #background(ops: readonly StoreOp[]): void {
    void this.#write(ops);
  }

  async #write(ops: readonly StoreOp[]): Promise<void> {
    const { store, log } = this.#options;
    try {
      await store.batch(ops, { sync: false });
    } catch (error) {
      log.error("outbox_store_failed", { code: codeOf(error), problem: messageOf(error) });
    }
  }
}
