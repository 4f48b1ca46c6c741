import mqtt, { type IClientOptions, type IPublishPacket, type MqttClient } from "mqtt";
import { describe } from "vitest";
import { fromUtf8, utf8 } from "../../../firmware/core/bytes.ts";
import { RawClient } from "../../../sim/network/adversary.ts";
import { Broker } from "../../../sim/network/broker.ts";
import type { Qos } from "../../../sim/network/messages.ts";
import { until } from "../../fleet/support.ts";
import { PlainMosquitto } from "../../support/fleet-site.ts";
import { missingPrograms } from "../../system/mosquitto-broker.ts";
import {
  brokerContract,
  type ContractBroker,
  type ContractClient,
  type ContractConnect,
  type ContractMessage,
  type Received,
} from "./broker-contract.ts";

class ModelClient implements ContractClient {
  readonly #client: RawClient;
  readonly sessionPresent: boolean;

  constructor(broker: Broker, clientId: string, { will, acknowledges = true, ...request }: ContractConnect) {
    this.#client = new RawClient({ name: clientId, broker, acknowledges });
    const answer = this.#client.connect({
      ...request,
      ...(will
        ? { will: { topic: will.topic, payload: utf8(will.body), qos: 1, retain: will.retain === true } }
        : {}),
    });
    this.sessionPresent = answer.sessionPresent;
  }

  get received(): readonly Received[] {
    return this.#client.received.map(({ message, qos, retained, dup }) => {
      const { topic, payload } = message.publication;
      return { topic, body: fromUtf8(payload), qos, retain: retained, dup };
    });
  }

  get isConnected(): boolean {
    return this.#client.isConnected;
  }

  async subscribe(filter: string, qos: Qos): Promise<number> {
    return this.#client.subscribe(filter, qos);
  }

  async unsubscribe(filter: string): Promise<void> {
    this.#client.unsubscribe(filter);
  }

  async publish(topic: string, body: string, options: ContractMessage = {}): Promise<void> {
    this.#client.publish(topic, utf8(body), { qos: 0, ...options });
  }

  async disconnect(): Promise<void> {
    this.#client.disconnect();
  }

  async drop(): Promise<void> {
    this.#client.drop();
  }
}

async function model(): Promise<ContractBroker & AsyncDisposable> {
  const broker = new Broker({ nowUs: () => 0 });
  return {
    connect: async (clientId, options = {}) => new ModelClient(broker, clientId, options),
    settled: async () => undefined,
    until: async (condition) => {
      if (!condition()) throw new Error("The model delivers at once.");
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

const MARKER = "marker";

function realOptions(clientId: string, options: ContractConnect): IClientOptions {
  const { protocol = "5", clean = false, expirySeconds = 0, will } = options;
  return {
    clientId,
    clean,
    reconnectPeriod: 0,
    resubscribe: false,
    protocolVersion: protocol === "5" ? 5 : 4,
    ...(protocol === "5" ? { properties: { sessionExpiryInterval: expirySeconds } } : {}),
    ...(will
      ? { will: { topic: will.topic, payload: Buffer.from(will.body), qos: 1, retain: will.retain === true } }
      : {}),
  };
}

class RealClient implements ContractClient {
  readonly received: Received[] = [];
  markers = 0;
  sessionPresent = false;
  readonly #client: MqttClient;
  readonly #acknowledges: boolean;

  constructor(url: string, clientId: string, options: ContractConnect) {
    this.#acknowledges = options.acknowledges !== false;
    this.#client = mqtt.connect(url, realOptions(clientId, options));
    this.#client.on("error", () => undefined);
    this.#client.on("packetreceive", (packet) => {
      if (packet.cmd === "connack") this.sessionPresent = packet.sessionPresent;
      if (packet.cmd === "publish") this.#note(packet);
    });
  }

  get isConnected(): boolean {
    return this.#client.connected;
  }

  async opened(): Promise<this> {
    await until("connected", () => this.#client.connected);
    return this;
  }

  async subscribe(filter: string, qos: Qos): Promise<number> {
    const [granted] = await this.#client.subscribeAsync(filter, { qos });
    // Whatever it says from now on stays unsaid; it goes on reading.
    if (!this.#acknowledges) this.#client.stream.write = () => true;
    return granted?.qos ?? 0x80;
  }

  async unsubscribe(filter: string): Promise<void> {
    await this.#client.unsubscribeAsync(filter);
  }

  async publish(topic: string, body: string, options: ContractMessage = {}): Promise<void> {
    await this.#client.publishAsync(topic, body, { qos: 0, ...options });
  }

  async disconnect(): Promise<void> {
    const gone = new Promise<void>((resolve) => this.#client.once("close", () => resolve()));
    await this.#client.endAsync();
    await gone;
  }

  async drop(): Promise<void> {
    const gone = new Promise<void>((resolve) => this.#client.once("close", () => resolve()));
    this.#client.stream.destroy();
    await gone;
  }

  async end(): Promise<void> {
    await this.#client.endAsync(true);
  }

  #note({ topic, payload, qos, retain, dup }: IPublishPacket): void {
    if (topic === MARKER) this.markers++;
    else this.received.push({ topic, body: payload.toString(), qos, retain, dup });
  }
}

async function mosquitto(): Promise<ContractBroker & AsyncDisposable> {
  const process = await PlainMosquitto.start();
  const clients: RealClient[] = [];
  const connect = async (clientId: string, options: ContractConnect = {}): Promise<RealClient> => {
    const client = new RealClient(process.url, clientId, options);
    clients.push(client);
    return client.opened();
  };
  return {
    connect,
    settled: async (...some) => {
      const marked = clients.filter((client) => some.includes(client));
      for (const client of marked) {
        const before = client.markers;
        await client.subscribe(MARKER, 1);
        await client.publish(MARKER, "", { qos: 1 });
        await until("the marker", () => client.markers > before);
        await client.unsubscribe(MARKER);
      }
    },
    until: (condition) => until("the condition", condition),
    [Symbol.asyncDispose]: async () => {
      for (const client of clients) await client.end();
      await process[Symbol.asyncDispose]();
    },
  };
}

describe("the broker model", () => brokerContract(model));

describe.skipIf(missingPrograms().length > 0)("Mosquitto", () => brokerContract(mosquitto));
