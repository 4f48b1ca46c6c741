/** An MQTT 3.1.1 broker inside the process (aedes), for demonstrations, tests and single boards without a site broker. */
import { createServer, type Server, type Socket } from "node:net";
import { Aedes } from "aedes";
import { messageOf } from "../core/errors.ts";
import { LINK_LIMITS } from "../core/limits.ts";
import type { Log } from "../ports/log.ts";
import { PacketSizeGuard } from "./mqtt-socket.ts";

export interface EmbeddedBrokerOptions {
  readonly log: Log;
  /** Default 127.0.0.1: reachable from this machine only. */
  readonly host?: string;
  /** Default 0: any free port. */
  readonly port?: number;
  /** Default 128. */
  readonly maxClients?: number;
  /** Default 1 MiB. */
  readonly maxPacketBytes?: number;
}

export class EmbeddedBroker implements AsyncDisposable {
  readonly #options: EmbeddedBrokerOptions;
  readonly #sockets = new Set<Socket>();
  #aedes: Aedes | null = null;
  #server: Server | null = null;

  constructor(options: EmbeddedBrokerOptions) {
    this.#options = options;
  }

  /** Resolves when connections are accepted. Rejects with the system's error, for example EADDRINUSE. */
  async start(): Promise<{ readonly host: string; readonly port: number }> {
    const { host = "127.0.0.1", port = 0, maxClients = 128, log } = this.#options;
    const aedes = await Aedes.createBroker({
      connectTimeout: LINK_LIMITS.openMs,
      queueLimit: 1024,
      maxClientsIdLength: 128,
      maxTopicLevels: 16,
    });
    aedes.on("clientError", (client, error) =>
      log.debug("broker_client_error", { client: client.id, problem: messageOf(error) }),
    );
    aedes.on("connectionError", (_client, error) =>
      log.debug("broker_connection_error", { problem: messageOf(error) }),
    );
    const server = createServer((socket) => this.#accept(aedes, socket));
    server.maxConnections = maxClients;
    this.#aedes = aedes;
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, host, () => {
        server.removeListener("error", reject);
        server.on("error", (error) => log.error("broker_error", { problem: messageOf(error) }));
        resolve();
      });
    });
    const address = server.address();
    return { host, port: typeof address === "object" && address ? address.port : port };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const [server, aedes] = [this.#server, this.#aedes];
    this.#server = null;
    this.#aedes = null;
    for (const socket of this.#sockets) socket.destroy();
    if (server?.listening) await new Promise<void>((resolve) => server.close(() => resolve()));
    if (aedes) await new Promise<void>((resolve) => aedes.close(() => resolve()));
  }

  #accept(aedes: Aedes, socket: Socket): void {
    const guard = new PacketSizeGuard(this.#options.maxPacketBytes ?? LINK_LIMITS.brokerPacketBytes);
    socket.setNoDelay(true);
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", (error) =>
      this.#options.log.debug("broker_socket_error", { problem: messageOf(error) }),
    );
    socket.on("data", (chunk: Buffer) => {
      if (!guard.accept(chunk)) socket.destroy();
    });
    aedes.handle(socket);
  }
}
