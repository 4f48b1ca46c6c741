import type { Json } from "../../firmware/core/json.ts";
import type { MqttConnect } from "../../firmware/ports/mqtt-connection.ts";
import { SeededEntropy } from "../time/entropy.ts";
import type { VirtualTime } from "../time/virtual-time.ts";
import { RawClient } from "./adversary.ts";
import { Broker, type BrokerOptions } from "./broker.ts";
import { SimMqttConnection } from "./connection.ts";
import { Link, type Way } from "./link.ts";
import type { LinkConfig } from "./link-model.ts";
import type { BrokerMessage, Delivery, Qos } from "./messages.ts";
import { type NetworkHost, Wire } from "./wire.ts";

/** The name of the broker in groups of a partition. */
export const BROKER = "broker";

export interface SimNetworkOptions {
  readonly time: VirtualTime;
  /** Each actor's link draws from the stream `link:<actor>` of it. */
  readonly seed: string;
  /** Of every link that has no other. */
  readonly link: LinkConfig;
  readonly broker?: Omit<BrokerOptions, "nowUs" | "onAccepted">;
  /** Messages, connections' ends and faults, for the trace. */
  readonly record?: (actor: string, kind: string, data: Json) => void;
}

/** A message at the broker, or at one receiver. */
export interface TapEvent {
  readonly kind: "accepted" | "delivered";
  readonly atUs: number;
  /** Who published it, of `accepted`; who got it, of `delivered`. */
  readonly actor: string;
  readonly publisher: string;
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: Qos;
  readonly retain: boolean;
  readonly dup: boolean;
}

interface Actor {
  readonly name: string;
  readonly link: Link;
  readonly wires: Set<Wire>;
  isOff: boolean;
  trustedCertificate: boolean;
}

/**
 * The broker, every actor's link to it, and what can go wrong with them (simulator.md 7). Faults act at once; the owner
 * of the scenario calls them from events of class 0.
 */
export class SimNetwork {
  readonly broker: Broker;
  readonly #options: SimNetworkOptions;
  readonly #actors = new Map<string, Actor>();
  readonly #taps = new Set<(event: TapEvent) => void>();
  readonly #flapping = new Set<Disposable>();
  #groups: readonly (readonly string[])[] = [];

  constructor(options: SimNetworkOptions) {
    this.#options = options;
    this.broker = new Broker({
      ...options.broker,
      nowUs: () => options.time.nowUs,
      onAccepted: (message) => this.#accepted(message),
    });
  }

  /** How one boot of an actor reaches the broker. The actor has power from now on. */
  connectFor(name: string, host: NetworkHost): MqttConnect {
    const actor = this.#actor(name);
    actor.isOff = false;
    return (options) =>
      new SimMqttConnection({
        ...options,
        host,
        trustedCertificate: actor.trustedCertificate,
        wire: (client) => {
          if (actor.link.dnsFails) throw new Error("getaddrinfo EAI_AGAIN broker");
          const wire: Wire = new Wire({
            actor: name,
            link: actor.link,
            broker: this.broker,
            host,
            client,
            isPowered: () => !actor.isOff,
            onDelivered: (delivery) => this.#delivered(name, delivery),
            note: (kind, data) => this.#note(name, kind, data),
            onClosed: () => actor.wires.delete(wire),
          });
          actor.wires.add(wire);
          return wire;
        },
      });
  }

  /** A client that says what it likes, without a link of its own. It is not connected yet. */
  adversary(name: string, options: { readonly acknowledges?: boolean } = {}): RawClient {
    const onDelivered = (delivery: Delivery): void => this.#delivered(name, delivery);
    return new RawClient({ name, broker: this.broker, onDelivered, ...options });
  }

