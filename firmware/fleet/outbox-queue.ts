/**
 * The order and limits of the outbox (sync.md 8) over descriptions of its items; bodies stay in the store.
 * Deterministic: no clock, no I/O.
 */
import { FairScheduler } from "../core/fair-scheduler.ts";
import { MinHeap } from "../core/min-heap.ts";

export type OutboxClass = "logic" | "telemetry" | "logs";
export const OUTBOX_CLASSES: readonly OutboxClass[] = ["logic", "telemetry", "logs"];
const RANK: Readonly<Record<OutboxClass, number>> = { logic: 3, telemetry: 2, logs: 1 };

export interface OutboxMeta {
  readonly seq: number;
  readonly id: string;
  readonly idem: string | null;
  /** SHA-256 of the body, by which two messages with one idempotency key are told apart. */
  readonly bodyHash: string;
  readonly topic: string;
  readonly class: OutboxClass;
  readonly bytes: number;
  /** Wall ms after which the message is worthless; null: never. */
  readonly expiresMs: number | null;
}

export type Admission =
  | {
      readonly outcome: "accepted";
      readonly evicted: readonly OutboxMeta[];
      /** Older ones of its topic whose place it takes. */
      readonly superseded: readonly OutboxMeta[];
    }
  | { readonly outcome: "duplicate"; readonly of: string }
  | { readonly outcome: "refused"; readonly code: "outbox_full" | "idempotency_conflict" };

export interface OutboxLimits {
  readonly maxItems: number;
  readonly maxBytes: number;
  /** Classes that give up their own oldest item for a newcomer of the same class. Never `logic`. */
  readonly keepNew: ReadonlySet<OutboxClass>;
}

interface Slot {
  readonly meta: OutboxMeta;
  /** `reserved`: its batch is not durable yet, so it holds its place but is not sent. */
  state: "reserved" | "queued" | "inflight";
  notBeforeMono: number;
  attempts: number;
}

/** Items in order of arrival: those of one topic, or those of one class. */
interface Line {
  readonly slots: Map<number, Slot>;
  lastSeq: number;
}

const emptyLine = (): Line => ({ slots: new Map(), lastSeq: -1 });
const laneKey = (meta: OutboxMeta): string => `${meta.class} ${meta.topic}`;

function append(line: Line, slot: Slot): void {
  const { seq } = slot.meta;
  line.slots.set(seq, slot);
  if (seq > line.lastSeq) {
    line.lastSeq = seq;
    return;
  }
  // Only when an eviction is taken back does an older item arrive after a younger one.
  const sorted = [...line.slots].sort(([a], [b]) => a - b);
  line.slots.clear();
  for (const [key, value] of sorted) line.slots.set(key, value);
}

