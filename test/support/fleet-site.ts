/** A site of several devices on one broker: their folders, one roster with all of them, one operator, real daemons. */
import { type ChildProcess, spawn } from "node:child_process";
import { appendFile, copyFile, readFile, writeFile } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { basename, join } from "node:path";
import { NodeFiles } from "../../firmware/adapters/node-files.ts";
import { SystemEntropy } from "../../firmware/adapters/system-entropy.ts";
import { initialise } from "../../firmware/composition/init.ts";
import { addToRoster, devicesIn } from "../../firmware/composition/roster-file.ts";
import { Daemon, TemporaryFolder, until } from "./daemon.ts";

export interface SiteDevice {
  readonly id: string;
  readonly dir: string;
}

export interface SiteOptions {
  readonly names: readonly string[];
  readonly fleet: string;
  /** Broker of each device by name. */
  readonly brokerUrl: (name: string) => string;
  /** Smallest digest interval in ms; default: the product's. */
  readonly gossipMs?: number;
}

/** The first device's operator and roster serve all: what a person does with `imuctl init` and `imuctl roster add`. */
export async function makeSite(root: string, options: SiteOptions): Promise<readonly SiteDevice[]> {
  const files = new NodeFiles();
  const devices: SiteDevice[] = [];
  let operatorKeyPem: string | null = null;
  for (const name of options.names) {
    const dir = join(root, name);
    const made = await initialise({
      files,
      entropy: new SystemEntropy(),
      nowMs: Date.now(),
      dir,
      board: "sim",
      fleet: options.fleet,
      broker: { url: options.brokerUrl(name) },
      operatorKeyPem,
    });
    operatorKeyPem ??= await readFile(join(dir, "operator", "operator.pub"), "utf8");
    if (options.gossipMs !== undefined)
      await appendFile(made.configPath, `gossip: { minIntervalMs: ${options.gossipMs} }\n`);
    devices.push({ id: made.deviceId, dir });
  }
  await joinRosters(devices, options.fleet);
  return devices;
}

/** Puts every device into the first one's roster and gives all of them its files, and its authority. */
export async function joinRosters(devices: readonly SiteDevice[], fleet: string): Promise<void> {
  const files = new NodeFiles();
  const [first, ...others] = devices;
  if (!first) return;
  const rows = [];
  for (const { dir } of others) {
    const name = join(dir, "roster.json");
    rows.push(...devicesIn(await readFile(name), { fleet, board: "sim", name }));
  }
  const added = await addToRoster(files, join(first.dir, "roster.json"), rows, Date.now());
  for (const { dir } of others) {
    for (const file of added.files) await copyFile(file, join(dir, basename(file)));
    await copyFile(join(first.dir, "authority.json"), join(dir, "authority.json"));
  }
}

const listening = async (server: Server, port: number): Promise<number> => {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const address = server.address();
  return typeof address === "object" && address ? address.port : 0;
};

const closed = (server: Server): Promise<void> => new Promise((resolve) => server.close(() => resolve()));

/** Mosquitto without TLS and passwords, as a test bench needs it. */
export class PlainMosquitto implements AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #folder: TemporaryFolder;

  private constructor(port: number, child: ChildProcess, folder: TemporaryFolder) {
    this.port = port;
    this.url = `mqtt://127.0.0.1:${port}`;
    this.#child = child;
    this.#folder = folder;
  }

  static async start(): Promise<PlainMosquitto> {
    const probe = createServer();
    const port = await listening(probe, 0);
    await closed(probe);
    const folder = await TemporaryFolder.create();
    const file = join(folder.path, "mosquitto.conf");
    await writeFile(file, `listener ${port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n`);
    const child = spawn("mosquitto", ["-c", file], { stdio: "ignore" });
    await until("mosquitto accepts connections", () => accepts(port));
    return new PlainMosquitto(port, child, folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once("exit", resolve));
    if (this.#child.exitCode === null && this.#child.kill("SIGKILL")) await gone;
    await this.#folder[Symbol.asyncDispose]();
  }
}

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });

/** A wire between a device and the broker that can be cut: then connections break and new ones are refused. */
export class Wire implements AsyncDisposable {
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;
  #port = 0;

  private constructor(target: number) {
    this.#target = target;
  }

  static async to(port: number): Promise<Wire> {
    const wire = new Wire(port);
    await wire.mend();
    return wire;
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.#port}`;
  }

  async cut(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    for (const socket of this.#sockets) socket.destroy();
    if (server) await closed(server);
  }

  async mend(): Promise<void> {
    const server = createServer((near) => {
      const far = connect(this.#target, "127.0.0.1");
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const) {
        socket.setNoDelay(true);
        this.#sockets.add(socket);
        socket.on("error", () => socket.destroy());
        socket.on("close", () => {
          this.#sockets.delete(socket);
          other.destroy();
        });
        socket.pipe(other);
      }
    });
    this.#port = await listening(server, this.#port);
    this.#server = server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cut();
  }
}

export const startAll = (devices: readonly SiteDevice[]): Promise<readonly Daemon[]> =>
  Promise.all(devices.map(({ dir }) => Daemon.start(dir)));
