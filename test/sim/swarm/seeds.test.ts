/** Seeds at which the swarm has found something before: each is run again, for good (simulator.md 12). */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { hostOptions, readExamples } from "../../../sim/swarm/host.ts";
import { runSeed } from "../../../sim/swarm/run-seed.ts";

const FILE = join(fileURLToPath(new URL("../../", import.meta.url)), "system", "seeds.txt");

const seeds = (await readFile(FILE, "utf8"))
  .split("\n")
  .map((line) => /^\d+/.exec(line)?.[0])
  .filter((seed) => seed !== undefined);

it.each(seeds)(
  "seed %s",
  async (seed) => {
    const { report, traceHash } = await runSeed(seed, {
      ...hostOptions(await readExamples()),
      isTwice: false,
    });

    expect(report).toBe("");
    expect(traceHash).toMatch(/^[0-9a-f]{64}$/);
  },
  240_000,
);

it("has seeds to run", () => {
  expect(seeds.length).toBeGreaterThan(0);
});
