/** What a broker does for clients that speak to it directly: one table for the model and for Mosquitto. */
import { expect, it } from "vitest";
import type { Qos } from "../../../sim/network/messages.ts";

export interface Received {
  readonly topic: string;
  readonly body: string;
  readonly qos: Qos;
  readonly retain: boolean;
  readonly dup: boolean;
}

export interface ContractMessage {
  readonly qos?: Qos;
  readonly retain?: boolean;
}

export interface ContractConnect {
  readonly protocol?: "5" | "3.1.1";
  readonly clean?: boolean;
  readonly expirySeconds?: number;
  readonly will?: { readonly topic: string; readonly body: string; readonly retain?: boolean };
  /** False: deliveries are never acknowledged. */
  readonly acknowledges?: boolean;
}

export interface ContractClient {
  /** In the order of arrival, without the markers of `settled`. */
  readonly received: readonly Received[];
  readonly isConnected: boolean;
  readonly sessionPresent: boolean;
  /** The granted QoS, or the reason code. */
  subscribe(filter: string, qos: Qos): Promise<number>;
  unsubscribe(filter: string): Promise<void>;
  /** Resolves when the broker has acknowledged. */
  publish(topic: string, body: string, options?: ContractMessage): Promise<void>;
  disconnect(): Promise<void>;
  drop(): Promise<void>;
}

export interface ContractBroker {
  connect(clientId: string, options?: ContractConnect): Promise<ContractClient>;
  /** Everything accepted before has been delivered to these clients. */
  settled(...clients: ContractClient[]): Promise<void>;
  until(condition: () => boolean): Promise<void>;
}

const bodies = (client: ContractClient): string[] => client.received.map(({ body }) => body);
const numbered = (count: number): string[] => Array.from({ length: count }, (_, i) => `m${i}`);

async function retainedMessages(site: ContractBroker): Promise<void> {
  const a = await site.connect("a");
  await a.publish("r/1", "old", { qos: 1, retain: true });
  await a.publish("r/1", "on", { qos: 1, retain: true });
  await a.publish("r/2", "zero", { qos: 0, retain: true });
  const b = await site.connect("b");
  await b.subscribe("r/+", 1);
  await site.settled(b);
  await a.publish("r/1", "live", { qos: 1, retain: true });
  await site.settled(b);

  const sorted = [...b.received].sort((x, y) => (x.topic + x.body < y.topic + y.body ? -1 : 1));
  expect(sorted).toEqual([
    { topic: "r/1", body: "live", qos: 1, retain: false, dup: false },
    { topic: "r/1", body: "on", qos: 1, retain: true, dup: false },
    { topic: "r/2", body: "zero", qos: 0, retain: true, dup: false },
  ]);
}

async function clearing(site: ContractBroker): Promise<void> {
  const a = await site.connect("a");
  const b = await site.connect("b");
  await b.subscribe("r", 1);
  await a.publish("r", "on", { qos: 1, retain: true });
  await a.publish("r", "", { qos: 1, retain: true });
  await site.settled(b);
  const late = await site.connect("late");
  await late.subscribe("r", 1);
  await site.settled(late);

  expect(b.received.map(({ body, retain }) => [body, retain])).toEqual([
    ["on", false],
    ["", false],
  ]);
  expect(late.received).toEqual([]);
}

async function qualities(site: ContractBroker): Promise<void> {
  const a = await site.connect("a");
  const seen: string[] = [];
  for (const granted of [0, 1, 2] as const) {
    const b = await site.connect(`b${granted}`);
    expect(await b.subscribe("q", granted)).toBe(granted);
    for (const qos of [0, 1, 2] as const) await a.publish("q", `p${qos}`, { qos });
    await site.settled(b);
    seen.push(b.received.map(({ body, qos }) => `${body}>${qos}`).join(" "));
    await b.disconnect();
  }
  expect(seen).toEqual(["p0>0 p1>0 p2>0", "p0>0 p1>1 p2>1", "p0>0 p1>1 p2>2"]);
}

async function order(site: ContractBroker): Promise<void> {
  const a = await site.connect("a");
  const b = await site.connect("b");
  await b.subscribe("o", 1);
  for (const body of numbered(60)) await a.publish("o", body, { qos: 1 });
  await site.settled(b);
  expect(bodies(b)).toEqual(numbered(60));
}

