/**
 * The `MessageBus` over MQTT connections: MQTT 5 first, 3.1.1 where the broker refuses it; reconnects with growing, jittered
 * pauses; nothing is queued or re-sent here (sync.md 8 does that).
 */
import { CodedError, messageOf } from "../core/errors.ts";
import { LINK_LIMITS } from "../core/limits.ts";
import { isTopicFilter, isTopicName, topicMatches } from "../core/topic-filter.ts";
import type { Clock } from "../ports/clock.ts";
import type { Entropy } from "../ports/entropy.ts";
import type { Log } from "../ports/log.ts";
import type { InboundMessage, LinkState, MessageBus, PublishOptions } from "../ports/message-bus.ts";
import type { MqttConnect, MqttConnection, MqttProtocol, MqttWill } from "../ports/mqtt-connection.ts";

export interface MqttBusOptions {
  /** Where connections come from: sockets, or a simulated network. */
  readonly connect: MqttConnect;
  readonly clientId: string;
  readonly username?: string;
  readonly password?: string;
  /** Published retained with QoS 1 by the broker when the link is lost. */
  readonly will?: MqttWill;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly log: Log;
  /** Default 15. */
  readonly keepaliveSeconds?: number;
  /** Deadline for PUBACK, after which the link counts as down; default 10000. */
  readonly ackTimeoutMs?: number;
  /** Default 10000. */
  readonly connectTimeoutMs?: number;
  /** Larger inbound packets end the link before they are buffered; default 65536 + 1024. */
  readonly maxPacketBytes?: number;
  /** First and longest pause between attempts; default 250 and 30000. */
  readonly minBackoffMs?: number;
  readonly maxBackoffMs?: number;
}

interface Subscription {
  readonly filter: string;
  readonly handler: (message: InboundMessage) => void;
}

/** Starts connecting at once. `state` is `online` only after every subscription was acknowledged. */
export class MqttBus implements MessageBus {
  readonly #options: MqttBusOptions;
  readonly #stop = new AbortController();
  readonly #subscriptions = new Set<Subscription>();
  readonly #observers = new Set<{ readonly owner: string; readonly handler: (state: LinkState) => void }>();
  readonly #running: Promise<void>;
  #link: MqttConnection | null = null;
  #state: LinkState = "connecting";
  #version: MqttProtocol = "5";

