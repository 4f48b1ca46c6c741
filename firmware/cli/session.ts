/** One invocation of a command: its common options, its streams, and where the device's data is. */
import { dirname, join, resolve } from "node:path";
import { askDaemon } from "../adapters/control-socket.ts";
import { loadConfig } from "../composition/config.ts";
import type { Config } from "../composition/config-schema.ts";
import type { Json, JsonObject } from "../core/json.ts";
import { CONTROL_LIMITS } from "../core/limits.ts";
import { FAILED, OK } from "./exit-codes.ts";
import type { Io } from "./io.ts";

export const DEFAULT_CONFIG = "/etc/imud/imud.yaml";

export interface CommonOptions {
  readonly config?: string;
  readonly state?: string;
  readonly json?: boolean;
  readonly debug?: boolean;
}

export class Session {
  readonly io: Io;
  readonly isJson: boolean;
  readonly configPath: string;
  /** A state directory given by hand: read as it lies, without configuration and without a daemon. */
  readonly stateDir: string | null;
  #config: Promise<Config> | null = null;

  constructor(io: Io, options: CommonOptions) {
    this.io = io;
    this.isJson = options.json === true;
    this.configPath = resolve(io.cwd, options.config ?? io.env.IMUD_CONFIG ?? DEFAULT_CONFIG);
    this.stateDir = options.state === undefined ? null : resolve(io.cwd, options.state);
  }

  /** @throws CodedError `config_invalid` (422) with path, line and remedy. */
  config(): Promise<Config> {
    this.#config ??= loadConfig(this.io.files, this.configPath);
    return this.#config;
  }

  path(name: string): string {
    return resolve(this.io.cwd, name);
  }

  get configDir(): string {
    return dirname(this.configPath);
  }

  /** A result: JSON if asked for, else the text. */
  result(value: unknown, text: string): void {
    this.io.out(this.isJson ? `${JSON.stringify(value)}\n` : text);
  }

  note(text: string): void {
    this.io.err(`imuctl: ${text}\n`);
  }

  /** Asks the running daemon. @throws CodedError `daemon_not_running` (503), the daemon's own errors. */
  async ask(method: string, params: JsonObject, timeoutMs: number = CONTROL_LIMITS.readMs): Promise<Json> {
    const { runDir } = await this.config();
    return askDaemon(join(runDir, "imud.sock"), method, params, timeoutMs);
  }

  exit(ok: boolean): number {
    return ok ? OK : FAILED;
  }
}
