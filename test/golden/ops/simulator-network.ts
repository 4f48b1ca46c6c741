import { fromUtf8, utf8 } from "../../../firmware/core/bytes.ts";
import { topicMatches } from "../../../firmware/core/topic-filter.ts";
import { RawClient } from "../../../sim/network/adversary.ts";
import { Broker } from "../../../sim/network/broker.ts";
import { hostileFate } from "../../../sim/network/link-model.ts";
import type { Publication } from "../../../sim/network/messages.ts";
import { SeededEntropy } from "../../../sim/time/entropy.ts";
import type { Given, OpModule } from "../registry.ts";

function publication(given: Given): Publication {
  return {
    topic: given.topic,
    payload: utf8(given.body),
    qos: given.qos ?? 0,
    retain: given.retain === true,
    ...(given.expiryS === undefined ? {} : { expirySeconds: given.expiryS }),
  };
}

function broker(given: Given) {
  let nowUs = 0;
  const model = new Broker({ ...given.broker, nowUs: () => nowUs, overlapping: "once" });
  const clients = new Map<string, RawClient>();
  const deliveries: Record<string, unknown[]> = {};
  const client = (name: string): RawClient => {
    const known = clients.get(name);
    if (known) return known;
    const made = new RawClient({
      name,
      broker: model,
      onDelivered: ({ message, qos, retained }) => {
        const { topic, payload } = message.publication;
        deliveries[name] ??= [];
        deliveries[name].push({ topic, body: fromUtf8(payload), qos, ...(retained ? { retain: true } : {}) });
      },
    });
    clients.set(name, made);
    return made;
  };
  const steps: Record<string, (op: Given) => unknown> = {
    connect: (op) =>
      client(op.c).connect({
        clean: op.clean === true,
        expirySeconds: op.expiryS ?? 0,
        ...(op.receiveMaximum === undefined ? {} : { receiveMaximum: op.receiveMaximum }),
        ...(op.will ? { will: publication(op.will) } : {}),
      }),
    subscribe: (op) => client(op.c).subscribe(op.f, op.qos),
    unsubscribe: (op) => client(op.c).unsubscribe(op.f),
    publish: (op) =>
      op.c === undefined || !client(op.c).isConnected
        ? model.publish(null, publication(op))
        : client(op.c).publish(op.topic, utf8(op.body), publication(op)),
    disconnect: (op) => client(op.c).disconnect(),
    drop: (op) => client(op.c).drop(),
    restart: () => model.restart(),
  };
  for (const op of given.ops) {
    nowUs = op.t * 1e6;
    const step = steps[op.do];
    if (!step) throw new Error(`no step ${op.do}`);
    step(op);
  }
  return { deliveries };
}

function fates(given: Given) {
  const entropy = new SeededEntropy(given.seed, given.stream);
  const arrivals = Array.from({ length: given.messages }, () => hostileFate(entropy, given.config));
  return { fates: arrivals.map((delays) => (delays.length === 0 ? "lost" : delays)) };
}

export const modules: readonly OpModule[] = [
  {
    area: "simulator",
    ops: {
      "mqtt.match": (given) => ({
        match: given.pairs.map(({ filter, topic }: Given) => topicMatches(filter, topic)),
      }),
      "mqtt.broker": broker,
      "link.fates": fates,
    },
  },
];
