/**
 * The replicated state of one device: chains of batches per origin and the live documents they add up to
 * (sync.md 4, 5). Synchronous and without I/O: every change comes back as store operations, which the caller makes
 * durable in one atomic batch before anyone else may learn of it. State is a function of the set of valid, not
 * excluded batches, never of their order.
 */
import { encodeCbor } from "../core/cbor.ts";
import { CodedError } from "../core/errors.ts";
import { del, put, type StoreOp } from "../ports/store.ts";
import { type BatchContent, judgeContent, type SignedBatch } from "./batch.ts";
import { Chain, type ChainLink } from "./chain.ts";
import { type CrdtState, emptyState, mergeState } from "./crdt/types.ts";
import { isSignedBy, type SignedMessage } from "./envelope.ts";
import { deviceOfReplica } from "./hlc.ts";
import { judgeBatch, type ReceiveView, type Verdict } from "./judge.ts";
import { type HeadRow, summaryOf } from "./measures.ts";
import type { Roster, RosterDevice } from "./roster.ts";

export const BATCH_SUB = "sync/batch";
export const HEAD_SUB = "sync/head";
export const PROOF_SUB = "sync/proof";

/** Store key of a batch; numbers are padded, so that byte order is chain order. */
export const batchKey = (origin: string, seq: number): string => `${origin}/${String(seq).padStart(16, "0")}`;

/** Two signed batches of one origin and sequence number with different contents. */
export interface ForkProof {
  readonly origin: string;
  readonly seq: number;
  readonly a: Uint8Array;
  readonly b: Uint8Array;
}

export interface Outcome {
  readonly verdict: Verdict;
  readonly ops: readonly StoreOp[];
  /** Set when this batch proved a fork. */
  readonly proof?: ForkProof;
}

const tagged = (byte: number, payload: Uint8Array): Uint8Array => {
  const out = new Uint8Array(payload.length + 1);
  out[0] = byte;
  out.set(payload, 1);
  return out;
};

const APPLIED = 1;
const VOID = 2;

export class Replica {
  readonly #fleet: string;
  readonly #rosters = new Map<number, Roster>();
  #chains = new Map<string, Chain>();
  #proofs = new Map<string, ForkProof>();
  #roster: Roster;
  #live = new Map<string, CrdtState>();

  constructor(fleet: string, rosters: readonly [Roster, ...Roster[]]) {
    this.#fleet = fleet;
    this.#roster = rosters[0];
    for (const roster of rosters) this.addRoster(roster);
  }

  get roster(): Roster {
    return this.#roster;
  }

