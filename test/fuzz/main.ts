/**
 * `npm run fuzz -- [--minutes n] [--target a,b] [--seed n]`: looks for inputs that break a reader of programs.
 * `npm run fuzz -- --target a --replay <file>`: runs one input and says what it does.
 */
import { randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import { relative } from "node:path";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { saveCorpus, saveFailure } from "./corpus.ts";
import { TARGETS, targetOf } from "./targets/index.ts";
import { Watch } from "./watch.ts";
import type { WorkerOrder, WorkerReport } from "./worker.ts";

/** One input may take this long. */
const HANG_MS = 2000;
const LOOK_MS = 100;
const HEAP_MIB = 1024;

type Ending = WorkerReport | { readonly broken: Uint8Array; readonly problem: string };

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Resolves with the report, or with the input at work when the worker hung or died. */
function runWorker(order: Omit<WorkerOrder, "watched">): Promise<Ending> {
  const watch = new Watch();
  const worker = new Worker(new URL("./worker-entry.mjs", import.meta.url), {
    workerData: { ...order, watched: watch.buffer } satisfies WorkerOrder,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
  });
  return new Promise((resolve) => {
    let last = { number: -1, since: 0 };
    const timer = setInterval(() => {
      const current = watch.current();
      const now = performance.now();
      if (current === null || current.number !== last.number)
        last = { number: current?.number ?? -1, since: now };
      else if (now - last.since > HANG_MS)
        end({ broken: current.input, problem: `takes longer than ${HANG_MS} ms` });
    }, LOOK_MS);
    const end = (ending: Ending): void => {
      clearInterval(timer);
      worker.terminate().then(
        () => resolve(ending),
        () => resolve(ending),
      );
    };
    worker.once("message", (report: WorkerReport) => end(report));
    worker.once("error", (error) =>
      end({ broken: watch.current()?.input ?? new Uint8Array(), problem: String(error) }),
    );
  });
}

async function fuzz(name: string, seed: number, milliseconds: number): Promise<boolean> {
  const target = await targetOf(name);
  const started = performance.now();
  const ending = await runWorker({ target: name, seed, milliseconds });
  const found = "broken" in ending ? { input: ending.broken, problem: ending.problem } : ending.found;
  if (!("broken" in ending)) {
    const rate = Math.round((ending.executed * 1000) / (performance.now() - started));
    say(
      `${name}: ${ending.executed} inputs (${rate}/s), ${ending.features} features, ${ending.corpus.length} kept, seed ${seed}`,
    );
    if (found === null && ending.hasNews) saveCorpus(target, ending.corpus);
  }
  if (found === null) return true;
  const path = relative(process.cwd(), saveFailure(target, found.input));
  say(`FAILED ${name}, seed ${seed}, ${found.input.length} bytes in ${path}:\n${found.problem}`);
  say(`replay: npm run fuzz -- --target ${name} --replay ${path}`);
  return false;
}

async function replayFile(name: string, path: string): Promise<boolean> {
  const features = (await targetOf(name)).run(new Uint8Array(readFileSync(path)));
  say(`${name}: ${features.join(" · ")}`);
  return true;
}

async function main(): Promise<boolean> {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string" },
      target: { type: "string" },
      seed: { type: "string" },
      replay: { type: "string" },
    },
  });
  const names = values.target?.split(",") ?? [...TARGETS.keys()];
  if (values.replay !== undefined) return replayFile(names[0] ?? "", values.replay);
  const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
  const milliseconds = (Number(values.minutes ?? 1) * 60_000) / names.length;
  let passed = true;
  for (const name of names) passed = (await fuzz(name, seed, milliseconds)) && passed;
  return passed;
}

process.exitCode = (await main()) ? 0 : 1;
