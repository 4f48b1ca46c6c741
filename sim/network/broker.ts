import { isTopicFilter, isTopicName, topicMatches } from "../../firmware/core/topic-filter.ts";
import type { MqttProtocol } from "../../firmware/ports/mqtt-connection.ts";
import { BrokerMessage, type Publication, type Qos, REASON } from "./messages.ts";
import {
  type BrokerChannel,
  BrokerSession,
  type ConnectAnswer,
  type ConnectRequest,
  type SessionCounters,
} from "./session.ts";
import { parseFilter, SubscriptionTree } from "./subscriptions.ts";

export interface Access {
  readonly action: "publish" | "subscribe";
  readonly clientId: string;
  readonly username?: string;
  /** The topic, or the filter. */
  readonly topic: string;
}

export interface BrokerOptions {
  /** True time. */
  readonly nowUs: () => number;
  /** Highest version it speaks; default "5". */
  readonly version?: MqttProtocol;
  /** A restart loses sessions and retained messages; default false. */
  readonly volatile?: boolean;
  /** Default: everybody. */
  readonly credentials?: (request: ConnectRequest) => boolean;
  /** Default: everything. */
  readonly acl?: (access: Access) => boolean;
  /** Largest packet from a client; default unlimited. */
  readonly maxPacketBytes?: number;
  /** Messages that wait for one session, oldest dropped; default 1000, as Mosquitto. */
  readonly maxQueued?: number;
  /** Unacknowledged messages per session and direction; default 20, as Mosquitto. */
  readonly receiveMaximum?: number;
  /** Connections accepted in one second of true time; default unlimited. */
  readonly connectsPerSecond?: number;
  /**
   * How often a session of overlapping subscriptions gets a message: with MQTT 5 once for each of them, as Mosquitto
   * does and 3.3.4 allows, with 3.1.1 once (default); or always `once`, with the highest QoS.
   */
  readonly overlapping?: "by protocol" | "once";
  readonly onAccepted?: (message: BrokerMessage) => void;
}

export interface BrokerCounters extends SessionCounters {
  accepted: number;
  /** CONNECT, SUBSCRIBE and PUBLISH answered with a refusal. */
  refused: number;
}

/**
 * An MQTT broker as a state machine (simulator.md 7; MQTT 5.0 and 3.1.1): each call is one packet that has arrived,
 * answers leave through the session's channel. It has no timers: whoever owns the connections ends them.
 */
export class Broker {
  readonly counters: BrokerCounters = {
    accepted: 0,
    delivered: 0,
    dropped: 0,
    expired: 0,
    tooLarge: 0,
    refused: 0,
  };
  readonly #options: BrokerOptions;
  readonly #sessions = new Map<string, BrokerSession>();
  readonly #subscriptions = new SubscriptionTree<BrokerSession>();
  readonly #retained = new Map<string, BrokerMessage>();
  readonly #window: number;
  readonly #maxPacketBytes: number;
  #running = true;
  #generation = 0;
  #second = -1;
  #connectsInSecond = 0;

  constructor(options: BrokerOptions) {
    this.#options = options;
    this.#window = options.receiveMaximum ?? 20;
    this.#maxPacketBytes = options.maxPacketBytes ?? Number.MAX_SAFE_INTEGER;
  }

  get running(): boolean {
    return this.#running;
  }

  /** Starts so far: a TCP connection belongs to one of them. */
  get generation(): number {
    return this.#generation;
  }

