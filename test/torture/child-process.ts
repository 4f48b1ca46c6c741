/** Builds the child once and lets one live for a while. It imports the compiled product: what is killed is what ships. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import { type Told, toldBy } from "./lines.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const DIST = join(ROOT, "dist");

/** Modules of the product are taken from `dist/`. */
const compiledProduct: Plugin = {
  name: "compiled-product",
  setup: ({ onResolve }) => {
    onResolve({ filter: /\/firmware\// }, ({ path, resolveDir }) => {
      const source = relative(ROOT, resolve(resolveDir, path));
      return { path: join(DIST, source.replace(/\.ts$/, ".js")), external: true };
    });
  },
};

export interface BuiltChild extends AsyncDisposable {
  readonly path: string;
}

/** @throws Error that says how to build the product. */
export async function buildChild(name: string): Promise<BuiltChild> {
  if (!existsSync(join(DIST, "firmware", "main.js")))
    throw new Error('The compiled daemon is killed here; run "npm run build".');
  const path = join(ROOT, "node_modules", ".cache", "torture", `${name}.mjs`);
  await build({
    entryPoints: [join(ROOT, "test", "torture", "child.ts")],
    outfile: path,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    packages: "external",
    plugins: [compiledProduct],
    logLevel: "error",
  });
  return { path, [Symbol.asyncDispose]: () => rm(path, { force: true }) };
}

export interface Life {
  readonly told: readonly Told[];
  /** False if it was killed while it was still opening. */
  readonly cameUp: boolean;
}

/** When the kill comes: so long after the start, or after everything was open. */
export interface KillTime {
  readonly after: "start" | "up";
  readonly ms: number;
}

/** @throws Error if the child ends by itself: it found something that it could not open. */
export async function liveAndDie(child: BuiltChild, args: readonly string[], kill: KillTime): Promise<Life> {
  const running = spawn(process.execPath, [child.path, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const stop = (): void => void running.kill("SIGKILL");
  process.once("exit", stop);
  let [out, err] = ["", ""];
  let timer: NodeJS.Timeout | null = null;
  const arm = (): void => {
    timer ??= setTimeout(stop, kill.ms);
  };
  if (kill.after === "start") arm();
  running.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
    if (kill.after === "up") arm();
  });
  running.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  const signal = await new Promise<NodeJS.Signals | null>((done, failed) => {
    running.once("error", failed);
    running.once("close", (_code, by) => done(by));
  });
  if (timer !== null) clearTimeout(timer);
  process.removeListener("exit", stop);
  if (signal !== "SIGKILL") throw new Error(`The child ended by itself:\n${err}`);
  const told = toldBy(out);
  return { told, cameUp: told.length > 0 };
}
