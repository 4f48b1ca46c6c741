/** `npm run sim:swarm`: random scenarios from consecutive seeds, each judged by all invariants (simulator.md 12). */
import { randomInt } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { hostOptions, readExamples } from "./host.ts";
import { runPool } from "./pool.ts";
import { runSeed, type SeedResult } from "./run-seed.ts";

interface Options {
  readonly minutes: number;
  readonly runs?: number;
  readonly seed?: number;
  readonly jobs: number;
  readonly twiceEvery: number;
  readonly keepGoing?: boolean;
  readonly save?: string;
  readonly replay?: string;
  readonly json?: boolean;
}

const FIRST_SEEDS = 1_000_000_000;
const EXIT_FOUND = 1;

const positive = (text: string): number => {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError("a number above 0");
};
const whole = (text: string): number => {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new InvalidArgumentError("a whole number");
};

const replayLine = (seed: string): string => `npm run sim:swarm -- --replay ${seed}`;

async function saveScenario(folder: string, { seed, scenario }: SeedResult): Promise<string | null> {
  if (!scenario) return null;
  const path = join(folder, `swarm-${seed}.json`);
  await mkdir(folder, { recursive: true });
  await writeFile(path, `${JSON.stringify(scenario, null, 2)}\n`);
  return path;
}

async function showFailure(result: SeedResult, options: Options): Promise<void> {
  process.stdout.write(`\n${result.report}\n`);
  if (options.save !== undefined) {
    const path = await saveScenario(options.save, result);
    if (path) process.stdout.write(`scenario: ${path}\n  imuctl sim run ${path} --seed ${result.seed}\n`);
  }
  process.stdout.write(`replay: ${replayLine(result.seed)}\n`);
}

async function replay(seed: string, options: Options): Promise<void> {
  const result = await runSeed(seed, { ...hostOptions(await readExamples()), isTwice: true });
  if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  else if (result.ok) process.stdout.write(`seed ${seed}: sound, trace ${result.traceHash}\n`);
  else await showFailure(result, options);
  if (!result.ok) process.exitCode = EXIT_FOUND;
}

/** Numbers of a swarm so far. */
class Tally {
  readonly counts = new Map<string, number>();
  readonly failures: SeedResult[] = [];
  runs = 0;
  simulatedS = 0;
  deviceS = 0;

  add(result: SeedResult): void {
    this.runs++;
    this.simulatedS += result.simulatedUs / 1e6;
    this.deviceS += (result.simulatedUs / 1e6) * result.devices;
    for (const [name, count] of Object.entries(result.counts))
      this.counts.set(name, (this.counts.get(name) ?? 0) + count);
    if (!result.ok) this.failures.push(result);
  }

  line(elapsedMs: number): string {
    const hours = (this.deviceS / 3600).toFixed(1);
    const found = this.failures.length === 0 ? "nothing found" : `${this.failures.length} found`;
    return `${this.runs} runs, ${hours} device-hours in ${(elapsedMs / 1000).toFixed(0)} s, ${found}`;
  }
}

/** Findings are told as they come; numbers at the end, also of a swarm that was interrupted. */
async function swarm(options: Options): Promise<void> {
  const first = options.seed ?? randomInt(FIRST_SEEDS);
  const startedMs = performance.now();
  const elapsedMs = (): number => performance.now() - startedMs;
  const untilMs = options.runs === undefined ? options.minutes * 60_000 : Number.POSITIVE_INFINITY;
  const tally = new Tally();
  const stop = new AbortController();
  // The first Ctrl-C ends the swarm with what is under way; the second one ends it as it does any program.
  process.once("SIGINT", () => stop.abort());
  let issued = 0;
  let shown = Promise.resolve();
  if (!options.json) process.stdout.write(`swarm: seeds from ${first}, ${options.jobs} at a time\n`);
  await runPool({
    jobs: options.jobs,
    next: () => {
      const isOver = elapsedMs() > untilMs || issued >= (options.runs ?? Number.POSITIVE_INFINITY);
      if (isOver || stop.signal.aborted || (tally.failures.length > 0 && !options.keepGoing)) return null;
      const number = issued++;
      return { seed: String(first + number), isTwice: number % options.twiceEvery === 0 };
    },
    onResult: (result) => {
      tally.add(result);
      if (!result.ok && !options.json) shown = shown.then(() => showFailure(result, options));
      if (process.stdout.isTTY && !options.json) process.stdout.write(`\r${tally.line(elapsedMs())}  `);
    },
  });
  await shown;
  const seconds = elapsedMs() / 1000;
  if (options.json) {
    const { runs, simulatedS, deviceS, failures } = tally;
    const counts = Object.fromEntries([...tally.counts].sort());
    const found = failures.map(({ seed, failure, what }) => ({
      seed,
      failure,
      what,
      replay: replayLine(seed),
    }));
    process.stdout.write(
      `${JSON.stringify({ ok: failures.length === 0, first, runs, seconds, simulatedS, deviceS, found, counts })}\n`,
    );
  } else {
    process.stdout.write(`${process.stdout.isTTY ? "\r" : ""}${tally.line(elapsedMs())}\n`);
  }
  if (tally.failures.length > 0) process.exitCode = EXIT_FOUND;
}

const program = new Command("sim:swarm")
  .description("Runs random scenarios from consecutive seeds and judges each by all invariants.")
  .option("--minutes <n>", "how long", positive, 3)
  .option("--runs <n>", "how many runs instead", whole)
  .option("--seed <n>", "first seed; default: drawn and printed", whole)
  .option("--jobs <n>", "processes; default: one for each core", whole, availableParallelism())
  .option("--twice-every <n>", "every n-th seed runs twice and must leave the same trace", whole, 10)
  .option("--keep-going", "does not stop at the first finding")
  .option("--save <folder>", "writes the scenario of each finding there")
  .option("--replay <seed>", "runs one seed twice and tells what it finds")
  .option("--json", "one JSON document instead of text");
program.action(async (options: Options) =>
  options.replay === undefined ? swarm(options) : replay(options.replay, options),
);
await program.parseAsync();