  get retainedTopics(): readonly string[] {
    return [...this.#retained.keys()];
  }

  /** The client's session, if the broker has one that has not expired. */
  session(clientId: string): BrokerSession | null {
    const session = this.#sessions.get(clientId);
    return session && !session.expired(this.#options.nowUs()) ? session : null;
  }

  /** CONNECT. Answers through `channel.connack`; null when refused. Anyone connected under the name is put out. */
  connect(request: ConnectRequest, channel: BrokerChannel): BrokerSession | null {
    const nowUs = this.#options.nowUs();
    const reasonCode = this.#admission(request, nowUs);
    const answer = { receiveMaximum: this.#window, maxPacketBytes: this.#maxPacketBytes };
    if (reasonCode !== REASON.success) {
      this.counters.refused++;
      channel.connack({ ...answer, reasonCode, sessionPresent: false });
      return null;
    }
    const before = this.#sessions.get(request.clientId);
    if (before?.channel) {
      const { channel: old } = before;
      this.drop(before);
      old.close(REASON.sessionTakenOver);
    }
    if (before && (request.clean === true || before.expired(nowUs))) this.#forget(before);
    const kept = this.#sessions.get(request.clientId);
    const session =
      kept ?? new BrokerSession(request.clientId, this.#options.maxQueued ?? 1000, this.counters);
    this.#sessions.set(request.clientId, session);
    session.attach(channel, request, this.#window);
    channel.connack({ ...answer, reasonCode, sessionPresent: kept !== undefined } satisfies ConnectAnswer);
    session.resume(nowUs);
    return session;
  }

  /** SUBSCRIBE of one filter: the granted QoS, or a reason code. Retained messages leave before the answer. */
  subscribe(session: BrokerSession, filter: string, qos: Qos): number {
    const { group, filter: selection } = parseFilter(filter);
    const reasonCode = !isTopicFilter(filter)
      ? REASON.filterInvalid
      : this.#allows(session, "subscribe", selection)
        ? REASON.success
        : REASON.notAuthorized;
    if (reasonCode !== REASON.success) {
      this.counters.refused++;
      return session.protocol === "5" ? reasonCode : 0x80;
    }
    session.subscriptions.set(filter, qos);
    this.#subscriptions.add(session, filter, qos);
    if (group === null) this.#sendRetained(session, selection, qos);
    return qos;
  }

  unsubscribe(session: BrokerSession, filter: string): void {
    session.subscriptions.delete(filter);
    this.#subscriptions.remove(session, filter);
  }

  /**
   * PUBLISH; null is a publisher outside of this model. Returns the reason code of PUBACK or PUBREC.
   * What breaks the protocol ends the publisher's connection.
   * @param packetId of a QoS 2 message: until `released` the same one is taken once.
   */
  publish(session: BrokerSession | null, publication: Publication, packetId = 0): number {
    if (session && publication.qos === 2) {
      if (session.incoming.has(packetId)) return REASON.success;
      if (session.incoming.size >= this.#window) {
        return this.#expel(session, REASON.receiveMaximumExceeded);
      }
    }
    if (!isTopicName(publication.topic)) return this.#expel(session, REASON.topicInvalid);
    const name = session?.channel?.name ?? session?.clientId ?? "";
    const { expirySeconds } = publication;
    const nowUs = this.#options.nowUs();
    const expiresAtUs = expirySeconds === undefined ? null : nowUs + expirySeconds * 1e6;
    const message = new BrokerMessage(publication, name, expiresAtUs);
    if (message.bytes > this.#maxPacketBytes) return this.#expel(session, REASON.packetTooLarge);
    if (session && !this.#allows(session, "publish", publication.topic)) {
      this.counters.refused++;
      // MQTT 3.1.1 knows no refusal of a message: it is acknowledged and dropped (3.3.5).
      return session.protocol === "5" ? REASON.notAuthorized : REASON.success;
    }
    if (session && publication.qos === 2) session.incoming.add(packetId);
    return this.#accept(message, nowUs) ? REASON.success : REASON.noMatchingSubscribers;
  }

  /** PUBREL of a QoS 2 message from the client. */
  released(session: BrokerSession, packetId: number): void {
    session.incoming.delete(packetId);
  }

  /** PUBACK or PUBCOMP of a delivery. */
  acknowledge(session: BrokerSession, packetId: number): void {
    session.acknowledge(packetId, this.#options.nowUs());
  }

  /** PUBREC of a delivery. */
  received(session: BrokerSession, packetId: number): void {
    session.received(packetId);
  }

  /** DISCONNECT: no last will (MQTT 5.0, 3.14.4). */
  disconnect(session: BrokerSession): void {
    session.will = null;
    this.drop(session);
  }

  /** The connection is gone without DISCONNECT: the last will is published. */
  drop(session: BrokerSession): void {
    if (!session.channel) return;
    const { will, channel } = session;
    const nowUs = this.#options.nowUs();
    session.detach(nowUs);
    if (session.ephemeral) this.#forget(session);
    if (!will || !this.#allows(session, "publish", will.topic)) return;
    const expiresAtUs = will.expirySeconds === undefined ? null : nowUs + will.expirySeconds * 1e6;
    this.#accept(new BrokerMessage(will, channel.name, expiresAtUs), nowUs);
  }

  /** A crash: connections break without wills; what a restart keeps depends on `volatile`. Nobody can connect. */
  stop(): void {
    const nowUs = this.#options.nowUs();
    this.#running = false;
    for (const session of [...this.#sessions.values()]) {
      const { channel } = session;
      session.detach(nowUs);
      channel?.close(null);
      if (this.#options.volatile || session.ephemeral) this.#forget(session);
    }
    if (this.#options.volatile) this.#retained.clear();
  }

  start(): void {
    this.#running = true;
    this.#generation++;
  }

  restart(): void {
    this.stop();
    this.start();
  }

  #admission(request: ConnectRequest, nowUs: number): number {
    const { version = "5", credentials, connectsPerSecond } = this.#options;
    if (request.protocol === "5" && version !== "5") return REASON.unsupportedVersion;
    if (connectsPerSecond !== undefined) {
      const second = Math.floor(nowUs / 1e6);
      if (second !== this.#second) this.#connectsInSecond = 0;
      this.#second = second;
      if (++this.#connectsInSecond > connectsPerSecond) return REASON.connectionRateExceeded;
    }
    if (request.trustedCertificate === false) return REASON.notAuthorized;
    return credentials && !credentials(request) ? REASON.badCredentials : REASON.success;
  }

  #allows(session: BrokerSession, action: Access["action"], topic: string): boolean {
    const { acl } = this.#options;
    if (!acl) return true;
    const { clientId, username } = session;
    return acl({ action, clientId, topic, ...(username === undefined ? {} : { username }) });
  }

  #expel(session: BrokerSession | null, reasonCode: number): number {
    this.counters.refused++;
    const channel = session?.channel;
    if (session && channel) {
      this.drop(session);
      channel.close(reasonCode);
    }
    return reasonCode;
  }

  #forget(session: BrokerSession): void {
    for (const filter of session.subscriptions.keys()) this.#subscriptions.remove(session, filter);
    session.subscriptions.clear();
    if (this.#sessions.get(session.clientId) === session) this.#sessions.delete(session.clientId);
  }

  /** Retains and delivers; false when nobody has subscribed. */
  #accept(message: BrokerMessage, nowUs: number): boolean {
    const { publication } = message;
    this.counters.accepted++;
    this.#options.onAccepted?.(message);
    if (publication.retain) {
      if (publication.payload.length === 0) this.#retained.delete(publication.topic);
      else this.#retained.set(publication.topic, message);
    }
    return this.#route(message, nowUs);
  }

  #route(message: BrokerMessage, nowUs: number): boolean {
    const { topic, qos } = message.publication;
    const { direct, shared } = this.#subscriptions.receivers(topic);
    const always = this.#options.overlapping !== "once";
    let once: Map<BrokerSession, Qos> | null = null;
    for (const subscriber of direct) {
      const { session } = subscriber;
      if (always && session.protocol === "5") {
        this.#send(session, message, Math.min(qos, subscriber.qos) as Qos, nowUs);
        continue;
      }
      once ??= new Map();
      once.set(session, Math.max(subscriber.qos, once.get(session) ?? 0) as Qos);
    }
    for (const [session, granted] of once ?? []) {
      this.#send(session, message, Math.min(qos, granted) as Qos, nowUs);
    }
    for (const group of shared) {
      for (const { session } of [...group.members]) if (session.expired(nowUs)) this.#forget(session);
      const count = group.members.length;
      // The next member that is connected; if none is, the next one's session keeps it.
      let at = group.next % count;
      for (let i = 0; i < count && !group.members[at]?.session.channel; i++) at = (at + 1) % count;
      const member = group.members[at];
      group.next = at + 1; // Without members it stays unused: the group is gone from the tree.
      if (member) this.#send(member.session, message, Math.min(qos, member.qos) as Qos, nowUs);
    }
    return direct.length + shared.length > 0;
  }

  #send(session: BrokerSession, message: BrokerMessage, qos: Qos, nowUs: number): void {
    if (session.expired(nowUs)) this.#forget(session);
    else session.deliver(message, qos, false, nowUs);
  }

  #sendRetained(session: BrokerSession, filter: string, qos: Qos): void {
    const nowUs = this.#options.nowUs();
    const send = (topic: string, message: BrokerMessage | undefined): void => {
      if (!message) return;
      if (message.expired(nowUs)) this.#retained.delete(topic);
      else session.deliver(message, Math.min(qos, message.publication.qos) as Qos, true, nowUs);
    };
    if (!/[+#]/.test(filter)) send(filter, this.#retained.get(filter));
    else for (const [topic, message] of this.#retained) if (topicMatches(filter, topic)) send(topic, message);
  }
}
