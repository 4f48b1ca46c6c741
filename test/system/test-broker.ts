/** An MQTT broker in the test's own process that can go away and come back, and remembers what it acknowledged. */
import { createServer, type Server, type Socket } from "node:net";
import { Aedes } from "aedes";

export interface Received {
  /** Id of the client that sent it. */
  readonly from: string;
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly isDuplicate: boolean;
  /** Milliseconds of `performance.now()`. */
  readonly at: number;
}

export class TestBroker implements AsyncDisposable {
  readonly received: Received[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #listeners = new Set<(message: Received) => void>();
  #server: Server | null = null;
  #aedes: Aedes | null = null;
  #port = 0;

  static async start(): Promise<TestBroker> {
    const broker = new TestBroker();
    await broker.resume();
    return broker;
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.#port}`;
  }

  /** Tells of every message as it arrives. */
  onMessage(listener: (message: Received) => void): void {
    this.#listeners.add(listener);
  }

  /** Publishes as the site would. */
  async publish(topic: string, payload: Uint8Array): Promise<void> {
    const aedes = this.#aedes;
    if (!aedes) throw new Error("the broker is away");
    const packet = {
      cmd: "publish",
      topic,
      payload: Buffer.from(payload),
      qos: 1,
      retain: false,
      dup: false,
    } as const;
    await new Promise<void>((resolve, reject) =>
      aedes.publish(packet, (error) => (error ? reject(error) : resolve())),
    );
  }

  /** True while a client has a subscription that the broker would serve. */
  get clients(): number {
    return this.#aedes?.connectedClients ?? 0;
  }

  /** Every connection is cut and new ones are refused. */
  async stop(): Promise<void> {
    const [server, aedes] = [this.#server, this.#aedes];
    this.#server = null;
    this.#aedes = null;
    for (const socket of this.#sockets) socket.destroy();
    if (server) await new Promise<void>((resolve) => server.close(() => resolve()));
    if (aedes) await new Promise<void>((resolve) => aedes.close(() => resolve()));
  }

  /** A broker without memory at the same address. */
  async resume(): Promise<void> {
    const aedes = await Aedes.createBroker();
    aedes.on("publish", (packet, client) => {
      if (client === null) return;
      const { topic, payload, dup } = packet;
      const message = {
        from: client.id,
        topic,
        payload: new Uint8Array(Buffer.from(payload)),
        isDuplicate: dup,
        at: performance.now(),
      };
      this.received.push(message);
      for (const listener of this.#listeners) listener(message);
    });
    const server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
      socket.on("error", () => socket.destroy());
      aedes.handle(socket);
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.#port, "127.0.0.1", resolve);
    });
    const address = server.address();
    if (typeof address === "object" && address) this.#port = address.port;
    this.#server = server;
    this.#aedes = aedes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
