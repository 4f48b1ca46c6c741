/**
 * One MQTT connection from CONNECT to its end. It never reconnects and never re-sends: that is decided above it.
 * `open` settles with CONNACK; afterwards `closed` settles once, when the connection is gone for any reason.
 */
import type { InboundMessage, PublishOptions } from "./message-bus.ts";

export type MqttProtocol = "5" | "3.1.1";

export interface MqttWill {
  readonly topic: string;
  readonly payload: Uint8Array;
}

export interface MqttConnectionOptions {
  readonly protocol: MqttProtocol;
  readonly clientId: string;
  readonly username?: string;
  readonly password?: string;
  /** Published retained with QoS 1 by the broker when the connection is lost. */
  readonly will?: MqttWill;
  readonly keepaliveSeconds: number;
  readonly connectTimeoutMs: number;
  readonly ackTimeoutMs: number;
  readonly maxPacketBytes: number;
  readonly onMessage: (message: InboundMessage) => void;
}

export interface MqttConnection {
  readonly closed: Promise<void>;
  /** Why the connection ended or never came up, for the log. */
  readonly problem: string;
  /** True if the broker does not speak this version, or dropped CONNECT without any answer as old brokers do. */
  readonly versionRefused: boolean;
  /** @throws CodedError `link_down` (503). */
  open(): Promise<void>;
  /**
   * Resolves on PUBACK (QoS 1) or when the connection took the bytes (QoS 0).
   * @throws CodedError `link_down` (503), `publish_refused` (403) {reasonCode, permanent}.
   */
  publish(topic: string, payload: Uint8Array, options: PublishOptions, signal?: AbortSignal): Promise<void>;
  /** @throws CodedError `topic_not_allowed` (403) when the broker refuses a filter, `link_down`. */
  subscribe(filters: readonly string[]): Promise<void>;
  unsubscribe(filter: string): Promise<void>;
  /** Says DISCONNECT, so that the broker does not publish the last will. */
  disconnect(): Promise<void>;
  /** Cuts the connection; the broker publishes the last will. */
  end(): void;
}

/** Makes a connection that has not been opened yet. */
export type MqttConnect = (options: MqttConnectionOptions) => MqttConnection;
