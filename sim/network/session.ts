import type { MqttProtocol } from "../../firmware/ports/mqtt-connection.ts";
import type { BrokerMessage, Delivery, Publication, Qos } from "./messages.ts";

export interface ConnectRequest {
  readonly clientId: string;
  readonly protocol?: MqttProtocol;
  readonly clean?: boolean;
  /** How long the session outlives its connection; default 0. 4294967295 is for good (MQTT 5.0, 3.1.2.11.2). */
  readonly expirySeconds?: number;
  readonly will?: Publication;
  readonly username?: string;
  readonly password?: string;
  /** False for a client whose certificate the broker does not accept. */
  readonly trustedCertificate?: boolean;
  /** Unacknowledged deliveries the client takes. */
  readonly receiveMaximum?: number;
  /** Larger packets are not delivered (MQTT 5.0, 3.1.2.11.4). */
  readonly maxPacketBytes?: number;
}

export interface ConnectAnswer {
  readonly reasonCode: number;
  readonly sessionPresent: boolean;
  readonly receiveMaximum: number;
  readonly maxPacketBytes: number;
}

/** The broker's end of one connection. */
export interface BrokerChannel {
  /** Who is at the other end, for records. */
  readonly name: string;
  connack(answer: ConnectAnswer): void;
  deliver(delivery: Delivery): void;
  /** PUBREL of a QoS 2 delivery. */
  release(packetId: number): void;
  /** The broker ends the connection with this reason, or without a word (null) when it stops. */
  close(reasonCode: number | null): void;
  /** Hands in acknowledgements that have arrived by now; while messages wait, further ones when they arrive. */
  drain(): void;
}

export interface SessionCounters {
  delivered: number;
  /** Oldest of full queues. */
  dropped: number;
  expired: number;
  /** Larger than what the receiver takes. */
  tooLarge: number;
}

interface Sent {
  delivery: Delivery;
  /** QoS 2: PUBREC has arrived, the message is the receiver's. */
  received: boolean;
}

const FOR_GOOD = 0xffffffff;

/** One client's state in the broker: subscriptions, messages on the way to it and those that wait (MQTT 5.0, 4.1). */
export class BrokerSession {
  readonly clientId: string;
  readonly subscriptions = new Map<string, Qos>();
  /** Packet identifiers of QoS 2 messages from the client that wait for PUBREL. */
  readonly incoming = new Set<number>();
  channel: BrokerChannel | null = null;
  will: Publication | null = null;
  protocol: MqttProtocol = "5";
  username: string | undefined;
  readonly #counters: SessionCounters;
  readonly #maxQueued: number;
  readonly #sent = new Map<number, Sent>();
  readonly #waiting: Omit<Delivery, "packetId" | "dup">[] = [];
  #expirySeconds = 0;
  #offlineAtUs = 0;
  #window = 1;
  #maxPacketBytes = Number.MAX_SAFE_INTEGER;
  #lastPacketId = 0;
  #resuming = false;

  constructor(clientId: string, maxQueued: number, counters: SessionCounters) {
    this.clientId = clientId;
    this.#maxQueued = maxQueued;
    this.#counters = counters;
  }

  get queued(): number {
    return this.#waiting.length;
  }

  get unacknowledged(): number {
    return this.#sent.size;
  }

  /** Whether the session ends with its connection. */
  get ephemeral(): boolean {
    return this.#expirySeconds === 0;
  }

  attach(channel: BrokerChannel, request: ConnectRequest, window: number): void {
    this.channel = channel;
    this.will = request.will ?? null;
    this.protocol = request.protocol ?? "5";
    this.username = request.username;
    const { protocol, clean = false, expirySeconds = 0 } = request;
    this.#expirySeconds = protocol === "3.1.1" ? (clean ? 0 : FOR_GOOD) : expirySeconds;
    this.#window = Math.max(1, Math.min(window, request.receiveMaximum ?? 65_535));
    this.#maxPacketBytes = request.maxPacketBytes ?? Number.MAX_SAFE_INTEGER;
  }

  detach(nowUs: number): void {
    this.channel = null;
    this.will = null;
    this.#offlineAtUs = nowUs;
  }

  expired(nowUs: number): boolean {
    if (this.channel || this.#expirySeconds >= FOR_GOOD) return false;
    return nowUs >= this.#offlineAtUs + this.#expirySeconds * 1e6;
  }

  /** Sends, or keeps for later what has QoS 1 or 2. */
  deliver(message: BrokerMessage, qos: Qos, retained: boolean, nowUs: number): void {
    if (message.bytes > this.#maxPacketBytes) {
      this.#counters.tooLarge++;
      return;
    }
    if (qos === 0) {
      if (!this.channel) return;
      this.#counters.delivered++;
      this.channel.deliver({ message, qos, retained, packetId: 0, dup: false });
      return;
    }
    if (this.channel && this.#waiting.length === 0 && this.#hasRoom()) {
      this.#transmit({ message, qos, retained }, nowUs);
      return;
    }
    if (this.#waiting.length >= this.#maxQueued) {
      this.#waiting.shift();
      this.#counters.dropped++;
    }
    this.#waiting.push({ message, qos, retained });
    this.#pump(nowUs);
  }

  /** After a new connection: what was not acknowledged comes again, then what has waited (MQTT 5.0, 4.4). */
  resume(nowUs: number): void {
    this.#resuming = true;
    for (const [packetId, sent] of [...this.#sent]) {
      if (sent.received) {
        this.channel?.release(packetId);
        continue;
      }
      sent.delivery = { ...sent.delivery, dup: true };
      this.#counters.delivered++;
      this.channel?.deliver(sent.delivery);
    }
    this.#resuming = false;
    this.#pump(nowUs);
  }

  /** PUBACK or PUBCOMP. */
  acknowledge(packetId: number, nowUs: number): void {
    if (this.#sent.delete(packetId)) this.#pump(nowUs);
  }

  /** PUBREC of a QoS 2 delivery: it is not sent again; PUBREL answers. */
  received(packetId: number): void {
    const sent = this.#sent.get(packetId);
    if (sent) sent.received = true;
    this.channel?.release(packetId);
  }

  #hasRoom(): boolean {
    if (this.#sent.size < this.#window) return true;
    this.channel?.drain();
    return this.#sent.size < this.#window;
  }

  #pump(nowUs: number): void {
    while (!this.#resuming && this.channel && this.#waiting.length > 0 && this.#hasRoom()) {
      const next = this.#waiting.shift();
      if (next) this.#transmit(next, nowUs);
    }
  }

  #transmit(waiting: Omit<Delivery, "packetId" | "dup">, nowUs: number): void {
    if (waiting.message.expired(nowUs)) {
      this.#counters.expired++;
      return;
    }
    do this.#lastPacketId = (this.#lastPacketId % 65_535) + 1;
    while (this.#sent.has(this.#lastPacketId));
    const delivery = { ...waiting, packetId: this.#lastPacketId, dup: false };
    this.#sent.set(this.#lastPacketId, { delivery, received: false });
    this.#counters.delivered++;
    this.channel?.deliver(delivery);
  }
}
