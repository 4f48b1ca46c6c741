/** The daemon's own bus on the simulated network and on Mosquitto: one table for both. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MqttBus, type MqttBusOptions } from "../../../firmware/adapters/mqtt-bus.ts";
import { mqttConnect } from "../../../firmware/adapters/mqtt-link.ts";
import { fromUtf8, utf8 } from "../../../firmware/core/bytes.ts";
import type { InboundMessage } from "../../../firmware/ports/message-bus.ts";
import type { MqttConnect, MqttConnection } from "../../../firmware/ports/mqtt-connection.ts";
import { entropy, realClock, silentLog, until } from "../../fleet/support.ts";
import { PlainMosquitto } from "../../support/fleet-site.ts";
import { missingPrograms } from "../../system/mosquitto-broker.ts";
import { SimSite } from "./site.ts";

/** Pauses so long that a bus which lost its link stays away for the rest of the test. */
const STAYS_AWAY = { minBackoffMs: 1e6, maxBackoffMs: 1e6 };
const KEPT = { qos: 1, retain: true } as const;
const LIVE = { qos: 1, retain: false } as const;

interface Client {
  readonly bus: MqttBus;
  readonly seen: InboundMessage[];
  /** Ends the connection as a broken cable does. */
  cut(): void;
}

interface Site extends AsyncDisposable {
  client(clientId: string, options?: Partial<MqttBusOptions>): Client;
  wait<T>(work: Promise<T>): Promise<T>;
  until(what: string, condition: () => boolean): Promise<void>;
}

function captured(connect: MqttConnect): {
  readonly connect: MqttConnect;
  readonly last: () => MqttConnection;
} {
  let last: MqttConnection | null = null;
  return {
    connect: (options) => {
      last = connect(options);
      return last;
    },
    last: () => {
      if (!last) throw new Error("There is no connection.");
      return last;
    },
  };
}

