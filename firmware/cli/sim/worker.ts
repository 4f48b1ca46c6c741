/** A child process that does one job after the other and ends with its parent. */
import { CodedError, codeOf, messageOf } from "../../core/errors.ts";
import { doJob, type Job } from "./job.ts";
import type { WorkerAnswer } from "./job-pool.ts";

const PROGRESS_MS = 200;

const send = (answer: WorkerAnswer): void => void process.send?.(answer);

async function answer(job: Job): Promise<WorkerAnswer> {
  let saidMs = 0;
  const onProgress = (share: number): void => {
    if (performance.now() - saidMs < PROGRESS_MS) return;
    saidMs = performance.now();
    send({ kind: "progress", share });
  };
  try {
    return { kind: "done", outcome: await doJob(job, { onProgress }) };
  } catch (error) {
    const { status, details } = error instanceof CodedError ? error : { status: 500, details: {} };
    return { kind: "failed", code: codeOf(error), message: messageOf(error), status, details };
  }
}

process.on("message", (job: Job) => void answer(job).then(send));
process.on("disconnect", () => process.exit(0));
// The parent decides what an interruption means.
process.on("SIGINT", () => undefined);
