/** What the model does beyond the table it shares with Mosquitto: time, limits, and the letter of the standard. */
import { describe, expect, it } from "vitest";
import { fromUtf8, utf8 } from "../../../firmware/core/bytes.ts";
import { RawClient } from "../../../sim/network/adversary.ts";
import { Broker, type BrokerOptions } from "../../../sim/network/broker.ts";

function aBroker(options: Partial<BrokerOptions> = {}) {
  let nowUs = 0;
  const broker = new Broker({ nowUs: () => nowUs, ...options });
  const client = (name: string, request = {}): RawClient => {
    const made = new RawClient({ name, broker });
    made.connect(request);
    return made;
  };
  return {
    broker,
    client,
    passSeconds: (seconds: number) => {
      nowUs += seconds * 1e6;
    },
  };
}

const bodies = (client: RawClient): string[] =>
  client.received.map(({ message }) => fromUtf8(message.publication.payload));

describe("the broker model", () => {
  it("forgets a session whose expiry has passed, to the microsecond", () => {
    for (const [seconds, present] of [
      [59.999999, true],
      [60, false],
    ] as const) {
      const { client, passSeconds } = aBroker();
      const a = client("a", { expirySeconds: 60 });
      a.subscribe("t");
      a.drop();
      passSeconds(seconds);
      client("b").publish("t", utf8("m"));
      expect(a.connect({ expirySeconds: 60 }).sessionPresent).toBe(present);
      expect(bodies(a)).toEqual(present ? ["m"] : []);
    }
  });

  it("keeps a 3.1.1 session without clean session for good", () => {
    const { client, passSeconds } = aBroker();
    const a = client("a", { protocol: "3.1.1" });
    a.drop();
    passSeconds(1e6);
    expect(a.connect({ protocol: "3.1.1" }).sessionPresent).toBe(true);
    a.drop();
    expect(a.connect({ protocol: "3.1.1", clean: true }).sessionPresent).toBe(false);
  });

  it("does not deliver a retained message that has expired", () => {
    const { client, passSeconds, broker } = aBroker();
    client("a").publish("t", utf8("old"), { retain: true, expirySeconds: 10 });
    passSeconds(10);
    const b = client("b");
    b.subscribe("#");
    expect([b.received, broker.retainedTopics]).toEqual([[], []]);
  });

  it("takes a QoS 2 message once, however often it is sent before PUBREL", () => {
    const { broker, client } = aBroker();
    const b = client("b");
    b.subscribe("t", 2);
    client("a");
    const session = broker.session("a");
    if (!session) throw new Error("no session");
    const message = { topic: "t", payload: utf8("m"), qos: 2 } as const;
    for (let i = 0; i < 3; i++) broker.publish(session, message, 7);
    expect(bodies(b)).toEqual(["m"]);
    broker.released(session, 7);
    broker.publish(session, message, 7);
    expect(bodies(b)).toEqual(["m", "m"]);
  });

  it("puts out a client that exceeds the receive maximum, with its will", () => {
    const { broker, client } = aBroker({ receiveMaximum: 2 });
    const b = client("b");
    b.subscribe("will");
    const a = client("a", { will: { topic: "will", payload: utf8("out"), qos: 1 } });
    const session = broker.session("a");
    if (!session) throw new Error("no session");
    const codes = [1, 2, 3].map((packetId) =>
      broker.publish(session, { topic: "t", payload: utf8("m"), qos: 2 }, packetId),
    );
    expect(codes).toEqual([0x10, 0x10, 0x93]);
    expect([a.closedWith, bodies(b)]).toEqual([0x93, ["out"]]);
  });

  it("sends nothing retained to a shared subscription, and passes over members that are away", () => {
    // MQTT 5.0, 3.8.4. Mosquitto 2.0.11 does send it.
    const { client } = aBroker();
    const a = client("a");
    a.publish("s", utf8("kept"), { retain: true });
    const [one, two] = [client("one", { expirySeconds: 60 }), client("two", { expirySeconds: 60 })];
    for (const member of [one, two]) member.subscribe("$share/g/s");
    one.drop();
    for (const word of ["1", "2"]) a.publish("s", utf8(word));
    expect([bodies(one), bodies(two)]).toEqual([[], ["1", "2"]]);
    two.drop();
    a.publish("s", utf8("3"));
    for (const member of [one, two]) member.connect({ expirySeconds: 60 });
    expect([bodies(one), bodies(two)]).toEqual([["3"], ["1", "2"]]);
  });

  it("keeps persistent sessions over a restart, others not, and publishes no wills", () => {
    const { broker, client } = aBroker();
    const will = { topic: "will", payload: utf8("gone"), qos: 1, retain: true };
    const kept = client("kept", { expirySeconds: 60, will });
    const lost = client("lost", { will });
    for (const one of [kept, lost]) one.subscribe("t");
    broker.restart();
    expect([kept.closedWith, kept.isConnected, broker.retainedTopics]).toEqual([null, false, []]);
    client("a").publish("t", utf8("m"));
    expect([kept.connect({ expirySeconds: 60 }), lost.connect()].map((one) => one.sessionPresent)).toEqual([
      true,
      false,
    ]);
    expect([bodies(kept), bodies(lost)]).toEqual([["m"], []]);
  });

  it("can deliver to overlapping subscriptions once, with the highest quality", () => {
    const { client } = aBroker({ overlapping: "once" });
    const b = client("b");
    b.subscribe("t", 0);
    b.subscribe("+", 2);
    client("a").publish("t", utf8("m"), { qos: 2 });
    expect(b.received.map(({ qos }) => qos)).toEqual([2]);
  });
});
