/** Several child processes that run seeds side by side; one that hangs or dies is a failure of its seed. */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { failedSeed, type SeedResult } from "./run-seed.ts";
import type { SeedJob } from "./worker.ts";

const IS_SOURCE = import.meta.url.endsWith(".ts");
const ENTRY = fileURLToPath(new URL(`./worker.${IS_SOURCE ? "ts" : "js"}`, import.meta.url));
/** No seed takes that long unless something in it never ends. */
const HANG_MS = 180_000;

function start(): ChildProcess {
  const hasLoader = process.execArgv.some((argument) => argument.includes("tsx"));
  const loader = IS_SOURCE && !hasLoader ? ["--import", "tsx"] : [];
  return fork(ENTRY, {
    execArgv: [...process.execArgv, ...loader],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
}

/** One child process; started anew after it was lost. */
class Worker {
  #child: ChildProcess | null = null;

  async run(job: SeedJob): Promise<SeedResult> {
    const child = this.#child ?? (await this.#ready());
    return new Promise((resolve) => {
      const done = (result: SeedResult): void => {
        clearTimeout(timer);
        child.off("message", done).off("exit", gone);
        resolve(result);
      };
      const gone = (code: number | null): void => {
        this.#child = null;
        done(failedSeed(job.seed, "error:process_lost", `The process ended with ${String(code)}.`, null));
      };
      const timer = setTimeout(() => {
        this.stop();
        done(failedSeed(job.seed, "error:hang", `No answer after ${HANG_MS / 1000} s.`, null));
      }, HANG_MS);
      child.on("message", done).once("exit", gone);
      child.send(job);
    });
  }

  stop(): void {
    this.#child?.kill("SIGKILL");
    this.#child = null;
  }

  #ready(): Promise<ChildProcess> {
    const child = start();
    this.#child = child;
    return new Promise((resolve, reject) => {
      child.once("message", () => {
        child.off("exit", failed);
        resolve(child);
      });
      const failed = (code: number | null): void =>
        reject(new Error(`a process of the swarm did not start: ${String(code)}`));
      child.once("exit", failed);
    });
  }
}

export interface PoolOptions {
  readonly jobs: number;
  /** The next job, or null when no more is wanted. */
  readonly next: () => SeedJob | null;
  readonly onResult: (result: SeedResult) => void;
}

/** Runs until `next` has no more and everything begun is done. */
export async function runPool({ jobs, next, onResult }: PoolOptions): Promise<void> {
  const workers = Array.from({ length: jobs }, () => new Worker());
  try {
    await Promise.all(
      workers.map(async (worker) => {
        for (let job = next(); job; job = next()) onResult(await worker.run(job));
      }),
    );
  } finally {
    for (const worker of workers) worker.stop();
  }
}