  constructor(options: MqttBusOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  get state(): LinkState {
    return this.#state;
  }

  get protocol(): MqttProtocol | null {
    return this.#state === "online" ? this.#version : null;
  }

  async publish(
    topic: string,
    payload: Uint8Array,
    options: PublishOptions,
    signal?: AbortSignal,
  ): Promise<void> {
    if (!isTopicName(topic)) {
      throw new CodedError("topic_invalid", `"${topic}" is not a topic name.`, { status: 422 });
    }
    if (this.#state !== "online" || !this.#link) {
      throw new CodedError("link_down", "There is no link to the broker.", { status: 503 });
    }
    await this.#link.publish(topic, payload, options, signal);
  }

  async subscribe(filter: string, handler: (message: InboundMessage) => void): Promise<AsyncDisposable> {
    if (!isTopicFilter(filter)) {
      throw new CodedError("topic_invalid", `"${filter}" is not a topic filter.`, { status: 422 });
    }
    const subscription = { filter, handler };
    const isNew = !this.#isSubscribed(filter);
    this.#subscriptions.add(subscription);
    if (isNew && this.#state === "online") {
      try {
        await this.#link?.subscribe([filter]);
      } catch (error) {
        // A lost link is no refusal: the next one subscribes again.
        if (!(error instanceof CodedError && error.code === "link_down")) {
          this.#subscriptions.delete(subscription);
          throw error;
        }
      }
    }
    return { [Symbol.asyncDispose]: () => this.#unsubscribe(subscription) };
  }

  onState(owner: string, handler: (state: LinkState) => void): Disposable {
    const observer = { owner, handler };
    this.#observers.add(observer);
    return { [Symbol.dispose]: () => this.#observers.delete(observer) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#stop.signal.aborted) return this.#running;
    this.#stop.abort(new CodedError("closed", "The bus is closed.", { status: 503 }));
    await this.#link?.disconnect();
    await this.#running;
    this.#setState("closed");
  }

  #isSubscribed(filter: string): boolean {
    return [...this.#subscriptions].some((subscription) => subscription.filter === filter);
  }

  async #unsubscribe(subscription: Subscription): Promise<void> {
    this.#subscriptions.delete(subscription);
    if (this.#state !== "online" || this.#isSubscribed(subscription.filter)) return;
    try {
      await this.#link?.unsubscribe(subscription.filter);
    } catch (error) {
      this.#options.log.debug("mqtt_unsubscribe_failed", { problem: messageOf(error) });
    }
  }

  #setState(state: LinkState): void {
    if (state === this.#state) return;
    this.#state = state;
    for (const { owner, handler } of this.#observers) {
      try {
        handler(state);
      } catch (error) {
        this.#options.log.error("link_observer_failed", { owner, problem: messageOf(error) });
      }
    }
  }

  #deliver(message: InboundMessage): void {
    for (const { filter, handler } of this.#subscriptions) {
      if (!topicMatches(filter, message.topic)) continue;
      try {
        handler(message);
      } catch (error) {
        this.#options.log.error("subscriber_failed", { filter, problem: messageOf(error) });
      }
    }
  }

  #openLink(): MqttConnection {
    const { connect, clientId, username, password, will } = this.#options;
    return connect({
      clientId,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      ...(will === undefined ? {} : { will }),
      protocol: this.#version,
      keepaliveSeconds: this.#options.keepaliveSeconds ?? 15,
      connectTimeoutMs: this.#options.connectTimeoutMs ?? LINK_LIMITS.openMs,
      ackTimeoutMs: this.#options.ackTimeoutMs ?? LINK_LIMITS.ackMs,
      maxPacketBytes: this.#options.maxPacketBytes ?? LINK_LIMITS.unsetPacketBytes,
      onMessage: (message) => this.#deliver(message),
    });
  }

  /** Subscribes to everything; a filter the broker refuses is reported and does not keep the device offline. */
  async #resubscribe(link: MqttConnection): Promise<void> {
    const filters = [...new Set([...this.#subscriptions].map((subscription) => subscription.filter))];
    if (filters.length === 0) return;
    try {
      await link.subscribe(filters);
    } catch (error) {
      if (!(error instanceof CodedError && error.code === "topic_not_allowed")) throw error;
      this.#options.log.error("mqtt_subscription_refused", error.details);
    }
  }

  /** One link from its beginning to its end. */
  async #session(): Promise<{ readonly heldMs: number; readonly retryAtOnce: boolean }> {
    const { clock, log } = this.#options;
    const link = this.#openLink();
    this.#link = link;
    let onlineAt: number | null = null;
    try {
      await link.open();
      await this.#resubscribe(link);
      if (!this.#stop.signal.aborted) {
        onlineAt = clock.monoMs();
        log.info("mqtt_online", { protocol: this.#version });
        this.#setState("online");
        await link.closed;
      }
    } catch (error) {
      log.debug("mqtt_attempt_failed", { problem: messageOf(error) });
    }
    link.end();
    this.#link = null;
    const { versionRefused } = link;
    if (!this.#stop.signal.aborted) {
      this.#setState("offline");
      // A broker that speaks the older protocol only is no fault of the site.
      const line = { problem: link.problem, protocol: this.#version };
      if (versionRefused) log.info("mqtt_protocol_refused", line);
      else log.warn("mqtt_offline", line);
    }
    if (versionRefused) this.#version = this.#version === "5" ? "3.1.1" : "5";
    return {
      heldMs: onlineAt === null ? 0 : clock.monoMs() - onlineAt,
      retryAtOnce: versionRefused && this.#version === "3.1.1",
    };
  }

  async #run(): Promise<void> {
    const { clock, entropy } = this.#options;
    const { minBackoffMs = LINK_LIMITS.firstBackoffMs, maxBackoffMs = LINK_LIMITS.backoffMs } = this.#options;
    const { signal } = this.#stop;
    let attempts = 0;
    while (!signal.aborted) {
      const { heldMs, retryAtOnce } = await this.#session();
      if (signal.aborted) return;
      if (retryAtOnce) continue;
      attempts = heldMs >= LINK_LIMITS.stableMs ? 0 : attempts + 1;
      const ceiling = Math.min(maxBackoffMs, minBackoffMs * 2 ** Math.min(attempts, 20));
      try {
        await clock.sleep(ceiling / 2 + entropy.float() * (ceiling / 2), signal);
      } catch (reason) {
        if (!signal.aborted) throw reason;
      }
      if (!signal.aborted) this.#setState("connecting");
    }
  }
}
