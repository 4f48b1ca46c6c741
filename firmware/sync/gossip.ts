/** The conversation with the peers: digests, pulls, fills, proofs (sync.md 4.2, 4.4, 5). */
import { CodedError, codeOf } from "../core/errors.ts";
import { GOSSIP_LIMITS } from "../core/limits.ts";
import type { Clock } from "../ports/clock.ts";
import type { Entropy } from "../ports/entropy.ts";
import type { StoreOp } from "../ports/store.ts";
import { readBatch, type SignedBatch } from "./batch.ts";
import {
  GOSSIP_TYPE,
  isSignedBy,
  messageFromText,
  messageToText,
  readMessage,
  readPayload,
  type SigningKey,
  signMessage,
} from "./envelope.ts";
import type { GossipLink, InboundGossip } from "./gossip-link.ts";
import {
  type GossipBody,
  type Gossip as GossipMessage,
  gossipPayload,
  MAX_HEADS_PAGE_BYTES,
  MAX_PULL,
  type Range,
  readGossip,
} from "./gossip-message.ts";
import { MAX_DRIFT_MS, parseStamp } from "./hlc.ts";
import type { HybridClock } from "./hybrid-clock.ts";
import type { HeadRow } from "./measures.ts";
import { encodeProof, readProof } from "./proof-message.ts";
import type { PullPlanner } from "./pull-planner.ts";
import type { Received, Receiver } from "./receiver.ts";
import type { ForkProof, Replica } from "./replica.ts";
import type { Reporter } from "./reporter.ts";
import { activeMembers } from "./roster.ts";

export interface GossipOptions {
  readonly fleet: string;
  readonly deviceId: string;
  readonly key: SigningKey;
  readonly replicaId: () => string;
  readonly replica: Replica;
  readonly receiver: Receiver;
  readonly pulls: PullPlanner;
  readonly hlc: HybridClock;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly link: GossipLink;
  /** Longest random wait before a peer is asked; at most 500. */
  readonly pullWaitMs: number;
  readonly reporter: Reporter;
  /** Makes operations durable. */
  readonly commit: (ops: readonly StoreOp[]) => Promise<void>;
  /** Runs a task after what is queued already. */
  readonly enqueue: (task: () => Promise<void>) => void;
  readonly onDigest: (isEqual: boolean) => void;
  readonly onInvalid: (sender: string, code: string) => void;
  readonly onAppended: (batch: SignedBatch) => void;
  readonly onProof: (proof: ForkProof) => void;
}

/** What handling one message leaves to do once its operations are durable. */
interface Effects {
  readonly ops: StoreOp[];
  readonly after: (() => Promise<void>)[];
}

export class Gossip {
  readonly #o: GossipOptions;
  readonly #lastStamp = new Map<string, string>();
  readonly #summaries = new Map<string, string>();
  readonly #headsAskedUntil = new Map<string, number>();

  constructor(options: GossipOptions) {
    this.#o = options;
  }

  /** Summaries last heard, per peer. */
  summaries(): ReadonlyMap<string, string> {
    return this.#summaries;
  }

  /** Handles admitted messages in order; what they change is durable, together, when the promise resolves. */
  async handle(group: readonly InboundGossip[]): Promise<void> {
    const effects: Effects = { ops: [], after: [] };
    for (const inbound of group) {
      try {
        this.#dispatch(inbound, effects);
      } catch (error) {
        if (!(error instanceof CodedError)) throw error;
        this.#o.onInvalid(inbound.sender, codeOf(error));
      }
    }
    await this.#settle(effects);
  }

  /** Batches whose time may have come: the clock moved or a roster arrived. */
  async retryHeld(): Promise<void> {
    const effects: Effects = { ops: [], after: [] };
    for (const received of this.#o.receiver.retryHeld()) this.#received(received, "", effects);
    await this.#settle(effects);
  }

  async #settle({ ops, after }: Effects): Promise<void> {
    if (ops.length > 0) await this.#o.commit([...ops, ...this.#o.hlc.markOps()]);
    for (const task of after) await task();
    this.#planPulls();
  }

