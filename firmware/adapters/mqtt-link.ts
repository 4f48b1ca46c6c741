/** One MQTT connection from CONNECT to its end. It never reconnects and never re-sends: that is decided above it. */
import { ErrorWithReasonCode, type IClientOptions, type IPublishPacket, MqttClient } from "mqtt";
import { CodedError, messageOf } from "../core/errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { InboundMessage, PublishOptions } from "../ports/message-bus.ts";
import type { MqttConnect, MqttConnection, MqttConnectionOptions } from "../ports/mqtt-connection.ts";
import { type MqttEndpoint, openSocket } from "./mqtt-socket.ts";

export interface MqttLinkOptions extends MqttConnectionOptions {
  readonly endpoint: MqttEndpoint;
  readonly clock: Clock;
}

/** Reason codes with which a later try of the same message may succeed (MQTT 5.0, 3.4.2.1). */
const TEMPORARY = new Set([0x80, 0x83, 0x91, 0x97]);
const VERSION_REFUSED = new Set([0x01, 0x84]);

function clientOptions(options: MqttLinkOptions): IClientOptions {
  const five = options.protocol === "5";
  return {
    protocolVersion: five ? 5 : 4,
    protocolId: "MQTT",
    clientId: options.clientId,
    clean: true,
    keepalive: options.keepaliveSeconds,
    connectTimeout: options.connectTimeoutMs,
    reconnectPeriod: 0,
    queueQoSZero: false,
    resubscribe: false,
    ...(options.username === undefined ? {} : { username: options.username }),
    ...(options.password === undefined ? {} : { password: options.password }),
    ...(five ? { properties: { maximumPacketSize: options.maxPacketBytes, sessionExpiryInterval: 0 } } : {}),
    ...(options.will
      ? {
          will: {
            topic: options.will.topic,
            payload: Buffer.from(options.will.payload),
            qos: 1 as const,
            retain: true,
          },
        }
      : {}),
  };
}

function inbound(topic: string, payload: Uint8Array, packet: IPublishPacket): InboundMessage {
  const { responseTopic, correlationData } = packet.properties ?? {};
  return {
    topic,
    payload: new Uint8Array(payload),
    retained: packet.retain,
    ...(responseTopic === undefined ? {} : { responseTopic }),
    ...(correlationData === undefined ? {} : { correlationData: new Uint8Array(correlationData) }),
  };
}

function publishRefused(topic: string, reasonCode: number, why: string): CodedError {
  return new CodedError("publish_refused", `The broker refused a message on ${topic}: ${why}.`, {
    status: 403,
    details: { topic, reasonCode, permanent: !TEMPORARY.has(reasonCode) },
  });
}

/**
 * One connection. `open` settles with CONNACK; afterwards `closed` settles once, when the link is gone for any reason.
 * Errors: `link_down` (503) while or before a message is acknowledged, `publish_refused` (403) {reasonCode, permanent}.
 */
export class MqttLink implements MqttConnection {
  readonly closed: Promise<void>;
  readonly #options: MqttLinkOptions;
  readonly #client: MqttClient;
  readonly #pending = new Set<(error: CodedError) => void>();
  #waiting: (() => void)[] = [];
  #unacknowledged = 0;
  #receiveMaximum = 65_535;
  #brokerMaxPacket = Number.MAX_SAFE_INTEGER;
  #up = false;
  #connacked = false;
  #lastError: unknown = null;
  #settleClosed: (() => void) | null = null;

