#!/usr/bin/env node
/** `imud`: the daemon. The composition root; everything else is handed what it needs from here. */
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Command } from "commander";
import { ControlServer } from "./adapters/control-socket.ts";
import { NodeFiles } from "./adapters/node-files.ts";
import { PinoLog } from "./adapters/pino-log.ts";
import { loadConfig } from "./composition/config.ts";
import type { Config } from "./composition/config-schema.ts";
import { prepareDemo } from "./composition/demo.ts";
import { Device } from "./composition/device.ts";
import { hostPlatform } from "./composition/host-platform.ts";
import { liveMethods } from "./composition/live-methods.ts";
import { Narrator } from "./composition/narrator.ts";
import { aboutFile } from "./composition/own-files.ts";
import { VERSION } from "./composition/package-info.ts";
import { createStateMethods, stateKeysOf } from "./composition/state-methods.ts";
import { CodedError, messageOf } from "./core/errors.ts";
import type { JsonObject } from "./core/json.ts";

const DEFAULT_CONFIG = "/etc/imud/imud.yaml";
const EXIT_FAILED = 1;
const MAX_SPEED = 100_000;

/** Prints what went wrong and what to do, never a stack trace. */
function explain(error: unknown): string {
  if (!(error instanceof CodedError)) return `imud: ${messageOf(error)}`;
  const { howTo, commands } = error.details;
  const lines = [`imud: ${error.code}: ${error.message}`];
  if (typeof error.details.why === "string" && !error.message.includes(error.details.why))
    lines.push(`  why: ${error.details.why}`);
  if (typeof howTo === "string") lines.push(`  how: ${howTo}`);
  if (Array.isArray(commands)) for (const command of commands) lines.push(`  run: ${String(command)}`);
  return lines.join("\n");
}

/** A signal, or a fault of the daemon itself: either way the outputs go safe before the process ends. */
function untilStopped(): Promise<string> {
  return new Promise((done) => {
    for (const fault of ["uncaughtException", "unhandledRejection"] as const) {
      process.once(fault, (error) => {
        process.stderr.write(
          `imud: internal fault, stopping: ${error instanceof Error ? error.stack : String(error)}\n`,
        );
        process.exitCode = EXIT_FAILED;
        done(fault);
      });
    }
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => done(signal));
  });
}

async function listen(device: Device, runDir: string): Promise<ControlServer> {
  const { parts } = device;
  const { state, config, loader } = parts;
  const methods = {
    ...createStateMethods({
      store: state.store,
      content: state.content,
      keys: stateKeysOf(state.identity),
      fleet: config.fleet,
      view: loader.view,
    }),
    ...liveMethods(parts),
  };
  await aboutFile(runDir, "Make it a folder that the daemon may write to.", () =>
    mkdir(runDir, { recursive: true, mode: 0o750 }),
  );
  return ControlServer.listen(
    join(runDir, "imud.sock"),
    async (method: string, params: JsonObject, signal: AbortSignal) => {
      const run = Object.hasOwn(methods, method) ? methods[method as keyof typeof methods] : undefined;
      if (!run) throw new CodedError("not_found", `The daemon has no method "${method}".`, { status: 404 });
      return run(params, signal);
    },
  );
}

async function serve(
  config: Config,
  narrator: Narrator | null,
  onStarted: (device: Device) => Disposable | null,
): Promise<void> {
  const stopped = untilStopped();
  const log = PinoLog.create(config.logLevel);
  const device = await Device.open(config, { platform: hostPlatform(config), log });
  narrator?.follow(device.parts.events);
  let control: ControlServer | null = null;
  try {
    control = await listen(device, config.runDir);
    await device.start();
    using _scenes = onStarted(device);
    const reason = await stopped;
    log.info("stopping", { reason });
    await device.stop(reason);
  } finally {
    await control?.[Symbol.asyncDispose]();
    await device.stop("failed");
  }
}

interface DaemonOptions {
  readonly config: string;
  readonly narrate?: boolean;
  readonly sim?: string;
  readonly realtime?: string;
  readonly seed?: string;
}

async function runDaemon(options: DaemonOptions): Promise<void> {
  if (options.sim !== undefined) return runSimulated(options.sim, options);
  const config = await loadConfig(new NodeFiles(), options.config);
  if (config.board === "sim")
    process.stdout.write(
      "imud: SIMULATED board: no real hardware is touched, everything recorded is marked sim.\n",
    );
  const narrator = options.narrate ? narratorToTerminal() : null;
  await serve(config, narrator, (device) => {
    process.stdout.write(
      `imud ${VERSION}: ${device.parts.state.identity.deviceId} on ${config.board}, ledger size ${device.parts.state.ledger.head.size}\n`,
    );
    return null;
  });
}

/** Real daemons over a simulated world, as fast as time passes, or faster by a factor. */
async function runSimulated(scenario: string, { realtime, seed }: DaemonOptions): Promise<void> {
  const speed = Number((realtime ?? "1").replace(/^[×x]/, ""));
  if (!(speed > 0 && speed <= MAX_SPEED))
    throw new CodedError("bad_usage", `--realtime is a factor above 0, at most ${MAX_SPEED}.`);
  const { SimulatedFleet } = await import("./composition/simulated-fleet.ts");
  const fleet = await SimulatedFleet.open(resolve(scenario), { seed: seed ?? null, speed });
  process.stdout.write(fleet.banner);
  const stop = new AbortController();
  void untilStopped().then((reason) => stop.abort(reason));
  const outcome = await fleet.run({ write: (text) => process.stdout.write(text), signal: stop.signal });
  process.stdout.write(outcome.text);
  if (!outcome.ok) process.exitCode = EXIT_FAILED;
}

function narratorToTerminal(): Narrator {
  return new Narrator({
    write: (line) => process.stdout.write(line),
    elapsedMs: () => performance.now(),
    quietMs: 10_000,
  });
}

async function runDemo(options: { readonly dir: string; readonly quiet?: boolean }): Promise<void> {
  process.stdout.write(
    "imud demo: SIMULATED board: no real hardware is touched, everything recorded is marked sim.\n",
  );
  const demo = await prepareDemo(resolve(options.dir), Date.now());
  const narrator = narratorToTerminal();
  process.stdout.write(demo.introduction);
  await serve(demo.config, options.quiet ? null : narrator, (device) =>
    demo.started(device, (line) => narrator.say(line)),
  );
  process.stdout.write("imud demo: stopped; every output is in its safe state.\n");
}

const program = new Command("imud")
  .description("Runs control programs on a board and proves every step.")
  .version(VERSION)
  .option("-c, --config <path>", "configuration file", process.env.IMUD_CONFIG ?? DEFAULT_CONFIG)
  .option("--narrate", "tell in human words what happens")
  .option("--sim <scenario>", "run the devices of a scenario in a simulated world, and tell what happens")
  .option("--realtime <factor>", "with --sim: virtual seconds in a real one (default: 1)")
  .option("--seed <seed>", "with --sim: seed instead of the scenario's first")
  .action(runDaemon);
program
  .command("demo")
  .description("a simulated greenhouse with an embedded broker")
  .option("-d, --dir <path>", "where its keys, configuration and state are kept", ".imud")
  .option("-q, --quiet", "say only that it runs")
  .action(runDemo);

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`${explain(error)}\n`);
  process.exitCode = EXIT_FAILED;
}
