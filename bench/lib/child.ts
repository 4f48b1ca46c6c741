/** Measurements that need a process of their own: an event loop or a heap without anything else in it. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Json } from "../../firmware/core/json.ts";

const FLAGS = ["--no-node-snapshot", "--expose-gc"];

/**
 * Runs a script that prints one JSON value. @param script the compiled file.
 * @throws Error with what it wrote to stderr if it fails.
 */
export async function askChild(script: URL, args: readonly string[]): Promise<Json> {
  const child = spawn(process.execPath, [...FLAGS, fileURLToPath(script), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on("data", (part: Buffer) => out.push(part));
  child.stderr.on("data", (part: Buffer) => err.push(part));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  if (code !== 0) throw new Error(Buffer.concat(err).toString("utf8").trim() || `ended with ${code}`);
  return JSON.parse(Buffer.concat(out).toString("utf8")) as Json;
}
