import { CodedError, messageOf } from "../../firmware/core/errors.ts";
import type { PublishOptions } from "../../firmware/ports/message-bus.ts";
import type { MqttConnection, MqttConnectionOptions } from "../../firmware/ports/mqtt-connection.ts";
import { Exchanges } from "./exchanges.ts";
import { connackCode, type Delivery, type Publication, REASON } from "./messages.ts";
import type { ConnectAnswer, ConnectRequest } from "./session.ts";
import type { ClientEnd, NetworkHost, Wire } from "./wire.ts";

/** Reason codes with which a later try of the same message may succeed (MQTT 5.0, 3.4.2.1). */
const TEMPORARY = new Set([0x80, 0x83, 0x91, 0x97]);
/** CONNACK of 3.1.1 and of 5 for a version that the broker does not speak. */
const VERSION_REFUSED = new Set([0x01, REASON.unsupportedVersion]);
/** How long a DISCONNECT may take, and the pause before it, as on the real link. */
const DISCONNECT_MS = 1000;
const OUTGOING_EMPTY_MS = 10;

export interface SimMqttConnectionOptions extends MqttConnectionOptions {
  readonly host: NetworkHost;
  /** False for a client certificate that the broker does not accept. */
  readonly trustedCertificate: boolean;
  /** Makes the connection's wire to the broker, or throws what the resolver says. */
  readonly wire: (client: ClientEnd) => Wire;
}

/** One MQTT connection over the simulated network; behaves to its user as the one over sockets does. */
export class SimMqttConnection implements MqttConnection, ClientEnd {
  readonly closed: Promise<void>;
  readonly #options: SimMqttConnectionOptions;
  readonly #exchanges: Exchanges;
  readonly #waiting: (() => void)[] = [];
  #wire: Wire | null = null;
  #onConnack: (() => void) | null = null;
  #onIdle: (() => void) | null = null;
  #settleClosed: () => void = () => undefined;
  #problem: string | null = null;
  #refusal: number | null = null;
  #hasConnack = false;
  #isUp = false;
  #isDown = false;
  #unacknowledged = 0;
  #receiveMaximum = 65_535;
  #brokerMaxPacket = Number.MAX_SAFE_INTEGER;
  #answeredAtMs = 0;
  #hasPinged = false;

