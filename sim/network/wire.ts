import type { Json } from "../../firmware/core/json.ts";
import type { Clock, Timer } from "../../firmware/ports/clock.ts";
import type { Steps } from "../power/steps.ts";
import type { Broker } from "./broker.ts";
import type { Flow, Link } from "./link.ts";
import { type Delivery, type Publication, publishBytes, REASON } from "./messages.ts";
import type { BrokerChannel, BrokerSession, ConnectAnswer, ConnectRequest } from "./session.ts";

/** One boot of an actor, on which its connections run. */
export interface NetworkHost {
  readonly clock: Clock;
  readonly steps: Steps;
  /** While true time is before it, what arrives waits in the kernel; default never. */
  readonly frozenUntilUs?: () => number;
}

/** The client's end of a wire: what arrives there. */
export interface ClientEnd {
  /** TCP stands. */
  connected(): void;
  connack(answer: ConnectAnswer): void;
  message(delivery: Delivery): void;
  puback(packetId: number, reasonCode: number): void;
  suback(packetId: number, codes: readonly number[]): void;
  unsuback(packetId: number): void;
  pong(): void;
  /** The broker has ended the connection, with a reason if it said one. */
  closedByBroker(reasonCode: number | null): void;
  /** The system reports an error of the socket. */
  failed(problem: string): void;
}

export interface WireOptions {
  readonly actor: string;
  readonly link: Link;
  readonly broker: Broker;
  readonly host: NetworkHost;
  readonly client: ClientEnd;
  /** Whether a kernel runs at the actor's end: then a packet for a connection it does not know is answered by RST. */
  readonly isPowered: () => boolean;
  readonly onDelivered: (delivery: Delivery) => void;
  /** What becomes of the connection, for records. */
  readonly note: (kind: string, data: Json) => void;
  readonly onClosed: () => void;
}

/** Bytes of packets whose length matters little: TCP without data, and the short packets of MQTT. */
const TCP_BYTES = 40;
const SHORT_BYTES = 8;

/** One TCP connection between a client and the broker, with the broker's end of it (keep-alive, acknowledgements). */
export class Wire implements BrokerChannel {
  readonly name: string;
  readonly #options: WireOptions;
  readonly #up: Flow;
  readonly #down: Flow;
  readonly #buffered: (() => void)[] = [];
  #session: BrokerSession | null = null;
  #keepalive: Timer | null = null;
  #keepaliveUs = 0;
  #generation = 0;
  #lastSeenUs = 0;
  /** The client has given the connection up, or is gone. */
  #isLeft = false;
  #isClosedByBroker = false;

  constructor(options: WireOptions) {
    this.#options = options;
    this.name = options.actor;
    const onReset = (): void => this.reset();
    this.#up = options.link.open("up", { onReset, isAwaited: () => (this.#session?.queued ?? 0) > 0 });
    this.#down = options.link.open("down", { onReset });
  }

  // --- The client sends.