  #dispatch(inbound: InboundGossip, effects: Effects): void {
    const { sender, payload, kind } = inbound;
    if (kind === "proof") {
      const proof = readProof(payload, this.#o.replica);
      if (proof === null) throw new CodedError("bad_signature", "The proof proves nothing.", { status: 403 });
      const ops = this.#o.replica.exclude(proof);
      effects.ops.push(...ops);
      if (ops.length > 0) effects.after.push(async () => this.#o.onProof(proof));
      return;
    }
    const message = readMessage(payload);
    if (kind === "batch") {
      this.#batch(payload, sender, effects);
      return;
    }
    const device = this.#o.replica.roster.devices.get(sender);
    if (!device) throw new CodedError("peer_unknown", "The sender is not in the roster.", { status: 403 });
    if (device.status !== "active")
      throw new CodedError("peer_revoked", "The sender is suspended or revoked.", { status: 403 });
    if (message.payloadType !== GOSSIP_TYPE || !isSignedBy(message, device.keyId, device.publicKey))
      throw new CodedError("bad_signature", "The sender's signature does not hold.", { status: 403 });
    const gossip = readGossip(readPayload(message));
    if (gossip === null || gossip.kind !== kind || gossip.from !== sender)
      throw new CodedError("malformed", "The message is not gossip of its sender.", { status: 400 });
    if (gossip.fleet !== this.#o.fleet)
      throw new CodedError("wrong_fleet", "The message belongs to another fleet.", { status: 403 });
    if (this.#isFresh(gossip)) this.#answer(gossip, effects);
  }

  /** Replays and stamps far ahead of the clock are counted and go no further. */
  #isFresh(gossip: GossipMessage): boolean {
    const key = `${gossip.from}\n${gossip.kind}`;
    if (gossip.hlc <= (this.#lastStamp.get(key) ?? "")) {
      this.#o.reporter.count("dropped:replayed");
      return false;
    }
    if ((parseStamp(gossip.hlc)?.ms ?? 0) > this.#o.clock.wallMs() + MAX_DRIFT_MS) {
      this.#o.reporter.count("dropped:clock_ahead");
      return false;
    }
    this.#lastStamp.set(key, gossip.hlc);
    return true;
  }

  #answer(gossip: GossipMessage, effects: Effects): void {
    const { from } = gossip;
    if (gossip.kind === "digest") {
      this.#digest(from, gossip.summary);
      return;
    }
    if (gossip.target !== this.#o.deviceId)
      throw new CodedError("malformed", "The message is for another device.", { status: 400 });
    if (gossip.kind === "pull") {
      if ("heads" in gossip) effects.after.push(() => this.#sendHeads(from, gossip.heads));
      else for (const body of this.#fills(from, gossip.want)) effects.after.push(() => this.#send(body));
      return;
    }
    if ("batches" in gossip) {
      for (const text of gossip.batches) {
        const bytes = messageFromText(text);
        if (bytes === null) throw new CodedError("malformed", "A batch is not base64.", { status: 400 });
        this.#batch(bytes, from, effects);
      }
      return;
    }
    for (const [origin, seq] of gossip.heads) this.#o.pulls.note(origin, seq, from);
    const { next } = gossip;
    if (next !== null) effects.after.push(() => this.#send({ kind: "pull", target: from, heads: next }));
    else this.#headsAskedUntil.delete(from);
  }

  #batch(bytes: Uint8Array, sender: string, effects: Effects): void {
    const signed = readBatch(readMessage(bytes));
    if (signed === null) throw new CodedError("malformed", "The message is not a batch.", { status: 400 });
    this.#received(this.#o.receiver.take(signed, sender), sender, effects);
  }

  #received(received: Received, sender: string, effects: Effects): void {
    effects.ops.push(...received.ops);
    for (const proof of received.proofs) {
      effects.after.push(async () => {
        this.#o.link.send("proof", encodeProof(proof), {
          target: proof.origin.split(".")[0] ?? "",
          retain: true,
        });
        this.#o.onProof(proof);
      });
    }
    for (const batch of received.appended) effects.after.push(async () => this.#o.onAppended(batch));
    const { askBranch } = received;
    if (askBranch !== null && askBranch.seq > 0 && sender !== "") {
      const want = [{ origin: askBranch.origin, from: askBranch.seq, to: askBranch.seq }];
      effects.after.push(() => this.#send({ kind: "pull", target: sender, want }));
    }
    // An excluded origin's relays are not at fault: they may not have heard of the fork yet.
    if (received.refusedCode === "origin_excluded") this.#o.reporter.count("dropped:origin_excluded");
    else if (received.refusedCode !== null) this.#o.onInvalid(sender, received.refusedCode);
  }

  #digest(from: string, summary: string): void {
    this.#summaries.set(from, summary);
    const isEqual = summary === this.#o.replica.summary();
    this.#o.onDigest(isEqual);
    if (!isEqual) this.askHeads(from);
  }

  /** After a silence what was heard before says nothing any more: up to `count` peers are asked what they have. */
  rejoin(count: number): void {
    this.#summaries.clear();
    this.#headsAskedUntil.clear();
    const { replica, deviceId, entropy } = this.#o;
    const peers = activeMembers(replica.roster).filter((id) => id !== deviceId);
    // Any of them, so that a whole fleet that comes back does not ask the same few.
    const first = entropy.below(Math.max(1, peers.length));
    for (const peer of [...peers.slice(first), ...peers.slice(0, first)].slice(0, count)) this.askHeads(peer);
  }

  /** Asks a peer what it has, after a random wait in which another peer's answer may make it needless. */
  askHeads(peer: string): void {
    const now = this.#o.clock.monoMs();
    if ((this.#headsAskedUntil.get(peer) ?? 0) > now) return;
    this.#headsAskedUntil.set(peer, now + GOSSIP_LIMITS.retryMs);
    this.#o.clock.after(this.#o.entropy.below(this.#o.pullWaitMs), () => {
      this.#o.enqueue(async () => {
        if (this.#summaries.get(peer) === this.#o.replica.summary()) this.#headsAskedUntil.delete(peer);
        else await this.#send({ kind: "pull", target: peer, heads: "" });
      });
    });
  }

  async sendDigest(): Promise<void> {
    const { replica } = this.#o;
    const count = replica.heads().length;
    await this.#send({ kind: "digest", summary: replica.summary(), count, roster: replica.roster.version });
  }

  async #sendHeads(target: string, after: string): Promise<void> {
    const page: HeadRow[] = [];
    let bytes = 0;
    let next: string | null = null;
    for (const row of this.#o.replica.heads()) {
      if (row[0] <= after) continue;
      bytes += row[0].length + 96;
      if (bytes > MAX_HEADS_PAGE_BYTES) {
        next = page.at(-1)?.[0] ?? null;
        break;
      }
      page.push(row);
    }
    await this.#send({ kind: "fill", target, heads: page, next });
  }

  /** The wanted batches that are held here, packed into messages. */
  #fills(target: string, want: readonly Range[]): GossipBody[] {
    const bodies: GossipBody[] = [];
    let batches: string[] = [];
    let bytes = 0;
    let left = MAX_PULL;
    for (const { origin, from, to } of want) {
      for (let seq = from; seq <= to && left > 0; seq++, left--) {
        const link = this.#o.replica.link(origin, seq);
        if (!link) break;
        const text = messageToText(link.bytes);
        if (batches.length > 0 && bytes + text.length > GOSSIP_LIMITS.fillBytes) {
          bodies.push({ kind: "fill", target, batches });
          batches = [];
          bytes = 0;
        }
        batches.push(text);
        bytes += text.length;
      }
    }
    if (batches.length > 0) bodies.push({ kind: "fill", target, batches });
    return bodies;
  }

  #planPulls(): void {
    const { pulls, replica, clock } = this.#o;
    const plan = pulls.plan((origin) => {
      const excludedFrom = replica.excludedFrom(origin);
      return excludedFrom === null ? replica.head(origin).seq : Number.MAX_SAFE_INTEGER;
    }, clock.monoMs());
    for (const [peer, want] of plan) this.#o.enqueue(() => this.#send({ kind: "pull", target: peer, want }));
  }

  async #send(body: GossipBody): Promise<void> {
    const { hlc, fleet, deviceId, key, link } = this.#o;
    const payload = gossipPayload({
      v: 1,
      fleet,
      from: deviceId,
      hlc: hlc.stamp(this.#o.replicaId()),
      ...body,
    });
    const mark = hlc.markOps();
    if (mark.length > 0) await this.#o.commit(mark);
    const { bytes } = signMessage(GOSSIP_TYPE, payload, key);
    link.send(body.kind, bytes, "target" in body ? { target: body.target } : {});
  }
}