  /** Calls for every message the broker accepts and every one that reaches a receiver. */
  tap(listener: (event: TapEvent) => void): Disposable {
    this.#taps.add(listener);
    return { [Symbol.dispose]: () => this.#taps.delete(listener) };
  }

  /** Another behaviour of one actor's link from now on; what is on the way keeps its time. */
  setLink(name: string, change: Partial<LinkConfig>): void {
    const { link } = this.#actor(name);
    link.config = { ...link.config, ...change };
    this.#note(name, "net.link", { ...change });
  }

  /**
   * Cuts the network into groups; `broker` is a member of one, or of what is left. Actors in no group stay with the
   * broker. Replaces an earlier partition.
   */
  partition(groups: readonly (readonly string[])[]): void {
    this.#groups = groups.map((group) => [...group]);
    for (const actor of this.#actors.values()) this.#applyGroups(actor);
    this.#note("network", "net.partition", { groups: this.#groups.map((group) => [...group]) });
  }

  /** Blocks one direction of an actor's link, or both. */
  block(name: string, ways: Way | "both" = "both"): void {
    this.#each(name, ways, (link, way) => link.block(way, "block"));
    this.#note(name, "net.block", { ways });
  }

  unblock(name: string, ways: Way | "both" = "both"): void {
    this.#each(name, ways, (link, way) => link.unblock(way, "block"));
    this.#note(name, "net.unblock", { ways });
  }

  /** The link is there for `duty` (0..1) of each period, then gone for the rest, until disposed or healed. */
  flap(name: string, options: { readonly periodUs: number; readonly duty: number }): Disposable {
    const { time } = this.#options;
    const upUs = Math.round(options.periodUs * options.duty);
    let timer: Disposable;
    const goDown = (): void => {
      this.#each(name, "both", (link, way) => link.block(way, "flap"));
      timer = time.at(time.nowUs + options.periodUs - upUs, 0, goUp);
    };
    const goUp = (): void => {
      this.#each(name, "both", (link, way) => link.unblock(way, "flap"));
      timer = time.at(time.nowUs + upUs, 0, goDown);
    };
    goUp();
    const flapping = {
      [Symbol.dispose]: () => {
        timer[Symbol.dispose]();
        this.#flapping.delete(flapping);
        this.#each(name, "both", (link, way) => link.unblock(way, "flap"));
      },
    };
    this.#flapping.add(flapping);
    this.#note(name, "net.flap", { periodUs: options.periodUs, duty: options.duty });
    return flapping;
  }

  /** The broker's name cannot be resolved: new connections fail at once, those that stand go on. */
  failNames(name: string, fails: boolean): void {
    this.#actor(name).link.dnsFails = fails;
    this.#note(name, "net.dns", { fails });
  }

  /** Something that accepts connections and never answers stands where the broker was. */
  captivePortal(name: string, isThere: boolean): void {
    this.#each(name, "both", (link, way) =>
      isThere ? link.block(way, "portal") : link.unblock(way, "portal"),
    );
    this.#note(name, "net.portal", { isThere });
  }

  /** The broker accepts the actor's certificate, or does not, at its next connection. */
  trustCertificate(name: string, isTrusted: boolean): void {
    this.#actor(name).trustedCertificate = isTrusted;
    this.#note(name, "net.certificate", { isTrusted });
  }

  /** Resets the actor's connections: both ends see it. */
  reset(name: string): void {
    for (const wire of [...this.#actor(name).wires]) wire.reset();
    this.#note(name, "net.reset", {});
  }

  /** Ends partitions, blocks, flapping, captive portals and name failures of everybody. Links keep their behaviour. */
  heal(): void {
    for (const flapping of [...this.#flapping]) flapping[Symbol.dispose]();
    this.#groups = [];
    for (const { link } of this.#actors.values()) {
      link.dnsFails = false;
      link.clear();
    }
    this.#note("network", "net.heal", {});
  }

  /** The broker is down for a while; what it keeps depends on `volatile`. */
  crashBroker(offUs: number): void {
    const { time } = this.#options;
    this.broker.stop();
    this.#note(BROKER, "broker.crash", { offUs });
    time.at(time.nowUs + offUs, 0, () => {
      this.broker.start();
      this.#note(BROKER, "broker.start", {});
    });
  }

  /** The actor's board is without power: its connections are half-open, until it is back or their keep-alive ends. */
  powerOff(name: string): void {
    const actor = this.#actor(name);
    actor.isOff = true;
    for (const wire of actor.wires) wire.vanish();
  }

  /** The actor's process is gone: its kernel closes the connections. */
  kill(name: string): void {
    for (const wire of [...this.#actor(name).wires]) wire.cut();
  }

  #actor(name: string): Actor {
    const known = this.#actors.get(name);
    if (known) return known;
    const { time, seed, link } = this.#options;
    const actor: Actor = {
      name,
      link: new Link(time, new SeededEntropy(seed, `link:${name}`), link),
      wires: new Set(),
      isOff: false,
      trustedCertificate: true,
    };
    this.#actors.set(name, actor);
    this.#applyGroups(actor);
    return actor;
  }

  #applyGroups({ name, link }: Actor): void {
    const ownGroup = this.#groups.find((group) => group.includes(name));
    const isCutOff = ownGroup !== undefined && !ownGroup.includes(BROKER);
    for (const way of ["up", "down"] as const) {
      if (isCutOff) link.block(way, "partition");
      else link.unblock(way, "partition");
    }
  }

  #each(name: string, ways: Way | "both", change: (link: Link, way: Way) => void): void {
    const { link } = this.#actor(name);
    for (const way of ["up", "down"] as const) if (ways === "both" || ways === way) change(link, way);
  }

  #accepted(message: BrokerMessage): void {
    const { publication, publisher } = message;
    const { qos, retain = false } = publication;
    this.#noteMessage(publisher, "mqtt.accepted", message);
    this.#tell({ kind: "accepted", actor: publisher, message, qos, retain, dup: false });
  }

  #delivered(name: string, { message, qos, retained: retain, dup }: Delivery): void {
    this.#noteMessage(name, "mqtt.delivered", message);
    this.#tell({ kind: "delivered", actor: name, message, qos, retain, dup });
  }

  #noteMessage(actor: string, kind: string, message: BrokerMessage): void {
    if (!this.#options.record) return;
    const { topic, payload } = message.publication;
    this.#options.record(actor, kind, { topic, bytes: payload.length, sha256: message.digest });
  }

  #tell(
    event: Pick<TapEvent, "kind" | "actor" | "qos" | "retain" | "dup"> & { message: BrokerMessage },
  ): void {
    if (this.#taps.size === 0) return;
    const { message, ...rest } = event;
    const { publisher, publication } = message;
    const { topic, payload } = publication;
    const told: TapEvent = { ...rest, atUs: this.#options.time.nowUs, publisher, topic, payload };
    for (const listener of this.#taps) listener(told);
  }

  #note(actor: string, kind: string, data: Json): void {
    this.#options.record?.(actor, kind, data);
  }
}