  constructor(options: SimMqttConnectionOptions) {
    this.#options = options;
    this.#exchanges = new Exchanges({
      host: options.host,
      linkDown: () => this.#linkDown(),
      onOverdue: () => this.failed("The broker did not acknowledge in time."),
    });
    this.closed = new Promise((resolve) => {
      this.#settleClosed = resolve;
    });
  }

  get problem(): string {
    return this.#problem ?? "The connection was closed.";
  }

  get versionRefused(): boolean {
    if (this.#hasConnack) return false;
    if (this.#refusal !== null) return VERSION_REFUSED.has(this.#refusal);
    return this.#problem === null;
  }

  open(): Promise<void> {
    return this.#options.host.steps.take("mqtt.connect", () =>
      this.#exchanges.tracked((resolve) => {
        this.#onConnack = resolve;
        this.#exchanges.after(this.#options.connectTimeoutMs, () => {
          if (!this.#hasConnack) this.failed("connack timeout");
        });
        this.#dial();
      }),
    );
  }

  publish(topic: string, payload: Uint8Array, options: PublishOptions, signal?: AbortSignal): Promise<void> {
    return this.#options.host.steps.take(
      "mqtt.publish",
      () => this.#publish(topic, payload, options, signal),
      () => {
        if (this.#isUp)
          this.#wire?.publish(this.#publication(topic, payload, options), this.#exchanges.nextPacketId());
      },
    );
  }

  subscribe(filters: readonly string[]): Promise<void> {
    return this.#options.host.steps.take(
      "mqtt.subscribe",
      () => this.#subscribe(filters),
      () => {
        if (this.#isUp) this.#wire?.subscribe(this.#exchanges.nextPacketId(), filters);
      },
    );
  }

  unsubscribe(filter: string): Promise<void> {
    return this.#options.host.steps.take("mqtt.unsubscribe", async () => {
      if (!this.#isUp) return;
      await this.#exchanges.send(filter, null, (packetId) => this.#wire?.unsubscribe(packetId, filter));
    });
  }

  disconnect(): Promise<void> {
    return this.#options.host.steps.take("mqtt.disconnect", async () => {
      if (this.#isUp) {
        this.#isUp = false;
        if (this.#exchanges.size === 0) this.#wire?.disconnect();
        else this.#onIdle = () => this.#exchanges.after(OUTGOING_EMPTY_MS, () => this.#wire?.disconnect());
        this.#exchanges.after(DISCONNECT_MS, () => this.end());
        await this.closed;
      }
      this.end();
    });
  }

  end(): void {
    if (!this.#options.host.steps.alive) return;
    this.#wire?.cut();
    this.#down();
  }

  // --- What arrives.

  connected(): void {
    const { clientId, protocol, username, password, will, maxPacketBytes, trustedCertificate } =
      this.#options;
    const request: ConnectRequest = {
      clientId,
      protocol,
      clean: true,
      trustedCertificate,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      ...(will === undefined ? {} : { will: { ...will, qos: 1, retain: true } }),
      ...(protocol === "5" ? { maxPacketBytes } : {}),
    };
    this.#wire?.connect(request, this.#options.keepaliveSeconds);
  }

  connack({ reasonCode, receiveMaximum, maxPacketBytes }: ConnectAnswer): void {
    const { protocol } = this.#options;
    if (reasonCode !== REASON.success) {
      this.#refusal = connackCode(reasonCode, protocol);
      this.failed(`Connection refused with reason code ${this.#refusal}.`);
      return;
    }
    // 3.1.1 has no properties in which a broker could say its limits.
    if (protocol === "5") {
      this.#receiveMaximum = receiveMaximum;
      this.#brokerMaxPacket = maxPacketBytes;
    }
    this.#hasConnack = true;
    this.#isUp = true;
    this.#answered();
    this.#watchKeepalive();
    this.#onConnack?.();
  }

  message({ message, retained }: Delivery): void {
    const { topic, payload, responseTopic, correlationData } = message.publication;
    const { maxPacketBytes, onMessage } = this.#options;
    if (message.bytes > maxPacketBytes) {
      this.failed(`A packet is larger than ${maxPacketBytes} bytes.`);
      return;
    }
    onMessage({
      topic,
      payload: new Uint8Array(payload),
      retained,
      ...(responseTopic === undefined ? {} : { responseTopic }),
      ...(correlationData === undefined ? {} : { correlationData: new Uint8Array(correlationData) }),
    });
  }

  puback(packetId: number, reasonCode: number): void {
    const topic = this.#exchanges.subject(packetId);
    const refused = reasonCode >= 0x80 ? publishRefused(topic, reasonCode) : null;
    this.#settle(packetId, refused);
  }

  suback(packetId: number, codes: readonly number[]): void {
    const filters = this.#exchanges.subject(packetId).split("\n");
    const topics = filters.filter((_, index) => (codes[index] ?? 0) >= 0x80);
    const refused =
      topics.length === 0
        ? null
        : new CodedError("topic_not_allowed", `The broker refused to subscribe to ${topics.join(", ")}.`, {
            status: 403,
            details: { topics },
          });
    this.#settle(packetId, refused);
  }

  unsuback(packetId: number): void {
    this.#settle(packetId, null);
  }

  pong(): void {
    this.#answered();
  }

  // `reasonCode` is said by MQTT 5 only; an older broker just closes.
  closedByBroker(reasonCode: number | null): void {
    if (reasonCode !== null && this.#options.protocol === "5") {
      this.#problem = `The broker disconnected with reason code ${reasonCode}.`;
    }
    this.end();
  }

  failed(problem: string): void {
    this.#problem = problem;
    this.end();
  }

  // --- What the user asks.

  #dial(): void {
    try {
      this.#wire = this.#options.wire(this);
      this.#wire.dial();
    } catch (error) {
      this.failed(messageOf(error));
    }
  }

  async #publish(
    topic: string,
    payload: Uint8Array,
    options: PublishOptions,
    signal?: AbortSignal,
  ): Promise<void> {
    if (!this.#isUp) throw this.#linkDown();
    if (payload.length + topic.length + 256 > this.#brokerMaxPacket)
      throw publishRefused(topic, REASON.packetTooLarge);
    signal?.throwIfAborted();
    const publication = this.#publication(topic, payload, options);
    if (options.qos === 0) {
      this.#wire?.publish(publication, 0);
      return;
    }
    await this.#slot();
    try {
      await this.#exchanges.send(
        topic,
        this.#options.ackTimeoutMs,
        (id) => this.#wire?.publish(publication, id),
        signal,
      );
    } finally {
      this.#unacknowledged--;
      this.#waiting.shift()?.();
    }
  }

  async #subscribe(filters: readonly string[]): Promise<void> {
    if (!this.#isUp) throw this.#linkDown();
    await this.#exchanges.send(filters.join("\n"), null, (packetId) =>
      this.#wire?.subscribe(packetId, filters),
    );
  }

  #publication(topic: string, payload: Uint8Array, options: PublishOptions): Publication {
    const { qos, retain } = options;
    const bare = { topic, payload: new Uint8Array(payload), qos, retain };
    if (this.#options.protocol !== "5") return bare;
    const { expirySeconds, responseTopic, correlationData, userProperties } = options;
    return {
      ...bare,
      ...(expirySeconds === undefined ? {} : { expirySeconds }),
      ...(responseTopic === undefined ? {} : { responseTopic }),
      ...(correlationData === undefined ? {} : { correlationData: new Uint8Array(correlationData) }),
      ...(userProperties === undefined ? {} : { userProperties }),
    };
  }

  #settle(packetId: number, error: CodedError | null): void {
    if (!this.#exchanges.settle(packetId, error)) return;
    this.#answered();
    if (this.#exchanges.size === 0) this.#onIdle?.();
  }

  /** Waits for a place among the messages the broker accepts unacknowledged (MQTT 5.0, 4.9). */
  async #slot(): Promise<void> {
    while (this.#unacknowledged >= this.#receiveMaximum) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
      if (!this.#isUp) throw this.#linkDown();
    }
    this.#unacknowledged++;
  }

  #linkDown(): CodedError {
    return new CodedError("link_down", `The link to the broker is down: ${this.problem}`, { status: 503 });
  }

  #answered(): void {
    this.#answeredAtMs = this.#options.host.clock.monoMs();
    this.#hasPinged = false;
  }

  /** A ping after a keep-alive without an answer from the broker, and the end after half of it more. */
  #watchKeepalive(): void {
    const keepaliveMs = this.#options.keepaliveSeconds * 1000;
    if (keepaliveMs === 0) return;
    const dueMs = this.#answeredAtMs + keepaliveMs * (this.#hasPinged ? 1.5 : 1);
    this.#exchanges.after(Math.max(1, dueMs - this.#options.host.clock.monoMs()), () => {
      const nowMs = this.#options.host.clock.monoMs();
      const pingAtMs = this.#answeredAtMs + keepaliveMs;
      if (this.#hasPinged && nowMs >= pingAtMs + keepaliveMs / 2) {
        this.failed("Keepalive timeout");
        return;
      }
      if (!this.#hasPinged && nowMs >= pingAtMs) {
        this.#hasPinged = true;
        this.#wire?.ping();
      }
      this.#watchKeepalive();
    });
  }

  #down(): void {
    if (this.#isDown) return;
    this.#isDown = true;
    this.#isUp = false;
    this.#exchanges.end();
    for (const wake of this.#waiting.splice(0)) wake();
    this.#settleClosed();
  }
}

function publishRefused(topic: string, reasonCode: number): CodedError {
  return new CodedError("publish_refused", `The broker refused a message on ${topic}.`, {
    status: 403,
    details: { topic, reasonCode, permanent: !TEMPORARY.has(reasonCode) },
  });
}