  dial(): void {
    this.#up.send(TCP_BYTES, () => {
      const { broker, client } = this.#options;
      this.#generation = broker.generation;
      if (broker.running) this.#toClient(TCP_BYTES, () => client.connected());
      else this.#toClient(TCP_BYTES, () => client.failed("connect ECONNREFUSED"));
    });
  }

  connect(request: ConnectRequest, keepaliveSeconds: number): void {
    this.#up.send(TCP_BYTES, (atUs) => {
      const { broker } = this.#options;
      if (!broker.running || broker.generation !== this.#generation) {
        this.close(null);
        return;
      }
      this.#keepaliveUs = keepaliveSeconds * 1.5e6;
      this.#lastSeenUs = atUs;
      this.#session = broker.connect(request, this);
      if (this.#session) this.#watchKeepalive();
    });
  }

  publish(publication: Publication, packetId: number): void {
    this.#up.sendMessage(publishBytes(publication), (atUs) => {
      this.#received(atUs, (session) => {
        const { broker, client } = this.#options;
        const reasonCode = broker.publish(session, publication, packetId);
        if (publication.qos === 0 || this.#isClosedByBroker) return;
        this.#toClient(SHORT_BYTES, () => client.puback(packetId, reasonCode));
      });
    });
  }

  subscribe(packetId: number, filters: readonly string[]): void {
    this.#request(filters.join().length, (session) => {
      const { broker, client } = this.#options;
      const codes = filters.map((filter) => broker.subscribe(session, filter, 1));
      this.#toClient(SHORT_BYTES, () => client.suback(packetId, codes));
    });
  }

  unsubscribe(packetId: number, filter: string): void {
    this.#request(filter.length, (session) => {
      this.#options.broker.unsubscribe(session, filter);
      this.#toClient(SHORT_BYTES, () => this.#options.client.unsuback(packetId));
    });
  }

  ping(): void {
    this.#request(0, () => this.#toClient(SHORT_BYTES, () => this.#options.client.pong()));
  }

  /** DISCONNECT; the broker closes the connection then. */
  disconnect(): void {
    this.#request(0, (session) => {
      this.#options.broker.disconnect(session);
      this.#options.note("mqtt.end", { by: "client" });
      this.#endBroker();
      this.#toClient(TCP_BYTES, () => this.#options.client.closedByBroker(null));
    });
  }

  // --- The connection ends.

  /** The client's system closes the socket; the broker hears of it when the packet arrives. */
  cut(): void {
    if (this.#isLeft) return;
    this.#isLeft = true;
    this.#down.close();
    if (this.#isClosedByBroker) this.#finish();
    else this.#up.send(TCP_BYTES, () => this.#lost());
  }

  /** The client's board loses its power: the broker hears nothing (half-open). */
  vanish(): void {
    this.#isLeft = true;
    this.#up.abandon();
  }

  /** Both ends see a reset, now. */
  reset(): void {
    if (!this.#isLeft && this.#options.host.steps.alive) this.#options.client.failed("read ECONNRESET");
    this.#isLeft = true;
    this.#lost();
  }

  // --- The broker sends.

  connack(answer: ConnectAnswer): void {
    this.#options.note("mqtt.connack", { reasonCode: answer.reasonCode });
    this.#toClient(SHORT_BYTES, () => this.#options.client.connack(answer));
    if (answer.reasonCode !== REASON.success) this.#endBroker();
  }

  deliver(delivery: Delivery): void {
    const take = (): void => this.#take(delivery);
    if (this.#down.sendMessage(delivery.message.bytes, () => this.#arrived(take)) || delivery.qos === 0)
      return;
    // A hostile link takes the message and acknowledges it, as a broken bridge does.
    const { time } = this.#options.link;
    time.at(time.nowUs, 2, () => this.#acknowledged(delivery, this.#lastSeenUs));
  }

  release(packetId: number): void {
    this.#toClient(SHORT_BYTES, () => {
      this.#up.sendQuietly(SHORT_BYTES, (atUs) => {
        this.#received(atUs, (session) => this.#options.broker.acknowledge(session, packetId));
      });
    });
  }

  close(reasonCode: number | null): void {
    this.#options.note("mqtt.end", { by: "broker", reasonCode });
    this.#endBroker();
    const { client } = this.#options;
    if (reasonCode === null) this.#toClient(TCP_BYTES, () => client.failed("read ECONNRESET"));
    else this.#toClient(SHORT_BYTES, () => client.closedByBroker(reasonCode));
  }

  drain(): void {
    this.#up.drain();
  }

  // --- What arrives.

  #request(bytes: number, answer: (session: BrokerSession) => void): void {
    this.#up.send(SHORT_BYTES + bytes, (atUs) => this.#received(atUs, answer));
  }

  #received(atUs: number, take: (session: BrokerSession) => void): void {
    if (!this.#session) return;
    this.#lastSeenUs = Math.max(this.#lastSeenUs, atUs);
    take(this.#session);
  }

  #take(delivery: Delivery): void {
    this.#options.onDelivered(delivery);
    this.#options.client.message(delivery);
    if (delivery.qos > 0) this.#up.sendQuietly(SHORT_BYTES, (atUs) => this.#acknowledged(delivery, atUs));
  }

  #acknowledged({ qos, packetId }: Delivery, atUs: number): void {
    this.#received(atUs, (session) => {
      if (qos === 2) this.#options.broker.received(session, packetId);
      else this.#options.broker.acknowledge(session, packetId);
    });
  }

  #toClient(bytes: number, run: () => void): void {
    this.#down.send(bytes, () => this.#arrived(run));
  }

  #arrived(run: () => void): void {
    const { host, link, isPowered } = this.#options;
    if (this.#isLeft || !host.steps.alive) {
      // A kernel that does not know the connection answers RST; without power there is no answer.
      if (isPowered()) this.#up.send(TCP_BYTES, () => this.#lost());
      return;
    }
    const thawUs = host.frozenUntilUs?.() ?? 0;
    if (thawUs <= link.time.nowUs && this.#buffered.length === 0) {
      run();
      return;
    }
    this.#buffered.push(run);
    if (this.#buffered.length === 1) link.time.at(thawUs, 2, () => this.#thaw());
  }

  /** The process runs again and reads what its kernel has kept. */
  #thaw(): void {
    const { host, link } = this.#options;
    const thawUs = host.frozenUntilUs?.() ?? 0;
    if (thawUs > link.time.nowUs) link.time.at(thawUs, 2, () => this.#thaw());
    else {
      for (const run of this.#buffered.splice(0)) if (!this.#isLeft && host.steps.alive) run();
    }
  }

  /** The broker ends a connection of which it has heard nothing for one and a half times the keep-alive. */
  #watchKeepalive(): void {
    const { time } = this.#options.link;
    if (this.#keepaliveUs === 0) return;
    this.#keepalive = time.at(this.#lastSeenUs + this.#keepaliveUs, 2, () => {
      this.#up.drain();
      const session = this.#session;
      if (!session) return;
      if (this.#lastSeenUs + this.#keepaliveUs > time.nowUs) {
        this.#watchKeepalive();
        return;
      }
      this.#options.broker.drop(session);
      this.close(REASON.keepAliveTimeout);
    });
  }

  /** The broker hears that the connection is gone. */
  #lost(): void {
    const session = this.#session;
    this.#endBroker();
    if (session) {
      this.#options.note("mqtt.end", { by: "network" });
      this.#options.broker.drop(session);
    }
    this.#finish();
  }

  #endBroker(): void {
    this.#session = null;
    this.#keepalive?.cancel();
    this.#keepalive = null;
    this.#isClosedByBroker = true;
    this.#up.close();
    if (this.#isLeft) this.#finish();
  }

  #finish(): void {
    this.#up.close();
    this.#down.close();
    this.#options.onClosed();
  }
}
