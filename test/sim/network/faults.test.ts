import { describe, expect, it } from "vitest";
import { fromUtf8, utf8 } from "../../../firmware/core/bytes.ts";
import type { TapEvent } from "../../../sim/network/network.ts";
import type { Steps } from "../../../sim/power/steps.ts";
import { SimSite } from "./site.ts";

const LIVE = { qos: 1, retain: false } as const;
const WILL = { topic: "status/a", payload: utf8("gone") };

/** A host that can die. */
function mortal() {
  let alive = true;
  const steps: Steps = {
    get alive() {
      return alive;
    },
    take: async (_label, work) => work(),
  };
  return {
    steps,
    die: () => {
      alive = false;
    },
  };
}

function watched(site: SimSite, topic: string) {
  const seen: { readonly atUs: number; readonly body: string }[] = [];
  site.network.tap(({ kind, topic: of, payload, atUs }) => {
    if (kind === "accepted" && of === topic) seen.push({ atUs, body: fromUtf8(payload) });
  });
  return seen;
}

describe("a board that loses its power", () => {
  it("leaves a half-open connection: its will comes one and a half keep-alives after its last packet", async () => {
    const site = new SimSite();
    const wills = watched(site, "status/a");
    const { steps, die } = mortal();
    const a = await site.opened("a", { will: WILL, keepaliveSeconds: 10 }, site.host(steps));
    await site.time.settle(a.publish("x", utf8("last"), LIVE));
    const lastPacketUs = site.time.nowUs - 5000;
    die();
    site.network.powerOff("a");
    await site.time.runFor(60_000);
    expect(wills).toEqual([{ atUs: lastPacketUs + 15_000_000, body: "gone" }]);
  });

  it("answers with a reset when it is back and the broker still sends to it", async () => {
    const site = new SimSite();
    const wills = watched(site, "status/a");
    const { steps, die } = mortal();
    const a = await site.opened("a", { will: WILL }, site.host(steps));
    await site.time.settle(a.subscribe(["t"]));
    die();
    site.network.powerOff("a");
    const other = site.network.adversary("other");
    other.connect();
    other.publish("t", utf8("into the void"));
    await site.time.runFor(1000);
    expect(wills).toEqual([]);
    site.network.connectFor("a", site.host());
    other.publish("t", utf8("to a kernel that does not know it"));
    await site.time.runFor(11);
    expect(wills.map(({ body }) => body)).toEqual(["gone"]);
  });

  it("gets nothing and settles nothing any more", async () => {
    const site = new SimSite();
    const { steps, die } = mortal();
    const heard: string[] = [];
    const a = await site.opened(
      "a",
      { onMessage: ({ payload }) => heard.push(fromUtf8(payload)) },
      site.host(steps),
    );
    await site.time.settle(a.subscribe(["t"]));
    let settled = false;
    a.publish("t", utf8("own"), LIVE).then(
      () => (settled = true),
      () => (settled = true),
    );
    die();
    site.network.powerOff("a");
    await site.time.runFor(60_000);
    expect([heard, settled]).toEqual([[], false]);
  });

  it("has handed over what the cut struck during, and not been told so", async () => {
    const site = new SimSite();
    const accepted = watched(site, "t");
    const { steps: life, die } = mortal();
    const steps: Steps = {
      get alive() {
        return life.alive;
      },
      take: (label, work, partly) => {
        if (label !== "mqtt.publish") return Promise.resolve(work());
        partly?.();
        die();
        site.network.powerOff("a");
        return new Promise(() => undefined);
      },
    };
    const a = await site.opened("a", {}, site.host(steps));
    void a.publish("t", utf8("half"), LIVE);
    await site.time.runFor(1000);
    expect(accepted.map(({ body }) => body)).toEqual(["half"]);
  });

  it("is told of at once when only the process dies", async () => {
    const site = new SimSite();
    const wills = watched(site, "status/a");
    await site.opened("a", { will: WILL });
    const diedUs = site.time.nowUs;
    site.network.kill("a");
    await site.time.runFor(1000);
    expect(wills).toEqual([{ atUs: diedUs + 5000, body: "gone" }]);
  });
});

