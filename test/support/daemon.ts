/** A real daemon as a child process, and questions to its control socket. Disposing it leaves no process behind. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { askDaemon } from "../../firmware/adapters/control-socket.ts";
import type { Json, JsonObject } from "../../firmware/core/json.ts";

const COMPILED = {
  imud: fileURLToPath(new URL("../../dist/firmware/main.js", import.meta.url)),
  imuctl: fileURLToPath(new URL("../../dist/firmware/cli/main.js", import.meta.url)),
};

/** Path of a compiled command. @throws Error that says how to build it. */
export function compiled(command: keyof typeof COMPILED): string {
  const path = COMPILED[command];
  if (existsSync(path)) return path;
  throw new Error(`${path} does not exist: the system tests drive the compiled daemon; run "npm run build".`);
}

/** A folder of its own for one test, gone afterwards. The name is short, because socket paths are. */
export class TemporaryFolder implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async create(): Promise<TemporaryFolder> {
    return new TemporaryFolder(await mkdtemp(join(tmpdir(), "imu-")));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

/** Waits until a condition holds. @throws Error that names it after `withinMs`. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  withinMs = 10_000,
): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`Not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One run of a compiled command, with what it has printed so far. */
export class Process implements AsyncDisposable {
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;
  readonly #killed = (): void => void this.#child.kill("SIGKILL");
  #out = "";
  #err = "";
  #isEnded = false;

  constructor(command: keyof typeof COMPILED, args: readonly string[]) {
    this.#child = spawn(process.execPath, [compiled(command), ...args], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.#out += text;
    });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#err += text;
    });
    // A worker that ends in the middle of a test must not leave a daemon behind.
    process.once("exit", this.#killed);
    this.ended = new Promise((resolve, reject) => {
      this.#child.once("error", reject);
      this.#child.once("close", (code, signal) => {
        this.#isEnded = true;
        process.removeListener("exit", this.#killed);
        resolve({ code, signal });
      });
    });
  }

  get out(): string {
    return this.#out;
  }

  get err(): string {
    return this.#err;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Waits for a text on standard output. @throws Error with all that was printed if the process ends before. */
  async says(text: string, withinMs = 15_000): Promise<void> {
    const wanted = (): boolean => this.#out.includes(text);
    await until(`"${text}" is printed`, () => wanted() || this.#isEnded, withinMs);
    if (!wanted()) throw new Error(`It ended without saying "${text}":\n${this.#out}\n${this.#err}`);
  }

  /** Sends a signal and waits for the end. */
  async end(signal: NodeJS.Signals): Promise<Ended> {
    this.#child.kill(signal);
    return this.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isEnded) await this.end("SIGKILL");
  }
}

/** A daemon over a device folder with `imud.yaml` in it and `run/` as its run directory. */
export class Daemon extends Process {
  readonly #socket: string;

  private constructor(folder: string, args: readonly string[]) {
    super("imud", args);
    this.#socket = join(folder, "run", "imud.sock");
  }

  /** Starts without waiting. */
  static spawn(
    folder: string,
    options: { readonly config?: string; readonly args?: readonly string[] } = {},
  ): Daemon {
    return new Daemon(folder, options.args ?? ["--config", join(folder, options.config ?? "imud.yaml")]);
  }

  /** Resolves when it says that it runs. @throws Error with its words if it does not. */
  static async start(folder: string, options: { readonly config?: string } = {}): Promise<Daemon> {
    const daemon = Daemon.spawn(folder, options);
    try {
      await daemon.says("ledger size");
      return daemon;
    } catch (error) {
      await daemon[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** @throws CodedError: the daemon's own, or that nobody listens. */
  ask(method: string, params: JsonObject = {}): Promise<Json> {
    return askDaemon(this.#socket, method, params, 20_000);
  }
}

/** Runs imuctl to its end. */
export async function imuctl(
  args: readonly string[],
): Promise<Ended & { readonly out: string; readonly err: string }> {
  await using command = new Process("imuctl", args);
  const ended = await command.ended;
  return { ...ended, out: command.out, err: command.err };
}
