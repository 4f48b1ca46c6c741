/**
 * A link to an MQTT broker. `publish` resolves when the broker has acknowledged (QoS 1) or the socket has taken
 * the message (QoS 0); it rejects when the link goes down before that. Nothing is queued here: durable queueing
 * is the outbox's work (sync.md 8).
 */
export interface PublishOptions {
  readonly qos: 0 | 1;
  readonly retain: boolean;
  /** MQTT 5 message expiry; ignored under 3.1.1. */
  readonly expirySeconds?: number;
  readonly responseTopic?: string;
  readonly correlationData?: Uint8Array;
  readonly userProperties?: Readonly<Record<string, string>>;
}

export interface InboundMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly retained: boolean;
  readonly responseTopic?: string;
  readonly correlationData?: Uint8Array;
}

export type LinkState = "connecting" | "online" | "offline" | "closed";

export interface MessageBus extends AsyncDisposable {
  readonly state: LinkState;
  /** MQTT protocol in use, once online. */
  readonly protocol: "5" | "3.1.1" | null;
  publish(topic: string, payload: Uint8Array, options: PublishOptions, signal?: AbortSignal): Promise<void>;
  /** Subscribes now and after every reconnect. The handler must not throw. */
  subscribe(filter: string, handler: (message: InboundMessage) => void): Promise<AsyncDisposable>;
  onState(owner: string, handler: (state: LinkState) => void): Disposable;
}
