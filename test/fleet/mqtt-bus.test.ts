import { createServer } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { EmbeddedBroker } from "../../firmware/adapters/embedded-broker.ts";
import { MqttBus, type MqttBusOptions } from "../../firmware/adapters/mqtt-bus.ts";
import { mqttConnect } from "../../firmware/adapters/mqtt-link.ts";
import { PacketSizeGuard } from "../../firmware/adapters/mqtt-socket.ts";
import { fromUtf8, utf8 } from "../../firmware/core/bytes.ts";
import { entropy, realClock, silentLog, until } from "./support.ts";

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const item of open.splice(0).reverse()) await item[Symbol.asyncDispose]();
});

async function broker(port = 0): Promise<{ readonly broker: EmbeddedBroker; readonly port: number }> {
  const embedded = new EmbeddedBroker({ log: silentLog, port });
  open.push(embedded);
  return { broker: embedded, port: (await embedded.start()).port };
}

function bus(port: number, options: Partial<MqttBusOptions> = {}): MqttBus {
  const created = new MqttBus({
    connect: mqttConnect({ host: "127.0.0.1", port }, realClock()),
    clientId: `test-${entropy.below(2 ** 32)}`,
    clock: realClock(),
    entropy,
    log: silentLog,
    minBackoffMs: 20,
    maxBackoffMs: 100,
    ...options,
  });
  open.push(created);
  return created;
}

const online = (link: MqttBus): Promise<void> => until("online", () => link.state === "online");

describe("the MQTT bus on the embedded broker", () => {
  it("falls back to MQTT 3.1.1 and delivers what another client publishes", async () => {
    const { port } = await broker();
    const [a, b] = [bus(port), bus(port)];
    const seen: string[] = [];
    await b.subscribe("t/+/x", (message) => seen.push(fromUtf8(message.payload)));
    await online(a);
    await online(b);
    await a.publish("t/1/x", utf8("hello"), { qos: 1, retain: false });
    await a.publish("t/1/y", utf8("elsewhere"), { qos: 1, retain: false });
    await a.publish("t/2/x", utf8("again"), { qos: 0, retain: false });
    await until("two messages", () => seen.length === 2);
    expect(seen).toEqual(["hello", "again"]);
    expect(a.protocol).toBe("3.1.1");
  });

  it("refuses to publish while there is no link instead of queueing", async () => {
    const { broker: embedded, port } = await broker();
    await embedded[Symbol.asyncDispose]();
    const link = bus(port);
    await expect(link.publish("t", utf8("x"), { qos: 1, retain: false })).rejects.toMatchObject({
      code: "link_down",
    });
  });

  it("subscribes again after the broker was away", async () => {
    const first = await broker();
    const [a, b] = [bus(first.port), bus(first.port)];
    const seen: string[] = [];
    await b.subscribe("again", (message) => seen.push(fromUtf8(message.payload)));
    await online(a);
    await online(b);
    await first.broker[Symbol.asyncDispose]();
    await until("offline", () => a.state !== "online" && b.state !== "online");
    await broker(first.port);
    await online(a);
    await online(b);
    await a.publish("again", utf8("back"), { qos: 1, retain: false });
    await until("the message", () => seen.length > 0);
    expect(seen).toEqual(["back"]);
  });

  it("leaves its last will only when the link is lost, not when it says goodbye", async () => {
    const { port } = await broker();
    const watcher = bus(port);
    const seen: string[] = [];
    await watcher.subscribe("will/+", (message) => seen.push(fromUtf8(message.payload)));
    await online(watcher);
    const polite = bus(port, { will: { topic: "will/polite", payload: utf8("gone") } });
    await online(polite);
    await polite[Symbol.asyncDispose]();
    expect(polite.state).toBe("closed");
    const rude = bus(port, { will: { topic: "will/rude", payload: utf8("lost") }, maxPacketBytes: 200 });
    await rude.subscribe("big", () => undefined);
    await online(rude);
    await watcher.publish("big", new Uint8Array(4096), { qos: 1, retain: false });
    await until("the will", () => seen.length > 0);
    expect(seen).toEqual(["lost"]);
  });

  it("refuses wildcards in topics and misplaced ones in filters", async () => {
    const { port } = await broker();
    const link = bus(port);
    await online(link);
    await expect(link.publish("a/#", utf8(""), { qos: 0, retain: false })).rejects.toMatchObject({
      code: "topic_invalid",
    });
    await expect(link.subscribe("a#", () => undefined)).rejects.toMatchObject({ code: "topic_invalid" });
  });

  it("rejects a publication that a silent broker never acknowledges, and reconnects", async () => {
    // Answers CONNECT with CONNACK (3.1.1, accepted) and nothing else.
    const sockets = new Set<{ destroy(): unknown }>();
    let connections = 0;
    const server = createServer((socket) => {
      connections++;
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.once("data", () => socket.write(Buffer.from([0x20, 0x03, 0x00, 0x00, 0x00])));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const link = bus(typeof address === "object" && address ? address.port : 0, { ackTimeoutMs: 40 });
    await online(link);
    await expect(link.publish("t", utf8("x"), { qos: 1, retain: false })).rejects.toMatchObject({
      code: "link_down",
    });
    await until("a second connection", () => connections > 1);
    await link[Symbol.asyncDispose]();
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
});

describe("the packet size guard", () => {
  it("follows packet boundaries through chunks of any size", () => {
    const packet = Uint8Array.from([
      0x30,
      0x80,
      0x01,
      ...new Array(128).fill(7),
      0xd0,
      0x00,
      0x30,
      0x01,
      0x09,
    ]);
    const whole = new PacketSizeGuard(128);
    expect(whole.accept(packet)).toBe(true);
    const single = new PacketSizeGuard(128);
    expect([...packet].every((byte) => single.accept(Uint8Array.of(byte)))).toBe(true);
  });

  it("refuses a packet by its announced length, before its content, and an endless length", () => {
    expect(new PacketSizeGuard(127).accept(Uint8Array.of(0x30, 0x80, 0x01))).toBe(false);
    expect(new PacketSizeGuard(2 ** 31).accept(Uint8Array.of(0x30, 0x80, 0x80, 0x80, 0x80))).toBe(false);
  });
});