describe("a link that is blocked", () => {
  it("holds what was sent and delivers it in order after the partition, by TCP's retransmission", async () => {
    const site = new SimSite();
    const accepted = watched(site, "t");
    const a = await site.opened("a", { ackTimeoutMs: 60_000, keepaliveSeconds: 60 });
    const sentUs = site.time.nowUs;
    site.network.partition([["a"], ["b", "broker"]]);
    const published = Promise.all(["1", "2", "3"].map((word) => a.publish("t", utf8(word), LIVE)));
    await site.time.runFor(1000);
    expect(accepted).toEqual([]);
    site.network.heal();
    await site.time.settle(published);
    // Retransmissions at 0.2, 0.6, 1.4 s: the first one after the partition is that at 1.4 s.
    expect(accepted).toEqual(["1", "2", "3"].map((body) => ({ atUs: sentUs + 1_400_000, body })));
  });

  it("is found out by the client's keep-alive, and by the broker's", async () => {
    const site = new SimSite();
    const wills = watched(site, "status/a");
    const a = await site.opened("a", { will: WILL, keepaliveSeconds: 10 });
    const upUs = site.time.nowUs;
    site.network.partition([["a"]]);
    await site.time.settle(a.closed);
    expect([a.problem, site.time.nowUs - upUs]).toEqual(["Keepalive timeout", 15_000_000]);
    await site.time.runFor(20_000);
    expect(wills.map(({ body }) => body)).toEqual(["gone"]);
  });

  it("ends a connection whose message is not acknowledged in time", async () => {
    const site = new SimSite();
    const a = await site.opened("a");
    site.network.block("a", "down");
    const accepted = watched(site, "t");
    await expect(site.time.settle(a.publish("t", utf8("m"), LIVE))).rejects.toMatchObject({
      code: "link_down",
      status: 503,
    });
    expect([a.problem, accepted.length]).toEqual(["The broker did not acknowledge in time.", 1]);
  });

  it("lets the other direction pass", async () => {
    const site = new SimSite();
    const heard: string[] = [];
    const a = await site.opened("a", { onMessage: ({ payload }) => heard.push(fromUtf8(payload)) });
    await site.time.settle(a.subscribe(["t"]));
    site.network.block("a", "up");
    const other = site.network.adversary("other");
    other.connect();
    other.publish("t", utf8("down"));
    await site.time.runFor(1000);
    expect(heard).toEqual(["down"]);
  });

  it("comes and goes while it flaps, and stays after heal", async () => {
    const site = new SimSite();
    site.network.flap("a", { periodUs: 1_000_000, duty: 0.25 });
    const dial = async (): Promise<string> => {
      const connection = site.connection("a", { connectTimeoutMs: 100 });
      return site.time.settle(connection.open()).then(
        () => "up",
        () => connection.problem,
      );
    };
    const seen: string[] = [];
    for (const atMs of [0, 300, 900, 1100]) {
      await site.time.runUntil(atMs * 1000);
      seen.push(await dial());
    }
    expect(seen).toEqual(["up", "connack timeout", "connack timeout", "up"]);
    await site.time.runUntil(1_500_000);
    site.network.heal();
    expect(await dial()).toBe("up");
  });

  it("puts actors in no group with the broker", async () => {
    const site = new SimSite();
    site.network.partition([["a"]]);
    await site.opened("b");
    await expect(site.time.settle(site.connection("a").open())).rejects.toMatchObject({ code: "link_down" });
  });
});

