import type { Broker } from "./broker.ts";
import { type Delivery, type Publication, REASON } from "./messages.ts";
import type { BrokerChannel, BrokerSession, ConnectAnswer, ConnectRequest } from "./session.ts";

export interface RawClientOptions {
  readonly name: string;
  readonly broker: Broker;
  readonly onDelivered?: (delivery: Delivery) => void;
  /** False for a client that never acknowledges; default true. */
  readonly acknowledges?: boolean;
}

/**
 * A client beside the broker, without a link: it may say anything a protocol allows, at once. For adversaries with a key
 * or a name of their own or a stolen one (simulator.md 7), and for tests of the broker.
 */
export class RawClient implements BrokerChannel {
  readonly name: string;
  /** Everything that was delivered, in order. */
  readonly received: Delivery[] = [];
  readonly #options: RawClientOptions;
  /** Delivered before CONNECT has returned its session. */
  readonly #early: Delivery[] = [];
  #session: BrokerSession | null = null;
  #answer: ConnectAnswer | null = null;
  #closedWith: number | null = null;
  #lastPacketId = 0;

  constructor(options: RawClientOptions) {
    this.#options = options;
    this.name = options.name;
  }

  get isConnected(): boolean {
    return this.#session?.channel === this;
  }

  /** Reason with which the broker has put it out. */
  get closedWith(): number | null {
    return this.#closedWith;
  }

  /** @returns the reason code of CONNACK; server unavailable while the broker is down. */
  connect(request: Partial<ConnectRequest> = {}): ConnectAnswer {
    const { broker } = this.#options;
    const refused = { sessionPresent: false, receiveMaximum: 0, maxPacketBytes: 0 };
    if (!broker.running) return { ...refused, reasonCode: REASON.serverUnavailable };
    this.#closedWith = null;
    this.#session = null;
    this.#session = broker.connect({ clientId: this.name, ...request }, this);
    for (const delivery of this.#early.splice(0)) this.#acknowledge(delivery);
    return this.#answer ?? { ...refused, reasonCode: REASON.serverUnavailable };
  }

  /** @returns the reason code of the acknowledgement; with QoS 0 what one would have been. */
  publish(topic: string, payload: Uint8Array, options: Partial<Publication> = {}): number {
    const session = this.#session;
    if (!session || !this.isConnected) return REASON.serverUnavailable;
    const publication: Publication = { qos: 1, ...options, topic, payload: new Uint8Array(payload) };
    const packetId = (this.#lastPacketId % 65_535) + 1;
    this.#lastPacketId = packetId;
    const reasonCode = this.#options.broker.publish(session, publication, packetId);
    if (publication.qos === 2) this.#options.broker.released(session, packetId);
    return reasonCode;
  }

  /** @returns the granted QoS, or the reason code of the refusal. */
  subscribe(filter: string, qos: 0 | 1 | 2 = 1): number {
    if (!this.#session || !this.isConnected) return REASON.serverUnavailable;
    return this.#options.broker.subscribe(this.#session, filter, qos);
  }

  unsubscribe(filter: string): void {
    if (this.#session && this.isConnected) this.#options.broker.unsubscribe(this.#session, filter);
  }

  /** Leaves with DISCONNECT. */
  disconnect(): void {
    if (this.#session && this.isConnected) this.#options.broker.disconnect(this.#session);
  }

  /** Breaks the connection. */
  drop(): void {
    if (this.#session && this.isConnected) this.#options.broker.drop(this.#session);
  }

  connack(answer: ConnectAnswer): void {
    this.#answer = answer;
  }

  deliver(delivery: Delivery): void {
    this.received.push(delivery);
    this.#options.onDelivered?.(delivery);
    if (this.#session) this.#acknowledge(delivery);
    else this.#early.push(delivery);
  }

  #acknowledge(delivery: Delivery): void {
    const session = this.#session;
    if (this.#options.acknowledges === false || !session) return;
    if (delivery.qos === 2) this.#options.broker.received(session, delivery.packetId);
    else if (delivery.qos === 1) this.#options.broker.acknowledge(session, delivery.packetId);
  }

  release(packetId: number): void {
    if (this.#session && this.#options.acknowledges !== false) {
      this.#options.broker.acknowledge(this.#session, packetId);
    }
  }

  close(reasonCode: number | null): void {
    this.#closedWith = reasonCode;
  }

  drain(): void {
    // It acknowledges at once: nothing is on the way.
  }
}
