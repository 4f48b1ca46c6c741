/**
 * Replicated documents of a fleet (sync.md): local writes, gossip with the peers, and the state they add up to.
 * Guarantees: a batch is visible to others only after it is durable here; nothing from the network is applied before
 * it is verified; a sequence number is used once. Not guaranteed: when peers hear of a write, only that they do
 * once messages get through.
 */
import { decodeCbor, encodeCbor } from "../core/cbor.ts";
import type { Ed25519KeyPair } from "../core/ed25519.ts";
import { CodedError, messageOf } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import { GOSSIP_LIMITS, SYNC_LIMITS } from "../core/limits.ts";
import type { LedgerWriter } from "../ledger/types.ts";
import type { Clock, Timer } from "../ports/clock.ts";
import type { Entropy } from "../ports/entropy.ts";
import type { MessageBus } from "../ports/message-bus.ts";
import { put, type Store, type StoreOp } from "../ports/store.ts";
import { type Batch, type SignedBatch, signBatch } from "./batch.ts";
import { stateValue } from "./crdt/types.ts";
import { DigestTimer } from "./digest-timer.ts";
import { type SigningKey, signingKeyOf } from "./envelope.ts";
import { Gossip } from "./gossip.ts";
import { GossipLink, type InboundGossip } from "./gossip-link.ts";
import { deviceOfReplica } from "./hlc.ts";
import { HLC_SUB, HybridClock } from "./hybrid-clock.ts";
import { buildLocalBatch } from "./local-batch.ts";
import type { LocalWrite } from "./local-change.ts";
import { convergence, type HeadRow, lagOf, type SyncMeasures } from "./measures.ts";
import { openReplica } from "./open-replica.ts";
import { PeerLimits } from "./peer-limits.ts";
import { PullPlanner } from "./pull-planner.ts";
import { liveEntries, liveEntry } from "./read-document.ts";
import { Receiver } from "./receiver.ts";
import type { ForkProof, Replica } from "./replica.ts";
import { restoreReplica } from "./replica-store.ts";
import { Reporter, type SyncEvent } from "./reporter.ts";
import type { Roster } from "./roster.ts";
import { rosterOp } from "./roster-store.ts";
import { SerialQueue } from "./serial-queue.ts";
import { TRICKLE } from "./trickle.ts";
import { WriteCollector } from "./write-collector.ts";

const INCARNATION = "incarnation";
const PEERS_ASKED = { atBoot: 5, atReconnect: 2 } as const;

export interface SyncOptions {
  readonly store: Store;
  readonly committer: Pick<LedgerWriter, "commit">;
  readonly bus: MessageBus;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly fleet: string;
  readonly deviceId: string;
  /** The device's key, as the roster names it. */
  readonly pair: Ed25519KeyPair;
  /** The current roster first; older versions judge batches that name them. */
  readonly rosters: readonly [Roster, ...Roster[]];
  readonly onEvent: (event: SyncEvent) => void;
  /** Smallest digest interval; default 4 000. */
  readonly iminMs?: number;
  /** How long local writes are collected into one batch; default 200. */
  readonly collectMs?: number;
  /** How long a start listens for a longer chain of its own before the first batch; default 2 000. */
  readonly listenMs?: number;
}

