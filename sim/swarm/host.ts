/** The host of the swarm's runs: its event loop, its files, its clock. Only what starts a process may use this. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { nextTurn } from "../../firmware/adapters/event-loop.ts";
import type { JsonObject } from "../../firmware/core/json.ts";
import { EXAMPLE_SITES, type ExampleSite, type Examples } from "./examples.ts";
import type { SeedOptions } from "./run-seed.ts";

const EXAMPLES = fileURLToPath(new URL("../../examples/", import.meta.url));

const readDocument = async (path: string): Promise<JsonObject> =>
  JSON.parse(await readFile(path, "utf8")) as JsonObject;

async function readSite(site: ExampleSite): Promise<Examples[ExampleSite]> {
  const folder = join(EXAMPLES, site, "programs");
  const names = (await readdir(folder)).filter(
    (name) => name.endsWith(".json") && !name.endsWith(".map.json"),
  );
  const programs = await Promise.all(names.sort().map((name) => readDocument(join(folder, name))));
  const policy = await readDocument(join(EXAMPLES, site, "policy.json"));
  return { policy, programs: programs.filter(({ format }) => format === "imu.program/1") };
}

export async function readExamples(): Promise<Examples> {
  const sites = await Promise.all(EXAMPLE_SITES.map(async (site) => [site, await readSite(site)] as const));
  return Object.fromEntries(sites) as Examples;
}

export const hostOptions = (examples: Examples): Omit<SeedOptions, "isTwice"> => ({
  host: { turn: nextTurn, read: (path) => readFile(path) },
  examples,
  elapsedMs: () => performance.now(),
});
