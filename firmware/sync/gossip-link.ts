/** Sends and receives on `imu/v1/<fleet>/gossip/…` (sync.md 4.2) within the limits of sync.md 4.5. */
import { messageOf } from "../core/errors.ts";
import { GOSSIP_LIMITS, PEER_LIMITS } from "../core/limits.ts";
import { TokenBucket, takeAll } from "../core/token-bucket.ts";
import type { Clock } from "../ports/clock.ts";
import type { InboundMessage, MessageBus } from "../ports/message-bus.ts";

export interface InboundGossip {
  readonly kind: string;
  /** The device id in the topic's last segment; the broker lets a device use only its own. */
  readonly sender: string;
  readonly payload: Uint8Array;
}

export class GossipLink {
  readonly #bus: MessageBus;
  readonly #clock: Clock;
  readonly #prefix: string;
  readonly #deviceId: string;
  readonly #onFailure: (reason: string) => void;
  readonly #messages: TokenBucket;
  readonly #bytes: TokenBucket;
  readonly #pending = new Set<Promise<void>>();
  #subscriptions: AsyncDisposable[] = [];

  constructor(options: {
    readonly bus: MessageBus;
    readonly clock: Clock;
    readonly fleet: string;
    readonly deviceId: string;
    readonly onFailure: (reason: string) => void;
  }) {
    this.#bus = options.bus;
    this.#clock = options.clock;
    this.#prefix = `imu/v1/${options.fleet}/gossip/`;
    this.#deviceId = options.deviceId;
    this.#onFailure = options.onFailure;
    this.#messages = new TokenBucket(PEER_LIMITS.messages, this.#clock.monoMs());
    this.#bytes = new TokenBucket(PEER_LIMITS.bytes, this.#clock.monoMs());
  }

  async open(receive: (message: InboundGossip) => void): Promise<void> {
    const filters = [
      "batch/+",
      "digest/+",
      `pull/${this.#deviceId}/+`,
      `fill/${this.#deviceId}/+`,
      "proof/+/+",
    ];
    for (const filter of filters) {
      const subscription = await this.#bus.subscribe(this.#prefix + filter, (message) => {
        const inbound = this.#read(message);
        if (inbound !== null) receive(inbound);
      });
      this.#subscriptions.push(subscription);
    }
  }

  #read({ topic, payload }: InboundMessage): InboundGossip | null {
    if (!topic.startsWith(this.#prefix)) return null;
    const segments = topic.slice(this.#prefix.length).split("/");
    const sender = segments.at(-1) ?? "";
    return sender === this.#deviceId ? null : { kind: segments[0] ?? "", sender, payload };
  }

  /** Hands a message to the link. A message that cannot be sent is counted: the next digests make up for it. */
  send(
    kind: string,
    bytes: Uint8Array,
    options: { readonly target?: string; readonly retain?: boolean } = {},
  ): void {
    const now = this.#clock.monoMs();
    const taken = takeAll(
      [
        { scope: "own", bucket: this.#messages, n: 1 },
        { scope: "own_bytes", bucket: this.#bytes, n: bytes.length },
      ],
      now,
    );
    if (!taken.ok) {
      this.#onFailure(taken.code);
      return;
    }
    const middle = options.target === undefined ? "" : `${options.target}/`;
    const retain = options.retain === true;
    const sent = this.#bus
      .publish(`${this.#prefix}${kind}/${middle}${this.#deviceId}`, bytes, {
        qos: kind === "digest" ? 0 : 1,
        retain,
        ...(retain ? {} : { expirySeconds: GOSSIP_LIMITS.expirySec }),
      })
      .catch((error: unknown) => this.#onFailure(messageOf(error)))
      .finally(() => this.#pending.delete(sent));
    this.#pending.add(sent);
  }

  async close(): Promise<void> {
    for (const subscription of this.#subscriptions.splice(0)) await subscription[Symbol.asyncDispose]();
    await Promise.all(this.#pending);
  }
}