export class SyncService implements AsyncDisposable {
  readonly #o: SyncOptions;
  readonly #key: SigningKey;
  readonly #hlc: HybridClock;
  readonly #replica: Replica;
  readonly #reporter: Reporter;
  readonly #receiver: Receiver;
  readonly #pulls = new PullPlanner();
  readonly #limits: PeerLimits;
  readonly #link: GossipLink;
  readonly #gossip: Gossip;
  readonly #digests: DigestTimer;
  readonly #inbox: InboundGossip[] = [];
  readonly #collector: WriteCollector;
  readonly #timers = new Set<Timer>();
  #incarnation: string;
  #stopListening: () => void = () => undefined;
  /** Open from the beginning: a write before the start waits too. */
  readonly #listened = new Promise<void>((resolve) => {
    this.#stopListening = resolve;
  });
  readonly #tasks = new SerialQueue();
  #open = false;
  #watching: Disposable | null = null;

  private constructor(options: SyncOptions, hlc: HybridClock, incarnation: string, replica: Replica) {
    this.#o = options;
    this.#key = signingKeyOf(options.pair);
    this.#hlc = hlc;
    this.#incarnation = incarnation;
    this.#replica = replica;
    const { clock, entropy, bus, fleet, deviceId } = options;
    this.#reporter = new Reporter(clock, options.onEvent);
    this.#limits = new PeerLimits(clock.monoMs());
    const reporter = this.#reporter;
    this.#receiver = new Receiver({ replica, hlc, clock, pulls: this.#pulls, reporter });
    this.#link = new GossipLink({
      bus,
      clock,
      fleet,
      deviceId,
      onFailure: () => reporter.count("unsent"),
    });
    this.#gossip = new Gossip({
      fleet,
      deviceId,
      key: this.#key,
      replicaId: () => this.replicaId,
      replica,
      receiver: this.#receiver,
      pulls: this.#pulls,
      hlc,
      clock,
      entropy,
      link: this.#link,
      pullWaitMs: Math.min(GOSSIP_LIMITS.pullWaitMs, Math.floor((options.iminMs ?? TRICKLE.iminMs) / 8)),
      reporter,
      commit: (ops) => this.#commit(ops),
      enqueue: (task) => this.#background(task),
      onDigest: (isEqual) => (isEqual ? this.#digests.consistent() : this.#digests.inconsistent()),
      onInvalid: (sender, code) => this.#invalid(sender, code),
      onAppended: (batch) => this.#appended(batch),
      onProof: (proof) => this.#proven(proof),
    });
    const { collectMs = GOSSIP_LIMITS.collectMs } = options;
    this.#collector = new WriteCollector(clock, collectMs, async (writes) => {
      await this.commitWith(writes, (ops) => options.committer.commit({ events: [], ops }));
    });
    this.#digests = new DigestTimer({
      clock,
      entropy,
      config: { ...TRICKLE, iminMs: options.iminMs ?? TRICKLE.iminMs },
      send: () => this.#background(() => this.#gossip.sendDigest()),
    });
  }

  /** Restores the state from the store; the incarnation is fixed with the first stamp of a new store. */
  static async open(options: SyncOptions): Promise<SyncService> {
    const hlc = await HybridClock.open(options.store, options.clock);
    const stored = await options.store.get(HLC_SUB, INCARNATION);
    const incarnation = stored === undefined ? hlc.ms.toString(36) : String(decodeCbor(stored));
    if (stored === undefined) {
      const ops = [put(HLC_SUB, INCARNATION, encodeCbor(incarnation)), ...hlc.markOps()];
      await options.committer.commit({ events: [], ops }, { urgent: true });
    }
    const { replica, unusable, event } = await openReplica(options);
    const service = new SyncService(options, hlc, incarnation, replica);
    service.#reporter.count("unusable_rows", unusable);
    if (event !== null) service.#reporter.event(event);
    return service;
  }

  get replicaId(): string {
    return `${this.#o.deviceId}.${this.#incarnation}`;
  }

  /** Joins the gossip. Before the first own batch it listens for a longer chain of its own (sync.md 5). */
  async start(): Promise<void> {
    if (this.#open) return;
    this.#open = true;
    await this.#link.open((message) => this.#admit(message));
    this.#digests.start();
    // What was said meanwhile is missing here, and there: the next digest must not wait out a long quiet interval.
    this.#watching = this.#o.bus.onState("sync", (state) => {
      if (state !== "online") return;
      this.#digests.inconsistent();
      this.#gossip.rejoin(PEERS_ASKED.atReconnect);
    });
    this.#after(this.#o.listenMs ?? SYNC_LIMITS.listenMs, () => this.#stopListening());
    this.#background(() => this.#gossip.sendDigest());
    this.#gossip.rejoin(PEERS_ASKED.atBoot);
    this.#housekeeping();
  }

  #after(ms: number, callback: () => void): void {
    const timer = this.#o.clock.after(ms, () => {
      this.#timers.delete(timer);
      callback();
    });
    this.#timers.add(timer);
  }

  #housekeeping(): void {
    this.#after(SYNC_LIMITS.housekeepingMs, () => {
      this.#background(() => this.#gossip.retryHeld());
      this.#housekeeping();
    });
  }

  #background(task: () => Promise<void>): void {
    if (!this.#open) return;
    this.#tasks.run(task).catch((error: unknown) => {
      this.#reporter.count("failed");
      const data = { channel: "gossip", sender: "", code: "internal", message: messageOf(error) };
      this.#reporter.event({ kind: "inbound_rejected", severity: "error", data });
    });
  }

  async #commit(ops: readonly StoreOp[]): Promise<void> {
    try {
      await this.#o.committer.commit({ events: [], ops });
    } catch (error) {
      this.#hlc.forgetMark();
      await this.#replica.reload((replica) => restoreReplica(this.#o.store, replica));
      throw error;
    }
  }

  #admit(message: InboundGossip): void {
    const { sender, payload } = message;
    const admission = this.#limits.admit(sender, payload.length, this.#o.clock.monoMs());
    const isFull = this.#inbox.length >= GOSSIP_LIMITS.inbox;
    if (admission !== "ok" || isFull) {
      this.#reporter.rejected(sender, "rate_limited", { muted: admission === "muted", inbox: isFull });
      return;
    }
    this.#inbox.push(message);
    this.#background(async () => {
      // What has come in meanwhile shares one sync of the disk: a busy fleet must not hold up local runs.
      const group = this.#inbox.splice(0, GOSSIP_LIMITS.inboxGroup);
      if (group.length > 0) await this.#gossip.handle(group);
    });
  }

  #invalid(sender: string, code: string): void {
    this.#reporter.rejected(sender, code);
    if (!this.#limits.reportInvalid(sender, this.#o.clock.monoMs())) return;
    this.#reporter.event({ kind: "peer_muted", severity: "warn", data: { device: sender, code } });
  }

  /** A batch of this replica that came from outside: the store here is older than what was published. */
  #appended({ batch }: SignedBatch): void {
    if (batch.origin !== this.replicaId) return;
    const behind = this.replicaId;
    this.#background(() => this.#renew());
    const data = { origin: behind, seq: batch.seq };
    this.#reporter.event({ kind: "own_chain_behind", severity: "warn", data });
  }

  async #renew(): Promise<void> {
    this.#hlc.stamp(this.replicaId);
    const next = Math.max(this.#hlc.ms, Number.parseInt(this.#incarnation, 36) + 1).toString(36);
    await this.#commit([put(HLC_SUB, INCARNATION, encodeCbor(next)), ...this.#hlc.markOps()]);
    this.#incarnation = next;
  }

  #proven({ origin, seq }: ForkProof): void {
    this.#pulls.forget(origin);
    this.#receiver.held.dropOrigin(origin);
    const data = { origin, seq, device: deviceOfReplica(origin) ?? "", own: origin === this.replicaId };
    this.#reporter.event({ kind: "peer_equivocation", severity: "error", data });
    this.#reporter.event({ kind: "peer_excluded", severity: "error", data });
  }

  /** After an operator confirmed: this device, excluded for a fork of its chain, goes on with a new one. */
  async readmit(): Promise<string> {
    await this.#tasks.run(() => this.#renew());
    const data = { device: this.#o.deviceId, origin: this.replicaId };
    this.#reporter.event({ kind: "peer_readmitted", severity: "warn", data });
    return this.replicaId;
  }

  /** @throws CodedError of {@link commitWith}. */
  #build(writes: readonly LocalWrite[]): Batch {
    const { replicaId } = this;
    if (this.#replica.excludedFrom(replicaId) !== null) {
      const message = "This device's chain has forked; an operator must readmit it.";
      throw new CodedError("origin_excluded", message, { status: 403 });
    }
    const stamp = (): string => this.#hlc.stamp(replicaId);
    return buildLocalBatch(this.#replica, { fleet: this.#o.fleet, replicaId, stamp }, writes);
  }

  /**
   * Would these writes be accepted now? For a caller that must know before it acts on them.
   * @throws CodedError as {@link commitWith}, without writing anything.
   */
  check(writes: readonly LocalWrite[]): void {
    this.#build(writes);
  }

  /**
   * Writes within a batch of the caller's making: `commit` gets the operations and makes them durable together with
   * its own (a run's settlement). Only then the batch counts and is published; if it throws, nothing has happened.
   * @throws CodedError `writer_denied` (403), `delta_invalid` (422), `doc_full` (429), `message_too_large` (422),
   *   `origin_excluded` (403), and what `commit` throws.
   */
  async commitWith<T>(
    writes: readonly LocalWrite[],
    commit: (ops: readonly StoreOp[]) => Promise<T>,
  ): Promise<T> {
    await this.#listened;
    return this.#tasks.run(async () => {
      const batch = this.#build(writes);
      const signed = signBatch(batch, this.#key);
      const { verdict, ops } = this.#replica.receive(signed, this.#hlc.ms);
      if (verdict.decision !== "apply") {
        const code = "code" in verdict ? verdict.code : verdict.decision;
        throw new CodedError(code, "The own batch does not pass the checks of the peers.", { status: 409 });
      }
      let result: T;
      try {
        result = await commit([...ops, ...this.#hlc.markOps()]);
      } catch (error) {
        this.#replica.retract(batch.origin, batch.seq);
        this.#hlc.forgetMark();
        throw error;
      }
      if (this.#open) this.#link.send("batch", signed.message.bytes);
      return result;
    });
  }

  /**
   * Writes and waits until the batch is durable. Several writes within the collecting time share one batch.
   * @throws CodedError as {@link commitWith}.
   */
  change(doc: string, change: LocalWrite["change"]): Promise<void> {
    return this.#collector.add({ doc, change });
  }

  put(doc: string, key: string, value: Json): Promise<void> {
    return this.change(doc, { op: "put", key, value });
  }

  delete(doc: string, key: string): Promise<void> {
    return this.change(doc, { op: "delete", key });
  }

  /** What readers see of a document; undefined while nobody has written it. */
  value(doc: string): Json | undefined {
    const state = this.#replica.document(doc);
    return state && stateValue(state);
  }

  /** One key of a map document. */
  get(doc: string, key: string): Json | undefined {
    return new Map(this.entries(doc)).get(key);
  }

  /** A live entry of a last-writer-wins map with the replica that wrote it; null if there is none. */
  entry(doc: string, key: string): ReturnType<typeof liveEntry> {
    return liveEntry(this.#replica.document(doc), key);
  }

  /** The live entries of a map document, sorted by key. */
  entries(doc: string): ReturnType<typeof liveEntries> {
    return liveEntries(this.#replica.document(doc));
  }

  /** Takes a newer roster whose signature the caller has verified; revoked batches are removed. */
  async adoptRoster(roster: Roster): Promise<void> {
    await this.#tasks.run(async () => {
      this.#replica.addRoster(roster);
      await this.#commit([rosterOp(roster), ...this.#replica.applyRevocations()]);
    });
    this.#background(() => this.#gossip.retryHeld());
  }

  summary(): string {
    return this.#replica.summary();
  }

  heads(): readonly HeadRow[] {
    return this.#replica.heads();
  }

  measures(): SyncMeasures {
    const own = new Map(this.heads().map(([origin, seq]) => [origin, seq]));
    const { ratio, converged } = convergence([this.summary(), ...this.#gossip.summaries().values()]);
    return {
      converged,
      ratio,
      lagBatches: lagOf(own, this.#pulls.best()).lagBatches,
      held: this.#receiver.held.size,
      excludedOrigins: this.#replica.proofs().length,
      unstableBatches: this.#replica.batches,
      counts: this.#reporter.counts(),
    };
  }

  /** Leaves the gossip after finishing what has begun. Writes still collecting are made durable first. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#open = false;
    this.#watching?.[Symbol.dispose]();
    this.#digests.stop();
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    this.#stopListening();
    await this.#collector.close();
    await this.#tasks.idle;
    await this.#link.close();
  }
}