async function wildcards(site: ContractBroker): Promise<void> {
  const a = await site.connect("a");
  const seen: Record<string, string[]> = {};
  for (const filter of ["w/#", "w/+", "+/+", "#", "w/+/#", "$x/#", "+"]) {
    const b = await site.connect("b");
    await b.subscribe(filter, 1);
    for (const topic of ["w", "w/a", "w/a/b", "w/", "$x/a"]) await a.publish(topic, topic, { qos: 1 });
    await site.settled(b);
    seen[filter] = bodies(b);
    await b.disconnect();
  }
  expect(seen).toEqual({
    "w/#": ["w", "w/a", "w/a/b", "w/"],
    "w/+": ["w/a", "w/"],
    "+/+": ["w/a", "w/"],
    "#": ["w", "w/a", "w/a/b", "w/"],
    "w/+/#": ["w/a", "w/a/b", "w/"],
    "$x/#": ["$x/a"],
    "+": ["w"],
  });
}

async function overlapping(site: ContractBroker): Promise<void> {
  const a = await site.connect("a");
  const counts: number[] = [];
  for (const protocol of ["5", "3.1.1"] as const) {
    const b = await site.connect("b", { protocol, clean: true });
    for (const filter of ["v/#", "v/+", "v/x"]) await b.subscribe(filter, 1);
    await a.publish("v/x", "m", { qos: 1 });
    await site.settled(b);
    counts.push(b.received.length);
    await b.disconnect();
  }
  expect(counts).toEqual([3, 1]);
}

async function sameFilterTwice(site: ContractBroker): Promise<void> {
  const a = await site.connect("a");
  const b = await site.connect("b");
  await a.publish("t", "kept", { qos: 1, retain: true });
  await b.subscribe("t", 1);
  await b.subscribe("t", 0);
  await a.publish("t", "new", { qos: 1 });
  await site.settled(b);
  expect(b.received.map(({ body, qos }) => `${body}>${qos}`)).toEqual(["kept>1", "kept>0", "new>0"]);
  await b.unsubscribe("t");
  await a.publish("t", "after", { qos: 1 });
  await site.settled(b);
  expect(bodies(b)).not.toContain("after");
}

async function willOnDrop(site: ContractBroker): Promise<void> {
  const b = await site.connect("b");
  await b.subscribe("will", 1);
  const a = await site.connect("a", { will: { topic: "will", body: "gone", retain: true } });
  await a.drop();
  await site.until(() => b.received.length > 0);
  const late = await site.connect("late");
  await late.subscribe("will", 1);
  await site.settled(b, late);

  expect(b.received).toEqual([{ topic: "will", body: "gone", qos: 1, retain: false, dup: false }]);
  expect(late.received).toEqual([{ topic: "will", body: "gone", qos: 1, retain: true, dup: false }]);
}

async function noWillOnDisconnect(site: ContractBroker): Promise<void> {
  const b = await site.connect("b");
  await b.subscribe("will", 1);
  const a = await site.connect("a", { will: { topic: "will", body: "gone" } });
  await a.disconnect();
  await site.settled(b);
  expect(b.received).toEqual([]);
}

async function takeover(site: ContractBroker): Promise<void> {
  const b = await site.connect("b");
  await b.subscribe("will", 1);
  const first = await site.connect("same", { will: { topic: "will", body: "put out" } });
  await first.subscribe("t", 1);
  const second = await site.connect("same");
  await site.until(() => !first.isConnected);
  await b.publish("t", "m", { qos: 1 });
  await site.settled(b, second);

  expect(bodies(b)).toEqual(["put out"]);
  expect([first.received, second.received]).toEqual([[], []]);
  expect(second.isConnected).toBe(true);
}

async function persistentSession(site: ContractBroker): Promise<void> {
  const a = await site.connect("a");
  const before = await site.connect("p", { expirySeconds: 3600 });
  await before.subscribe("s", 2);
  await before.drop();
  for (const qos of [0, 1, 2] as const) await a.publish("s", `q${qos}`, { qos });
  const after = await site.connect("p", { expirySeconds: 3600 });
  await site.settled(after);
  expect(after.sessionPresent).toBe(true);
  expect(after.received.map(({ body, qos, dup }) => [body, qos, dup])).toEqual([
    ["q1", 1, false],
    ["q2", 2, false],
  ]);

  await after.drop();
  await a.publish("s", "lost", { qos: 1 });
  const clean = await site.connect("p", { clean: true, expirySeconds: 3600 });
  await a.publish("s", "also lost", { qos: 1 });
  await site.settled(clean);
  expect([clean.sessionPresent, clean.received]).toEqual([false, []]);
}

