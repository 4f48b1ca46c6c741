import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { generateScenario } from "../../../sim/swarm/generate.ts";
import { hostOptions, readExamples } from "../../../sim/swarm/host.ts";
import { runPool } from "../../../sim/swarm/pool.ts";
import { runSeed, type SeedResult } from "../../../sim/swarm/run-seed.ts";

const SEEDS = ["101", "102"];

async function pooled(jobs: number): Promise<ReadonlyMap<string, string>> {
  const left = [...SEEDS];
  const results: SeedResult[] = [];
  await runPool({
    jobs,
    next: () => {
      const seed = left.shift();
      return seed === undefined ? null : { seed, isTwice: false };
    },
    onResult: (result) => results.push(result),
  });
  expect(results.filter(({ ok }) => !ok).map(({ report }) => report)).toEqual([]);
  return new Map(results.map(({ seed, traceHash }) => [seed, traceHash]));
}

describe("the swarm", () => {
  it("makes the same scenario from the same seed, and another from another", async () => {
    const examples = await readExamples();

    expect(generateScenario("7", examples)).toEqual(generateScenario("7", examples));
    expect(generateScenario("7", examples)).not.toEqual(generateScenario("8", examples));
  });

  it("prunes ledgers that fill up, with and without witnesses", async () => {
    const examples = await readExamples();
    const texts = Array.from({ length: 40 }, (_, i) => JSON.stringify(generateScenario(String(i), examples)));
    const pruned = texts.filter((text) => text.includes('"do":"prune"'));

    expect(pruned.length).toBeGreaterThan(8);
    expect(pruned.filter((text) => text.includes('"minDays":0'))).toEqual(pruned);
    expect(pruned.some((text) => text.includes('"rollup":false'))).toBe(true);
    expect(pruned.some((text) => text.includes('"unwitnessed":true'))).toBe(true);
    expect(pruned.some((text) => text.includes('"quorum":0'))).toBe(true);
  });

  it("leaves the same traces with one process and with two", async () => {
    const [one, two] = [await pooled(1), await pooled(2)];

    expect(Object.fromEntries(two)).toEqual(Object.fromEntries(one));
  }, 240_000);

  it("tells of a run that cannot be run instead of throwing", async () => {
    const examples = await readExamples();
    const broken = {
      ...hostOptions(examples),
      host: { turn: () => Promise.reject(new Error("no turn")), read: async () => new Uint8Array() },
    };

    const result = await runSeed("1", { ...broken, isTwice: false });

    expect(result).toMatchObject({ ok: false, failure: expect.stringContaining("error:") });
  });
});

it("tells what it has found so far when it is interrupted", async () => {
  const swarm = spawn(
    process.execPath,
    ["--import", "tsx", "sim/swarm/main.ts", "--jobs", "1", "--minutes", "10", "--seed", SEEDS[0] ?? ""],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  let text = "";
  swarm.stdout.setEncoding("utf8").on("data", (part: string) => {
    if (text === "") swarm.kill("SIGINT");
    text += part;
  });

  const [code] = await once(swarm, "close");

  expect(text).toMatch(/^swarm: seeds from 101, 1 at a time\n1 runs, .* nothing found\n$/);
  expect(code).toBe(0);
});
