/** Does jobs here, or several at a time in child processes. Outcomes come in the order of the jobs, whatever was faster. */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { RunOutcome } from "../../../sim/harness/outcome.ts";
import { CodedError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { doJob, type Job } from "./job.ts";

export type WorkerAnswer =
  | { readonly kind: "progress"; readonly share: number }
  | { readonly kind: "done"; readonly outcome: RunOutcome }
  | {
      readonly kind: "failed";
      readonly code: string;
      readonly message: string;
      readonly status: number;
      readonly details: JsonObject;
    };

export interface PoolOptions {
  /** How many at a time; 1: in this process. */
  readonly jobs: number;
  readonly signal: AbortSignal;
  readonly onDone?: (outcome: RunOutcome, index: number) => void;
  /** Share of all jobs that is done, 0..1. */
  readonly onProgress?: (share: number) => void;
}

const IS_SOURCE = import.meta.url.endsWith(".ts");
const ENTRY = fileURLToPath(new URL(`./worker.${IS_SOURCE ? "ts" : "js"}`, import.meta.url));

function startWorker(): ChildProcess {
  const hasLoader = process.execArgv.some((argument) => argument.includes("tsx"));
  const loader = IS_SOURCE && !hasLoader ? ["--import", "tsx"] : [];
  return fork(ENTRY, {
    execArgv: [...process.execArgv, ...loader],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
}

function ask(child: ChildProcess, job: Job, onProgress: (share: number) => void): Promise<RunOutcome> {
  return new Promise((resolve, reject) => {
    const onExit = (): void =>
      reject(new CodedError("sim_worker_lost", "A child process of the simulator ended."));
    const onMessage = (answer: WorkerAnswer): void => {
      if (answer.kind === "progress") {
        onProgress(answer.share);
        return;
      }
      child.off("message", onMessage).off("exit", onExit);
      if (answer.kind === "done") resolve(answer.outcome);
      else {
        const { code, message, status, details } = answer;
        reject(new CodedError(code, message, { status, details }));
      }
    };
    child.on("message", onMessage).once("exit", onExit);
    child.send(job);
  });
}

/** How far each job is, as one share of all. */
class Shares {
  readonly #shares: number[];
  readonly #said: ((share: number) => void) | undefined;

  constructor(count: number, said: ((share: number) => void) | undefined) {
    this.#shares = Array.from({ length: count }, () => 0);
    this.#said = said;
  }

  set(index: number, share: number): void {
    this.#shares[index] = share;
    this.#said?.(this.#shares.reduce((sum, one) => sum + one, 0) / this.#shares.length);
  }
}

/** @throws what the first job that cannot be run is refused with; the signal's reason. */
export async function doJobs(jobs: readonly Job[], options: PoolOptions): Promise<readonly RunOutcome[]> {
  const outcomes: RunOutcome[] = [];
  const shares = new Shares(jobs.length, options.onProgress);
  const count = Math.min(options.jobs, jobs.length);
  const children = count > 1 ? Array.from({ length: count }, startWorker) : [];
  let next = 0;
  const work = async (child: ChildProcess | null): Promise<void> => {
    for (let job = jobs[next]; job !== undefined; job = jobs[next]) {
      const index = next++;
      options.signal.throwIfAborted();
      const onProgress = (share: number): void => shares.set(index, share);
      const { signal } = options;
      const outcome = await (child ? ask(child, job, onProgress) : doJob(job, { signal, onProgress }));
      outcomes[index] = outcome;
      shares.set(index, 1);
      options.onDone?.(outcome, index);
    }
  };
  const end = (): void => {
    for (const child of children) child.kill();
  };
  options.signal.addEventListener("abort", end, { once: true });
  try {
    await Promise.all(children.length > 0 ? children.map(work) : [work(null)]);
  } finally {
    options.signal.removeEventListener("abort", end);
    end();
  }
  options.signal.throwIfAborted();
  return outcomes;
}