  /** A newer version becomes the current one; an older one only judges old batches. */
  addRoster(roster: Roster): void {
    this.#rosters.set(roster.version, roster);
    if (roster.version > this.#roster.version) this.#roster = roster;
  }

  /** The chain head of an origin; sequence number 0 before its first batch. */
  head(origin: string): { readonly seq: number; readonly hash: string } {
    const chain = this.#chains.get(origin);
    return { seq: chain?.seq ?? 0, hash: chain?.headHash ?? "" };
  }

  heads(): readonly HeadRow[] {
    const rows: HeadRow[] = [];
    for (const [origin, chain] of this.#chains)
      if (chain.seq > 0) rows.push([origin, chain.seq, chain.headHash]);
    return rows.sort((a, b) => (a[0] < b[0] ? -1 : 1));
  }

  summary(): string {
    return summaryOf(this.heads());
  }

  link(origin: string, seq: number): ChainLink | undefined {
    return this.#chains.get(origin)?.at(seq);
  }

  document(doc: string): CrdtState | undefined {
    return this.#live.get(doc);
  }

  documents(): ReadonlyMap<string, CrdtState> {
    return this.#live;
  }

  proofs(): readonly ForkProof[] {
    return [...this.#proofs.values()];
  }

  excludedFrom(origin: string): number | null {
    return this.#proofs.get(origin)?.seq ?? null;
  }

  get batches(): number {
    let count = 0;
    for (const chain of this.#chains.values()) count += chain.seq;
    return count;
  }

  #device(id: string): RosterDevice | null {
    return this.#roster.devices.get(id) ?? null;
  }

  /** True iff the origin's device signed the message with its roster key. */
  isAuthentic(origin: string, message: SignedMessage): boolean {
    const device = this.#device(deviceOfReplica(origin) ?? "");
    return device !== null && isSignedBy(message, device.keyId, device.publicKey);
  }

  #view(wallMs: number): ReceiveView {
    return {
      fleet: this.#fleet,
      wallMs,
      device: (id) => {
        const device = this.#device(id);
        return device && { cut: device.revokedAfter };
      },
      head: (origin) => this.#chains.get(origin)?.view() ?? null,
      hashAt: (origin, seq) => this.link(origin, seq)?.hash,
      excludedFrom: (origin) => this.excludedFrom(origin),
      knowsRoster: (version) => this.#rosters.has(version),
    };
  }

  #content(signed: SignedBatch): BatchContent {
    const roster = this.#rosters.get(signed.batch.roster);
    return roster ? judgeContent(signed.batch, roster) : { ok: false, fault: "delta_invalid" };
  }

  /** Judges one batch and applies it when it may be applied. Nothing is applied twice. */
  receive(signed: SignedBatch, wallMs: number): Outcome {
    const { batch, message, hash } = signed;
    const verdict = judgeBatch(
      {
        bytes: message.bytes.length,
        ...batch,
        hash,
        isSigned: () => this.isAuthentic(batch.origin, message),
        contentFault: () => {
          const content = this.#content(signed);
          return content.ok ? null : content.fault;
        },
      },
      this.#view(wallMs),
    );
    if (verdict.decision === "equivocation") {
      const held = this.link(batch.origin, batch.seq);
      if (!held) return { verdict, ops: [] };
      const proof = { origin: batch.origin, seq: batch.seq, a: held.bytes, b: message.bytes };
      return { verdict, ops: this.exclude(proof), proof };
    }
    if (verdict.decision === "void") return { verdict, ops: this.#append(signed, verdict.code) };
    return { verdict, ops: verdict.decision === "apply" ? this.#append(signed, null) : [] };
  }

  #append(signed: SignedBatch, voidCode: string | null): StoreOp[] {
    const { batch, hash, message } = signed;
    const content = voidCode === null ? this.#content(signed) : null;
    const deltas = content?.ok ? content.deltas : [];
    const chain = this.#chains.get(batch.origin) ?? new Chain();
    this.#chains.set(batch.origin, chain);
    chain.append({
      seq: batch.seq,
      hash,
      hlc: batch.hlc,
      roster: batch.roster,
      bytes: message.bytes,
      deltas,
      voidCode,
    });
    this.#merge(deltas);
    return [
      put(
        BATCH_SUB,
        batchKey(batch.origin, batch.seq),
        tagged(voidCode === null ? APPLIED : VOID, message.bytes),
      ),
      put(HEAD_SUB, batch.origin, encodeCbor({ seq: batch.seq, hash })),
    ];
  }

  #merge(deltas: ChainLink["deltas"]): void {
    for (const { doc, state } of deltas)
      this.#live.set(doc, mergeState(this.#live.get(doc) ?? emptyState(state.type), state));
  }

  /** Takes back the newest batch of an origin whose write to disk failed. */
  retract(origin: string, seq: number): void {
    this.#chains.get(origin)?.cutFrom(seq);
    this.#rebuild();
  }

  /** Removes both branches from the fork on, on every replica alike; the smallest proven number counts. */
  exclude(proof: ForkProof): StoreOp[] {
    const known = this.#proofs.get(proof.origin);
    if (known && known.seq <= proof.seq) return [];
    this.#proofs.set(proof.origin, proof);
    const chain = this.#chains.get(proof.origin);
    const removed = chain?.cutFrom(proof.seq) ?? [];
    if (removed.length > 0) this.#rebuild();
    const { seq, a, b } = proof;
    return [
      put(PROOF_SUB, proof.origin, encodeCbor({ seq, a: Buffer.from(a), b: Buffer.from(b) })),
      ...removed.map((link) => del(BATCH_SUB, batchKey(proof.origin, link.seq))),
      put(HEAD_SUB, proof.origin, encodeCbor({ seq: chain?.seq ?? 0, hash: chain?.headHash ?? "" })),
    ];
  }

  /** Drops what a newer roster no longer counts of revoked and suspended devices. */
  applyRevocations(): StoreOp[] {
    const ops: StoreOp[] = [];
    for (const [origin, chain] of this.#chains) {
      const cut = this.#device(deviceOfReplica(origin) ?? "")?.revokedAfter;
      if (cut === null || cut === undefined) continue;
      const last = Object.hasOwn(cut, origin) ? (cut[origin] ?? 0) : 0;
      for (const link of chain.cutFrom(last + 1)) ops.push(del(BATCH_SUB, batchKey(origin, link.seq)));
      ops.push(put(HEAD_SUB, origin, encodeCbor({ seq: chain.seq, hash: chain.headHash })));
    }
    if (ops.length > 0) this.#rebuild();
    return ops;
  }

  #rebuild(): void {
    this.#live = new Map();
    for (const chain of this.#chains.values()) for (const link of chain.links) this.#merge(link.deltas);
  }

  /** Takes a batch back in from the own store, in chain order. False when the row does not continue its chain. */
  restore(signed: SignedBatch, wasVoid: boolean): boolean {
    const { batch } = signed;
    const head = this.head(batch.origin);
    if (batch.seq !== head.seq + 1 || batch.prev !== head.hash) return false;
    if (!this.#rosters.has(batch.roster)) {
      const details = { origin: batch.origin, seq: batch.seq, roster: batch.roster };
      throw new CodedError("store_corrupt", "A stored batch names a roster that is not kept.", { details });
    }
    this.#append(signed, wasVoid ? "void" : null);
    return true;
  }

  restoreProof(proof: ForkProof): void {
    this.exclude(proof);
  }

  /** Forgets everything in memory and reads it again: after a failed write memory must not be ahead of the store. */
  async reload(restore: (replica: Replica) => Promise<unknown>): Promise<void> {
    // Beside the old state, so that nobody reads half a document meanwhile.
    const fresh = new Replica(this.#fleet, [this.#roster, ...this.#rosters.values()]);
    await restore(fresh);
    this.#chains = fresh.#chains;
    this.#proofs = fresh.#proofs;
    this.#live = fresh.#live;
  }
}