function simulated(): Site {
  const site = new SimSite();
  return {
    client: (clientId, options) => {
      const host = site.host();
      const { connect, last } = captured(site.network.connectFor(clientId, host));
      return { bus: site.bus(clientId, { connect, ...options }, host), seen: [], cut: () => last().end() };
    },
    wait: (work) => site.time.settle(work),
    until: (what, condition) => site.until(what, condition),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

async function real(): Promise<Site> {
  const broker = await PlainMosquitto.start();
  const buses: MqttBus[] = [];
  return {
    client: (clientId, options) => {
      const clock = realClock();
      const { connect, last } = captured(mqttConnect({ host: "127.0.0.1", port: broker.port }, clock));
      const bus = new MqttBus({ connect, clientId, clock, entropy, log: silentLog, ...options });
      buses.push(bus);
      return { bus, seen: [], cut: () => last().end() };
    },
    wait: (work) => work,
    until,
    [Symbol.asyncDispose]: async () => {
      for (const bus of buses) await bus[Symbol.asyncDispose]();
      await broker[Symbol.asyncDispose]();
    },
  };
}

const words = (client: Client): string[] => client.seen.map(({ payload }) => fromUtf8(payload));

async function online(
  site: Site,
  clientId: string,
  filters: readonly string[],
  options?: Partial<MqttBusOptions>,
) {
  const client = site.client(clientId, options);
  for (const filter of filters) {
    await site.wait(client.bus.subscribe(filter, (message) => client.seen.push(message)));
  }
  await site.until(`${clientId} online`, () => client.bus.state === "online");
  return client;
}

/** The client has seen everything that was acknowledged to `from` before. */
async function caughtUp(site: Site, from: Client, client: Client): Promise<void> {
  let marked = false;
  const subscription = await site.wait(client.bus.subscribe("marker", () => (marked = true)));
  await site.wait(from.bus.publish("marker", utf8(""), LIVE));
  await site.until("the marker", () => marked);
  await site.wait(Promise.resolve(subscription[Symbol.asyncDispose]()));
}

function table(make: () => Site | Promise<Site>): void {
  let site: Site;
  beforeEach(async () => {
    site = await make();
  });
  afterEach(() => site[Symbol.asyncDispose]());

  it("speaks MQTT 5 and delivers in the order of publishing", async () => {
    const a = await online(site, "a", []);
    const b = await online(site, "b", ["o/+"]);
    const sent = Array.from({ length: 50 }, (_, i) => `m${i}`);
    await site.wait(Promise.all(sent.map((word) => a.bus.publish("o/x", utf8(word), LIVE))));
    await caughtUp(site, a, b);
    expect([a.bus.protocol, words(b)]).toEqual(["5", sent]);
  });

  it("gives what is retained to a new subscriber, and nothing after it was cleared", async () => {
    const a = await online(site, "a", []);
    await site.wait(a.bus.publish("r", utf8("on"), KEPT));
    const b = await online(site, "b", ["r"]);
    await site.wait(a.bus.publish("r", utf8(""), KEPT));
    await caughtUp(site, a, b);
    const late = await online(site, "late", ["r"]);
    await caughtUp(site, a, late);
    expect(b.seen.map(({ payload, retained }) => [fromUtf8(payload), retained])).toEqual([
      ["on", true],
      ["", false],
    ]);
    expect(late.seen).toEqual([]);
  });

  it("leaves its will, retained, when the connection is cut", async () => {
    const b = await online(site, "b", ["will"]);
    const will = { topic: "will", payload: utf8("gone") };
    const a = await online(site, "a", [], { will, ...STAYS_AWAY });
    a.cut();
    await site.until("the will", () => b.seen.length > 0);
    const late = await online(site, "late", ["will"]);
    await site.until("the will again", () => late.seen.length > 0);
    expect([b.seen[0]?.retained, late.seen[0]?.retained, words(late)]).toEqual([false, true, ["gone"]]);
    expect(a.bus.state).toBe("offline");
  });

  it("leaves no will when it says goodbye", async () => {
    const b = await online(site, "b", ["will"]);
    const a = await online(site, "a", [], { will: { topic: "will", payload: utf8("gone") } });
    await site.wait(Promise.resolve(a.bus[Symbol.asyncDispose]()));
    await caughtUp(site, b, b);
    expect([a.bus.state, b.seen]).toEqual(["closed", []]);
  });

  it("gets a message of overlapping filters once per filter from the broker, so each handler sees it as often", async () => {
    const a = await online(site, "a", []);
    const b = await online(site, "b", ["v/#", "v/x"]);
    await site.wait(a.bus.publish("v/x", utf8("m"), LIVE));
    await caughtUp(site, a, b);
    expect(words(b)).toEqual(["m", "m", "m", "m"]);
  });

  it("matches the parent of #, and no $ topic by a wildcard", async () => {
    const a = await online(site, "a", []);
    const b = await online(site, "b", ["p/#"]);
    const all = await online(site, "all", ["#"]);
    const system = await online(site, "system", ["$z/#"]);
    for (const topic of ["p", "p/q", "$z/q"]) await site.wait(a.bus.publish(topic, utf8(topic), LIVE));
    for (const client of [b, all, system]) await caughtUp(site, a, client);
    expect([words(b), words(system)]).toEqual([["p", "p/q"], ["$z/q"]]);
    expect(words(all)).not.toContain("$z/q");
  });

  it("loses its link to a newer connection of the same name, which leaves the will", async () => {
    const b = await online(site, "b", ["will"]);
    const will = { topic: "will", payload: utf8("put out") };
    const first = await online(site, "same", ["t"], { will, ...STAYS_AWAY });
    const second = await online(site, "same", ["t"]);
    await site.until("the first is out", () => first.bus.state === "offline");
    await site.wait(b.bus.publish("t", utf8("m"), LIVE));
    await caughtUp(site, b, second);
    await caughtUp(site, b, b);
    expect([words(first), words(second), words(b)]).toEqual([[], ["m"], ["put out"]]);
  });

  it("refuses to publish while there is no link", async () => {
    const a = await online(site, "a", [], STAYS_AWAY);
    a.cut();
    await expect(site.wait(a.bus.publish("t", utf8("x"), LIVE))).rejects.toMatchObject({ code: "link_down" });
  });
}

describe("the bus on the simulated network", () => table(simulated));

describe.skipIf(missingPrograms().length > 0)("the bus on Mosquitto", () => table(real));