  constructor(options: MqttLinkOptions) {
    this.#options = options;
    this.closed = new Promise((resolve) => {
      this.#settleClosed = resolve;
    });
    this.#client = new MqttClient(() => {
      const socket = openSocket(options.endpoint, options.maxPacketBytes);
      socket.on("error", (error) => {
        this.#lastError = error;
      });
      return socket;
    }, clientOptions(options));
    this.#client.on("error", (error) => {
      this.#lastError = error;
    });
    this.#client.on("message", (topic, payload, packet) =>
      options.onMessage(inbound(topic, payload, packet)),
    );
    this.#client.on("disconnect", (packet) => {
      this.#lastError = new Error(`The broker disconnected with reason code ${packet.reasonCode ?? 0}.`);
    });
    this.#client.on("close", () => this.#down());
  }

  /** Why the link ended or never came up, for the log. */
  get problem(): string {
    return this.#lastError === null ? "The connection was closed." : messageOf(this.#lastError);
  }

  /** True if the broker does not speak this version, or dropped CONNECT without any answer as old brokers do. */
  get versionRefused(): boolean {
    if (this.#connacked) return false;
    if (this.#lastError instanceof ErrorWithReasonCode)
      return VERSION_REFUSED.has(this.#lastError.code as number);
    return this.#lastError === null;
  }

  /** @throws CodedError `link_down`. */
  async open(): Promise<void> {
    await this.#tracked((resolve) => {
      this.#client.once("connect", (packet) => {
        this.#receiveMaximum = packet.properties?.receiveMaximum ?? 65_535;
        this.#brokerMaxPacket = packet.properties?.maximumPacketSize ?? Number.MAX_SAFE_INTEGER;
        this.#connacked = true;
        this.#up = true;
        resolve();
      });
    });
  }

  /** Resolves on PUBACK (QoS 1) or when the socket took the bytes (QoS 0). */
  async publish(
    topic: string,
    payload: Uint8Array,
    options: PublishOptions,
    signal?: AbortSignal,
  ): Promise<void> {
    if (!this.#up) throw this.#linkDown();
    if (payload.length + topic.length + 256 > this.#brokerMaxPacket) {
      throw publishRefused(topic, 0x95, "the packet is larger than the broker takes");
    }
    if (options.qos === 1) await this.#slot();
    try {
      await this.#tracked((resolve, reject) => {
        const timer = this.#options.clock.after(this.#options.ackTimeoutMs, () => {
          this.#lastError = new Error("The broker did not acknowledge in time.");
          this.end(); // A link without acknowledgements is down, whatever TCP says.
        });
        const properties = this.#publishProperties(options);
        this.#client.publish(
          topic,
          Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength),
          { qos: options.qos, retain: options.retain, ...(properties ? { properties } : {}) },
          (error) => {
            timer.cancel();
            if (!error) return resolve();
            const code = error instanceof ErrorWithReasonCode ? (error.code as number) : 0;
            reject(code >= 0x80 ? publishRefused(topic, code, error.message) : this.#linkDown());
          },
        );
      }, signal);
    } finally {
      if (options.qos === 1) this.#release();
    }
  }

  /** @throws CodedError `topic_not_allowed` (403) when the broker refuses a filter, `link_down`. */
  async subscribe(filters: readonly string[]): Promise<void> {
    if (!this.#up) throw this.#linkDown();
    await this.#tracked((resolve, reject) => {
      this.#client.subscribe([...filters], { qos: 1 }, (error, granted) => {
        const refused = granted?.filter((grant) => grant.qos >= 128).map((grant) => grant.topic) ?? [];
        if (error instanceof ErrorWithReasonCode || refused.length > 0) {
          const topics = refused.length > 0 ? refused : [...filters];
          reject(
            new CodedError("topic_not_allowed", `The broker refused to subscribe to ${topics.join(", ")}.`, {
              status: 403,
              details: { topics },
            }),
          );
        } else if (error) reject(this.#linkDown());
        else resolve();
      });
    });
  }

  async unsubscribe(filter: string): Promise<void> {
    if (!this.#up) return;
    await this.#tracked((resolve, reject) => {
      this.#client.unsubscribe(filter, (error) => (error ? reject(this.#linkDown()) : resolve()));
    });
  }

  /** Says DISCONNECT, so that the broker does not publish the last will. */
  async disconnect(): Promise<void> {
    if (this.#up) {
      this.#up = false;
      this.#client.end(false);
      const forced = this.#options.clock.after(1000, () => this.end());
      await this.closed;
      forced.cancel();
    }
    this.end();
  }

  /** Cuts the connection; the broker publishes the last will. */
  end(): void {
    this.#client.end(true);
    this.#client.stream.destroy();
    this.#down();
  }

  #publishProperties(options: PublishOptions): IPublishPacket["properties"] {
    if (this.#options.protocol !== "5") return undefined;
    return {
      ...(options.expirySeconds === undefined ? {} : { messageExpiryInterval: options.expirySeconds }),
      ...(options.responseTopic === undefined ? {} : { responseTopic: options.responseTopic }),
      ...(options.correlationData === undefined
        ? {}
        : { correlationData: Buffer.from(options.correlationData) }),
      ...(options.userProperties === undefined ? {} : { userProperties: { ...options.userProperties } }),
    };
  }

  #linkDown(): CodedError {
    return new CodedError("link_down", `The link to the broker is down: ${this.problem}`, { status: 503 });
  }

  #down(): void {
    this.#up = false;
    const rejects = [...this.#pending];
    this.#pending.clear();
    for (const reject of rejects) reject(this.#linkDown());
    for (const wake of this.#waiting.splice(0)) wake();
    this.#settleClosed?.();
  }

  /** A promise that is rejected when the link goes down before it settles. */
  #tracked(
    run: (resolve: () => void, reject: (error: CodedError) => void) => void,
    signal?: AbortSignal,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const finish = (settle: () => void): void => {
        this.#pending.delete(rejected);
        signal?.removeEventListener("abort", aborted);
        settle();
      };
      const rejected = (error: CodedError): void => finish(() => reject(error));
      const aborted = (): void => finish(() => reject(signal?.reason));
      this.#pending.add(rejected);
      signal?.addEventListener("abort", aborted, { once: true });
      run(() => finish(resolve), rejected);
    });
  }

  /** Waits for a place among the messages the broker accepts unacknowledged (MQTT 5 receive maximum). */
  async #slot(): Promise<void> {
    while (this.#unacknowledged >= this.#receiveMaximum) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
      if (!this.#up) throw this.#linkDown();
    }
    this.#unacknowledged++;
  }

  #release(): void {
    this.#unacknowledged--;
    this.#waiting.shift()?.();
  }
}

/** Connections over sockets to one broker. */
export const mqttConnect =
  (endpoint: MqttEndpoint, clock: Clock): MqttConnect =>
  (options) =>
    new MqttLink({ ...options, endpoint, clock });