describe("connections that fail", () => {
  const failed = async (site: SimSite, options = {}): Promise<[string, boolean]> => {
    const connection = site.connection("a", options);
    await expect(site.time.settle(connection.open())).rejects.toMatchObject({ code: "link_down" });
    await site.time.settle(connection.closed);
    return [connection.problem, connection.versionRefused];
  };

  it("say why: no name, no server, no answer, no trust, no password, too many", async () => {
    const site = new SimSite({
      broker: { credentials: ({ password }) => password === "right", connectsPerSecond: 3 },
    });
    site.network.failNames("a", true);
    expect(await failed(site)).toEqual(["getaddrinfo EAI_AGAIN broker", false]);
    site.network.heal();
    site.network.broker.stop();
    expect(await failed(site)).toEqual(["connect ECONNREFUSED", false]);
    site.network.broker.start();
    site.network.captivePortal("a", true);
    expect(await failed(site)).toEqual(["connack timeout", false]);
    site.network.heal();
    expect(await failed(site)).toEqual(["Connection refused with reason code 134.", false]);
    site.network.trustCertificate("a", false);
    expect(await failed(site, { password: "right" })).toEqual([
      "Connection refused with reason code 135.",
      false,
    ]);
    site.network.trustCertificate("a", true);
    await site.opened("a", { password: "right" });
    expect(await failed(site, { password: "right" })).toEqual([
      "Connection refused with reason code 159.",
      false,
    ]);
    await site.time.runFor(1000);
    expect(await failed(site, { protocol: "3.1.1" })).toEqual([
      "Connection refused with reason code 4.",
      false,
    ]);
  });

  it("fall back to 3.1.1 where the broker speaks nothing newer", async () => {
    const site = new SimSite({ broker: { version: "3.1.1" } });
    expect(await failed(site)).toEqual(["Connection refused with reason code 132.", true]);
    const bus = site.bus("b");
    await site.until("online", () => bus.state === "online");
    expect(bus.protocol).toBe("3.1.1");
  });

  it("are reset when the broker crashes, without wills, and come back by themselves", async () => {
    const site = new SimSite();
    const wills = watched(site, "status/a");
    const heard: string[] = [];
    const bus = site.bus("a", { will: WILL });
    await site.time.settle(bus.subscribe("t", ({ payload }) => heard.push(fromUtf8(payload))));
    await site.until("online", () => bus.state === "online");
    site.network.crashBroker(3_000_000);
    await site.until("offline", () => bus.state === "offline");
    await site.until("online again", () => bus.state === "online");
    await site.time.settle(bus.publish("t", utf8("back"), LIVE));
    await site.time.runFor(100);
    expect([wills, heard]).toEqual([[], ["back"]]);
  });

  it("keep or lose retained messages over a restart, as the broker is set", async () => {
    for (const [volatile, topics] of [
      [false, ["r"]],
      [true, []],
    ] as const) {
      const site = new SimSite({ broker: { volatile } });
      const other = site.network.adversary("other");
      other.connect();
      other.publish("r", utf8("on"), { retain: true });
      site.network.broker.restart();
      expect(site.network.broker.retainedTopics).toEqual(topics);
      expect(other.isConnected).toBe(false);
    }
  });

  it("see a reset at both ends", async () => {
    const site = new SimSite();
    const wills = watched(site, "status/a");
    const a = await site.opened("a", { will: WILL });
    const atUs = site.time.nowUs;
    site.network.reset("a");
    await site.time.settle(a.closed);
    expect([a.problem, wills]).toEqual(["read ECONNRESET", [{ atUs, body: "gone" }]]);
  });
});

describe("what the broker refuses", () => {
  const acl = ({ topic }: { readonly topic: string }): boolean => !topic.startsWith("secret");

  it("comes back with its reason code under MQTT 5", async () => {
    const site = new SimSite({ broker: { acl, maxPacketBytes: 2000 } });
    const a = await site.opened("a");
    await expect(site.time.settle(a.publish("secret", utf8("x"), LIVE))).rejects.toMatchObject({
      code: "publish_refused",
      status: 403,
      details: { topic: "secret", reasonCode: 0x87, permanent: true },
    });
    await expect(site.time.settle(a.subscribe(["open", "secret/#"]))).rejects.toMatchObject({
      code: "topic_not_allowed",
      details: { topics: ["secret/#"] },
    });
    await expect(site.time.settle(a.publish("t", new Uint8Array(3000), LIVE))).rejects.toMatchObject({
      code: "publish_refused",
      details: { reasonCode: 0x95, permanent: true },
    });
    await site.time.settle(a.publish("open", utf8("still connected"), LIVE));
  });

  it("is acknowledged and dropped under 3.1.1, and a packet that is too large ends the connection", async () => {
    const site = new SimSite({ broker: { acl, maxPacketBytes: 2000 } });
    const accepted = watched(site, "secret");
    const a = await site.opened("a", { protocol: "3.1.1" });
    await site.time.settle(a.publish("secret", utf8("x"), LIVE));
    expect(accepted).toEqual([]);
    await expect(site.time.settle(a.publish("t", new Uint8Array(3000), LIVE))).rejects.toMatchObject({
      code: "link_down",
    });
  });

  it("is not sent when the receiver's limit forbids it, and ends a 3.1.1 connection that cannot say its limit", async () => {
    const site = new SimSite();
    const heard: number[] = [];
    const onMessage = ({ payload }: { readonly payload: Uint8Array }) => heard.push(payload.length);
    const five = await site.opened("five", { maxPacketBytes: 1000, onMessage });
    const three = await site.opened("three", { maxPacketBytes: 1000, onMessage, protocol: "3.1.1" });
    for (const connection of [five, three]) await site.time.settle(connection.subscribe(["t"]));
    const other = site.network.adversary("other");
    other.connect();
    other.publish("t", new Uint8Array(2000));
    await site.time.settle(three.closed);
    expect([three.problem, heard]).toEqual(["A packet is larger than 1000 bytes.", []]);
    other.publish("t", new Uint8Array(10));
    await site.time.runFor(100);
    expect([heard, site.network.broker.counters.tooLarge]).toEqual([[10], 1]);
  });
});