async function endsWithConnection(site: ContractBroker): Promise<void> {
  const a = await site.connect("a");
  const before = await site.connect("p", { expirySeconds: 0 });
  await before.subscribe("s", 1);
  await before.disconnect();
  await a.publish("s", "m", { qos: 1 });
  const after = await site.connect("p", { expirySeconds: 0 });
  await site.settled(after);
  expect([after.sessionPresent, after.received]).toEqual([false, []]);
}

async function redelivery(site: ContractBroker): Promise<void> {
  const a = await site.connect("a");
  const deaf = await site.connect("p", { expirySeconds: 3600, acknowledges: false });
  await deaf.subscribe("d", 1);
  for (const body of ["1", "2"]) await a.publish("d", body, { qos: 1 });
  await site.until(() => deaf.received.length === 2);
  await deaf.drop();
  await a.publish("d", "3", { qos: 1 });
  const hearing = await site.connect("p", { expirySeconds: 3600 });
  await site.settled(hearing);
  expect(deaf.received.map(({ body, dup }) => [body, dup])).toEqual([
    ["1", false],
    ["2", false],
  ]);
  expect(hearing.received.map(({ body, dup }) => [body, dup])).toEqual([
    ["1", true],
    ["2", true],
    ["3", false],
  ]);
}

async function window(site: ContractBroker): Promise<void> {
  const a = await site.connect("a");
  const deaf = await site.connect("p", { expirySeconds: 3600, acknowledges: false });
  await deaf.subscribe("d", 1);
  for (const body of numbered(25)) await a.publish("d", body, { qos: 1 });
  await site.until(() => deaf.received.length >= 20);
  const tester = await site.connect("t");
  await site.settled(tester);
  expect(bodies(deaf)).toEqual(numbered(20));
  await deaf.drop();
  const hearing = await site.connect("p", { expirySeconds: 3600 });
  await site.settled(hearing);
  expect(bodies(hearing)).toEqual(numbered(25));
}

async function sharedSubscription(site: ContractBroker): Promise<void> {
  const a = await site.connect("a");
  const members = [await site.connect("m1"), await site.connect("m2"), await site.connect("m3")];
  for (const member of members) await member.subscribe("$share/g/s/+", 1);
  for (const body of numbered(9)) await a.publish("s/1", body, { qos: 1 });
  await site.settled(...members);
  expect(members.map((member) => member.received.length)).toEqual([3, 3, 3]);
  expect(members.flatMap(bodies).sort()).toEqual(numbered(9));
  await members[0]?.disconnect();
  for (const body of ["x", "y"]) await a.publish("s/1", body, { qos: 1 });
  await site.settled(...members.slice(1));
  expect(members.map((member) => member.received.length)).toEqual([3, 4, 4]);
}

const CASES: readonly (readonly [string, (site: ContractBroker) => Promise<void>])[] = [
  ["keeps the newest retained message per topic and says so only to new subscribers", retainedMessages],
  ["clears a retained message with an empty one, which is delivered live", clearing],
  ["delivers with the smaller of both qualities", qualities],
  ["keeps the order of one publisher", order],
  ["matches wildcards, the parent of # and not $ topics", wildcards],
  ["delivers overlapping subscriptions once each with MQTT 5, once with 3.1.1", overlapping],
  ["replaces a subscription to the same filter and sends what is retained again", sameFilterTwice],
  ["publishes the will when the connection is lost", willOnDrop],
  ["publishes no will after DISCONNECT", noWillOnDisconnect],
  ["puts out the older connection of a client id, with its will", takeover],
  [
    "keeps a session over a lost connection, and QoS 1 and 2 for it; a clean start drops it",
    persistentSession,
  ],
  ["ends a session without expiry with its connection", endsWithConnection],
  ["delivers what was not acknowledged again, marked as duplicate, before what is new", redelivery],
  ["sends no more than its window unacknowledged", window],
  ["gives each message of a shared subscription to one member in turn", sharedSubscription],
];

/** Registers the table's tests for one broker, a fresh one for each. */
export function brokerContract(make: () => Promise<ContractBroker & AsyncDisposable>): void {
  it.each(CASES)("%s", async (_name, run) => {
    await using site = await make();
    await run(site);
  });
}