export class OutboxQueue {
  readonly #limits: OutboxLimits;
  readonly #slots = new Map<number, Slot>();
  readonly #idem = new Map<string, OutboxMeta>();
  readonly #classes: Readonly<Record<OutboxClass, Line>> = {
    logic: emptyLine(),
    telemetry: emptyLine(),
    logs: emptyLine(),
  };
  readonly #lanes = new Map<string, Line>();
  /** Heads of lanes that may go, by class; entries that no longer hold are skipped when they surface. */
  readonly #ready: Readonly<Record<OutboxClass, MinHeap>> = {
    logic: new MinHeap(),
    telemetry: new MinHeap(),
    logs: new MinHeap(),
  };
  /** Lanes of logic whose head is in flight. */
  readonly #logicInFlight = new Set<Line>();
  /** Heads in backoff. */
  readonly #held = new Set<number>();
  readonly #fair = new FairScheduler({ telemetry: 4, logs: 1 });
  #bytes = 0;

  constructor(limits: OutboxLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#slots.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  attempts(seq: number): number {
    return this.#slots.get(seq)?.attempts ?? 0;
  }

  /**
   * Decides on a newcomer and reserves its place; evicted items are gone from the queue at once.
   * @param supersedes it takes the place of what still waits on its topic, what is in flight excepted.
   */
  admit(meta: OutboxMeta, supersedes = false): Admission {
    const known = meta.idem === null ? undefined : this.#idem.get(meta.idem);
    if (known) {
      return known.bodyHash === meta.bodyHash
        ? { outcome: "duplicate", of: known.id }
        : { outcome: "refused", code: "idempotency_conflict" };
    }
    const superseded = supersedes ? this.#waitingBeside(meta) : [];
    for (const older of superseded) this.remove(older.seq);
    const evicted = this.#makeRoom(meta);
    if (!evicted) {
      for (const older of superseded) this.restore(older, 0);
      return { outcome: "refused", code: "outbox_full" };
    }
    for (const victim of evicted) this.remove(victim.seq);
    this.restore(meta, 0, "reserved");
    return { outcome: "accepted", evicted, superseded };
  }

  #waitingBeside(meta: OutboxMeta): OutboxMeta[] {
    const slots = [...(this.#lanes.get(laneKey(meta))?.slots.values() ?? [])];
    return slots.filter(({ state }) => state === "queued").map((slot) => slot.meta);
  }

  /** Puts an item in without asking for room: what the store holds at start, or an eviction taken back. */
  restore(meta: OutboxMeta, attempts: number, state: "reserved" | "queued" = "queued"): void {
    const slot: Slot = { meta, state, notBeforeMono: 0, attempts };
    this.#slots.set(meta.seq, slot);
    this.#bytes += meta.bytes;
    if (meta.idem !== null) this.#idem.set(meta.idem, meta);
    append(this.#classes[meta.class], slot);
    const lane = this.#lanes.get(laneKey(meta)) ?? emptyLine();
    this.#lanes.set(laneKey(meta), lane);
    append(lane, slot);
    this.#offerHead(lane);
  }

  /** The reserved item's batch is durable: it may be sent. */
  confirm(seq: number): void {
    const slot = this.#slots.get(seq);
    if (slot?.state !== "reserved") return;
    slot.state = "queued";
    const [head] = this.#lanes.get(laneKey(slot.meta))?.slots.values() ?? [];
    if (head === slot) this.#ready[slot.meta.class].push(seq);
  }

  /**
   * The next message to send, now in flight; null if nothing is ready. Logic that only waits for the answer to
   * the message before it still goes before everything else; logic in backoff does not.
   */
  take(nowMono: number): OutboxMeta | null {
    this.#freeHeld(nowMono);
    const slot = this.#surface("logic") ?? (this.#logicWaits() ? null : this.#pickFair());
    if (!slot) return null;
    const { meta } = slot;
    this.#ready[meta.class].pop();
    slot.state = "inflight";
    const lane = this.#lanes.get(laneKey(meta));
    if (meta.class === "logic" && lane) this.#logicInFlight.add(lane);
    return meta;
  }

  /** Back from flight: queued again, holding its topic until `notBeforeMono`. */
  release(seq: number, notBeforeMono: number, attempts: number): void {
    const slot = this.#slots.get(seq);
    if (!slot) return;
    slot.state = "queued";
    slot.notBeforeMono = notBeforeMono;
    slot.attempts = attempts;
    this.#landed(slot.meta);
    this.#held.add(seq);
  }

  /** Acknowledged, expired, evicted or dead. */
  remove(seq: number): void {
    const slot = this.#slots.get(seq);
    if (!slot) return;
    const { meta } = slot;
    this.#slots.delete(seq);
    this.#held.delete(seq);
    this.#bytes -= meta.bytes;
    if (meta.idem !== null && this.#idem.get(meta.idem)?.seq === seq) this.#idem.delete(meta.idem);
    this.#classes[meta.class].slots.delete(seq);
    const lane = this.#lanes.get(laneKey(meta));
    if (slot.state === "inflight") this.#landed(meta);
    lane?.slots.delete(seq);
    if (lane?.slots.size === 0) this.#lanes.delete(laneKey(meta));
    else this.#offerLane(meta);
  }

  /** Queued items whose time is over. */
  expired(nowWall: number): OutboxMeta[] {
    const out: OutboxMeta[] = [];
    for (const { meta, state } of this.#slots.values()) {
      if (state === "queued" && meta.expiresMs !== null && nowWall > meta.expiresMs) out.push(meta);
    }
    return out;
  }

  /** Monotonic ms at which the next held topic becomes free; null if none is held. */
  nextReadyMono(): number | null {
    let next: number | null = null;
    for (const seq of this.#held) {
      const at = this.#slots.get(seq)?.notBeforeMono ?? 0;
      if (next === null || at < next) next = at;
    }
    return next;
  }

  #landed(meta: OutboxMeta): void {
    const lane = this.#lanes.get(laneKey(meta));
    if (lane) this.#logicInFlight.delete(lane);
  }

  /** At most as many lanes as messages may be in flight are looked at. */
  #logicWaits(): boolean {
    for (const { slots } of this.#logicInFlight) {
      const [, next] = slots.values();
      if (next?.state === "queued") return true;
    }
    return false;
  }

  #offerLane(meta: OutboxMeta): void {
    const lane = this.#lanes.get(laneKey(meta));
    if (lane) this.#offerHead(lane);
  }

  /** FIFO per topic: only the oldest item of a lane may go. */
  #offerHead(lane: Line): void {
    const [head] = lane.slots.values();
    if (head?.state === "queued" && !this.#held.has(head.meta.seq)) {
      this.#ready[head.meta.class].push(head.meta.seq);
    }
  }

  #freeHeld(nowMono: number): void {
    for (const seq of this.#held) {
      const slot = this.#slots.get(seq);
      if (slot && slot.notBeforeMono > nowMono) continue;
      this.#held.delete(seq);
      if (slot) this.#offerLane(slot.meta);
    }
  }

  /** The oldest item of a class that may go now. */
  #surface(flow: OutboxClass): Slot | null {
    const heap = this.#ready[flow];
    for (let seq = heap.peek(); seq !== null; seq = heap.peek()) {
      const slot = this.#slots.get(seq);
      const head = slot ? this.#lanes.get(laneKey(slot.meta))?.slots.values().next().value : undefined;
      if (slot && slot === head && slot.state === "queued" && !this.#held.has(seq)) return slot;
      heap.pop();
    }
    return null;
  }

  #pickFair(): Slot | null {
    const heads = new Map<string, Slot>();
    for (const flow of ["telemetry", "logs"] as const) {
      const slot = this.#surface(flow);
      if (slot) heads.set(flow, slot);
    }
    const picked = this.#fair.pick(
      [...heads].map(([flow, { meta }]) => ({ flow, seq: meta.seq, cost: meta.bytes })),
    );
    return picked === null ? null : (heads.get(picked) ?? null);
  }

  /** What must go so that the newcomer fits; null if nothing may. */
  #makeRoom(newcomer: OutboxMeta): OutboxMeta[] | null {
    const { maxItems, maxBytes, keepNew } = this.#limits;
    if (newcomer.bytes > maxBytes) return null;
    let items = this.#slots.size + 1;
    let bytes = this.#bytes + newcomer.bytes;
    const gone: OutboxMeta[] = [];
    if (items <= maxItems && bytes <= maxBytes) return gone;
    for (const flow of [...OUTBOX_CLASSES].reverse()) {
      const same = flow === newcomer.class && flow !== "logic" && keepNew.has(flow);
      if (RANK[flow] >= RANK[newcomer.class] && !same) break;
      for (const { meta, state } of this.#classes[flow].slots.values()) {
        if (items <= maxItems && bytes <= maxBytes) return gone;
        if (state !== "queued") continue;
        gone.push(meta);
        items--;
        bytes -= meta.bytes;
      }
    }
    return items <= maxItems && bytes <= maxBytes ? gone : null;
  }
}