describe("an adversary", () => {
  it("publishes any bytes to any topic, and is put out for what the protocol forbids", async () => {
    const site = new SimSite({ broker: { maxPacketBytes: 5000 } });
    const heard: Uint8Array[] = [];
    const a = await site.opened("a", { onMessage: ({ payload }) => heard.push(payload) });
    await site.time.settle(a.subscribe(["imu/#"]));
    const mallory = site.network.adversary("mallory");
    mallory.connect();
    const bytes = Uint8Array.of(0, 255, 0xc0, 0x80);
    expect(mallory.publish("imu/v1/plant/a/cmd", bytes)).toBe(0);
    await site.time.runFor(100);
    expect(heard).toEqual([bytes]);
    expect(mallory.publish("imu/+/x", bytes)).toBe(0x90);
    expect([mallory.isConnected, mallory.closedWith]).toEqual([false, 0x90]);
    mallory.connect();
    expect(mallory.publish("imu/large", new Uint8Array(6000))).toBe(0x95);
    expect(mallory.isConnected).toBe(false);
  });

  it("takes a device's connection over with its name", async () => {
    const site = new SimSite();
    const a = await site.opened("a", { will: WILL });
    const mallory = site.network.adversary("mallory");
    mallory.connect({ clientId: "a" });
    await site.time.settle(a.closed);
    expect(a.problem).toBe("The broker disconnected with reason code 142.");
  });

  it("cannot make a session's queue grow without end: the oldest are dropped and counted", async () => {
    const site = new SimSite({ broker: { maxQueued: 10 } });
    const a = site.network.adversary("a");
    a.connect({ expirySeconds: 3600 });
    a.subscribe("t");
    a.drop();
    const mallory = site.network.adversary("mallory");
    mallory.connect();
    for (let i = 0; i < 25; i++) mallory.publish("t", utf8(`${i}`));
    a.connect({ expirySeconds: 3600 });
    const bodies = a.received.map(({ message }) => fromUtf8(message.publication.payload));
    expect(bodies).toEqual(Array.from({ length: 10 }, (_, i) => `${15 + i}`));
    expect(site.network.broker.counters.dropped).toBe(15);
  });
});

describe("what is told of messages", () => {
  it("is one event when the broker accepts, and one at each receiver", async () => {
    const site = new SimSite();
    const events: TapEvent[] = [];
    for (const actor of ["b", "c"]) await site.time.settle((await site.opened(actor)).subscribe(["t"]));
    const a = await site.opened("a");
    site.network.tap((event) => events.push(event));
    await site.time.settle(a.publish("t", utf8("m"), LIVE));
    await site.time.runFor(100);
    expect(events.map(({ kind, actor, publisher }) => `${kind} ${actor} ${publisher}`).sort()).toEqual([
      "accepted a a",
      "delivered b a",
      "delivered c a",
    ]);
    expect(site.records.filter(({ kind }) => kind === "mqtt.accepted").length).toBe(1);
    expect(site.records.filter(({ kind }) => kind === "mqtt.delivered").length).toBe(2);
  });

  it("reaches a frozen device when it thaws, in order", async () => {
    const site = new SimSite();
    let frozenUntilUs = 0;
    const heard: (readonly [number, string])[] = [];
    const a = await site.opened(
      "a",
      { onMessage: ({ payload }) => heard.push([site.time.nowUs, fromUtf8(payload)]) },
      site.host(undefined, () => frozenUntilUs),
    );
    await site.time.settle(a.subscribe(["t"]));
    frozenUntilUs = site.time.nowUs + 2_000_000;
    const other = site.network.adversary("other");
    other.connect();
    for (const word of ["1", "2"]) other.publish("t", utf8(word));
    await site.time.runFor(5000);
    expect(heard).toEqual([
      [frozenUntilUs, "1"],
      [frozenUntilUs, "2"],
    ]);
  });
});
