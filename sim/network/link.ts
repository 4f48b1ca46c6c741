import type { Entropy } from "../../firmware/ports/entropy.ts";
import type { VirtualTime } from "../time/virtual-time.ts";
import {
  faithfulDelayUs,
  hostileFate,
  type LinkConfig,
  nextRetransmissionUs,
  transmissionUs,
} from "./link-model.ts";

export type Way = "up" | "down";

/** Something that is due at the other end. */
interface Packet {
  readonly sentAtUs: number;
  readonly arrive: Arrive;
}

/** @param atUs when it arrived; earlier than now if nobody has looked since. */
export type Arrive = (atUs: number) => void;

export interface FlowOptions {
  /** TCP has given up. */
  readonly onReset: () => void;
  /** Whether somebody waits for quiet packets: then each of them gets its event. */
  readonly isAwaited?: () => boolean;
}

/** One actor's path to the broker, over all its connections: its behaviour, its stream, what blocks it. */
export class Link {
  readonly time: VirtualTime;
  readonly entropy: Entropy;
  config: LinkConfig;
  /** Names cannot be resolved: new connections fail at once. */
  dnsFails = false;
  readonly #blocks = { up: new Set<string>(), down: new Set<string>() };
  readonly #flows = new Set<Flow>();

  constructor(time: VirtualTime, entropy: Entropy, config: LinkConfig) {
    this.time = time;
    this.entropy = entropy;
    this.config = config;
  }

  isBlocked(way: Way): boolean {
    return this.#blocks[way].size > 0;
  }

  /** Nothing passes this way until every cause has been lifted. */
  block(way: Way, cause: string): void {
    const first = !this.isBlocked(way);
    this.#blocks[way].add(cause);
    if (first) for (const flow of this.#flows) if (flow.way === way) flow.stall();
  }

  unblock(way: Way, cause: string): void {
    if (!this.#blocks[way].delete(cause) || this.isBlocked(way)) return;
    for (const flow of this.#flows) if (flow.way === way) flow.resume();
  }

  /** Lifts every cause. */
  clear(): void {
    for (const way of ["up", "down"] as const) {
      for (const cause of [...this.#blocks[way]]) this.unblock(way, cause);
    }
  }

  /** One direction of a new connection. */
  open(way: Way, options: FlowOptions): Flow {
    const flow = new Flow(this, way, options, () => this.#flows.delete(flow));
    this.#flows.add(flow);
    return flow;
  }
}

/**
 * One direction of a connection. In order whatever the delays (TCP); only application messages in hostile mode are
 * on their own. What meets a blocked path waits at the sender and is sent again after the block.
 */
export class Flow {
  readonly way: Way;
  readonly #link: Link;
  readonly #options: FlowOptions;
  readonly #onClose: () => void;
  /** Arrived at a blocked path, or behind such a packet. */
  #held: Packet[] = [];
  /** Without an event of their own: taken when somebody looks. */
  #quiet: (Packet & { readonly atUs: number })[] = [];
  #lastAtUs = 0;
  #freeAtUs = 0;
  #isClosed = false;
  #isRetrying = false;
  #hasWake = false;

  constructor(link: Link, way: Way, options: FlowOptions, onClose: () => void) {
    this.#link = link;
    this.way = way;
    this.#options = options;
    this.#onClose = onClose;
  }

  /** A packet of the protocol itself, or any packet in faithful mode. */
  send(bytes: number, arrive: Arrive): void {
    const atUs = this.#arrival(bytes);
    if (atUs === null) return;
    const packet = { sentAtUs: this.#link.time.nowUs, arrive };
    this.#link.time.at(atUs, 2, () => this.#arrived(packet));
  }

  /**
   * An application message. In hostile mode it may be lost, come twice or overtake others.
   * @returns false if nobody will get it.
   */
  sendMessage(bytes: number, arrive: Arrive): boolean {
    const { config, time, entropy } = this.#link;
    if (config.mode !== "hostile") {
      this.send(bytes, arrive);
      return true;
    }
    const fate = hostileFate(entropy, config);
    for (const delay of fate) {
      time.at(time.nowUs + delay, 2, () => {
        if (!this.#isClosed && !this.#link.isBlocked(this.way)) arrive(time.nowUs);
      });
    }
    return fate.length > 0;
  }

  /** As `send`, but without an event unless somebody waits for it: `drain` takes it. For acknowledgements. */
  sendQuietly(bytes: number, arrive: Arrive): void {
    const atUs = this.#arrival(bytes);
    if (atUs === null) return;
    const packet = { sentAtUs: this.#link.time.nowUs, atUs, arrive };
    if (this.#link.isBlocked(this.way)) this.#held.push(packet);
    else this.#quiet.push(packet);
    if (this.#options.isAwaited?.()) this.#wake();
  }

  /** Takes what has arrived by now. While somebody waits, the rest comes by itself. */
  drain(): void {
    const { nowUs } = this.#link.time;
    while (this.#quiet[0] && this.#quiet[0].atUs <= nowUs) {
      const { arrive, atUs } = this.#quiet[0];
      this.#quiet.shift();
      arrive(atUs);
    }
    if (this.#options.isAwaited?.()) this.#wake();
  }

  /** The path is blocked from now on. */
  stall(): void {
    this.drain();
    this.#held.push(...this.#quiet.splice(0));
  }

  /** The path is free again: the sender's next retransmission brings what was held. */
  resume(): void {
    const [first] = this.#held;
    if (!first || this.#isRetrying) return;
    this.#isRetrying = true;
    const { time } = this.#link;
    time.at(nextRetransmissionUs(first.sentAtUs, time.nowUs), 2, () => {
      this.#isRetrying = false;
      if (this.#isClosed || this.#link.isBlocked(this.way)) return;
      for (const packet of this.#held.splice(0)) if (!this.#isClosed) packet.arrive(time.nowUs);
    });
  }

  /** The sender is gone without a word: nothing that was held is sent again. What is on the way arrives. */
  abandon(): void {
    this.#held = [];
    this.#quiet = [];
  }

  /** Nothing arrives any more. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.abandon();
    this.#onClose();
  }

  #arrived(packet: Packet): void {
    if (this.#isClosed) return;
    this.drain();
    if (this.#held.length > 0 || this.#link.isBlocked(this.way)) this.#held.push(packet);
    else packet.arrive(this.#link.time.nowUs);
  }

  /** An event for the next quiet packet, as long as somebody waits. */
  #wake(): void {
    const next = this.#quiet[0];
    if (!next || this.#hasWake || this.#isClosed) return;
    this.#hasWake = true;
    this.#link.time.at(next.atUs, 2, () => {
      this.#hasWake = false;
      if (!this.#isClosed) this.drain();
    });
  }

  /** When a packet sent now arrives: after everything sent before it. Null if the connection has been reset. */
  #arrival(bytes: number): number | null {
    if (this.#isClosed) return null;
    const { config, time, entropy } = this.#link;
    // Hostile draws belong to application messages alone, so that their fates do not depend on the protocol's packets.
    const delay = config.mode === "hostile" ? config.minUs : faithfulDelayUs(entropy, config);
    if (delay === null) {
      time.at(time.nowUs, 2, this.#options.onReset);
      return null;
    }
    const sentUs = Math.max(time.nowUs, this.#freeAtUs) + transmissionUs(bytes, config);
    this.#freeAtUs = sentUs;
    this.#lastAtUs = Math.max(sentUs + delay, this.#lastAtUs + 1);
    return this.#lastAtUs;
  }
}
