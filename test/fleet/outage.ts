/** One scenario for any broker: it goes away while a device speaks, and comes back. */

import { expect } from "vitest";
import { MqttBus } from "../../firmware/adapters/mqtt-bus.ts";
import { mqttConnect } from "../../firmware/adapters/mqtt-link.ts";
import type { MqttEndpoint } from "../../firmware/adapters/mqtt-socket.ts";
import { fromUtf8, utf8 } from "../../firmware/core/bytes.ts";
import type { OutboxClass } from "../../firmware/fleet/outbox-queue.ts";
import type { Clock } from "../../firmware/ports/clock.ts";
import { MemoryStore } from "../../sim/disk/memory-store.ts";
import { startDevice, topics } from "./device.ts";
import { entropy, realClock, silentLog, until } from "./support.ts";

export interface OutageBroker {
  readonly endpoint: MqttEndpoint;
  readonly credentials: (user: "device" | "operator") => {
    readonly username?: string;
    readonly password?: string;
  };
  stop(): Promise<void>;
  restart(): Promise<void>;
}

const EACH = 20;

/** Speaks before, during and after the outage; expects every message at least once, in order, logic first. */
export async function surviveOutage(broker: OutageBroker): Promise<void> {
  // The device comes back only after the watcher has subscribed again: nobody else would see what it says.
  let gate: Promise<void> = Promise.resolve();
  let openGate = (): void => undefined;
  const real = realClock();
  const gated: Clock = {
    bootId: real.bootId,
    wallMs: () => real.wallMs(),
    monoMs: () => real.monoMs(),
    trust: () => real.trust(),
    after: (ms, callback) => real.after(ms, callback),
    yield: () => real.yield(),
    sleep: async (ms, signal) => {
      await gate;
      await real.sleep(ms, signal);
    },
  };
  const connect = (user: "device" | "operator"): MqttBus =>
    new MqttBus({
      connect: mqttConnect(broker.endpoint, user === "device" ? gated : real),
      clientId: `${user}-${entropy.below(2 ** 32)}`,
      ...broker.credentials(user),
      clock: user === "device" ? gated : real,
      entropy,
      log: silentLog,
      minBackoffMs: 50,
      maxBackoffMs: 200,
    });
  await using watcher = connect("operator");
  await using bus = connect("device");
  const arrived: string[] = [];
  for (const filter of [topics.event("e"), topics.telemetry("t"), topics.telemetry("l")]) {
    await watcher.subscribe(filter, ({ payload }) => {
      const id = fromUtf8(payload);
      if (!arrived.includes(id)) arrived.push(id);
    });
  }
  await using device = await startDevice({
    bus,
    store: new MemoryStore(),
    clock: realClock(),
    keys: [],
    handlers: {},
  });
  const online = (): boolean => bus.state === "online" && watcher.state === "online";
  await until("both online", online);
  const topicOf = { logic: topics.event("e"), telemetry: topics.telemetry("t"), logs: topics.telemetry("l") };
  const say = async (flow: OutboxClass, id: string): Promise<void> => {
    await device.outbox.enqueue({ topic: topicOf[flow], class: flow, body: utf8(id), id, idem: id });
  };

  await say("logic", "before");
  await until("the first message", () => arrived.length === 1);
  gate = new Promise((resolve) => {
    openGate = resolve;
  });
  await broker.stop();
  await until("both offline", () => bus.state !== "online" && watcher.state !== "online");
  const expected: Record<OutboxClass, string[]> = { logic: [], telemetry: [], logs: [] };
  for (let i = 0; i < EACH; i++) {
    for (const flow of ["logs", "telemetry", "logic"] as const) {
      expected[flow].push(`${flow}-${i}`);
      await say(flow, `${flow}-${i}`);
    }
  }
  expect(device.outbox.stats).toMatchObject({
    depth: 3 * EACH,
    dropped: { logic: 0, telemetry: 0, logs: 0 },
  });
  await broker.restart();
  await until("the watcher online again", () => watcher.state === "online", 15_000);
  openGate();
  await until("both online again", online, 15_000);
  await say("logic", "after");
  await until("everything", () => arrived.length === 2 + 3 * EACH, 15_000);

  const of = (flow: string): string[] => arrived.filter((id) => id.startsWith(`${flow}-`));
  expect(of("logic")).toEqual(expected.logic);
  expect(of("telemetry")).toEqual(expected.telemetry);
  expect(of("logs")).toEqual(expected.logs);
  await until("an empty outbox", () => device.outbox.stats.depth === 0);
}
