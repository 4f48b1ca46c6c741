/** A child process of the swarm: runs the seeds it is sent, one after another. */
import { messageOf } from "../../firmware/core/errors.ts";
import { hostOptions, readExamples } from "./host.ts";
import { failedSeed, runSeed, type SeedResult } from "./run-seed.ts";

/** What a worker is asked for. */
export interface SeedJob {
  readonly seed: string;
  readonly isTwice: boolean;
}

const examples = await readExamples();
const options = hostOptions(examples);
let current = "";

const answer = (result: SeedResult): void => {
  process.send?.(result);
};

// A promise that nobody awaits is a swallowed error of the code under test (I13).
process.on("unhandledRejection", (reason) => {
  const stack = reason instanceof Error ? (reason.stack ?? "") : "";
  answer(failedSeed(current, "error:unhandled_rejection", `${messageOf(reason)}\n${stack}`, null));
  process.exit(1);
});
process.on("message", (job: SeedJob) => {
  current = job.seed;
  void runSeed(job.seed, { ...options, isTwice: job.isTwice }).then(answer);
});
// Ctrl-C reaches every process of a terminal; the swarm itself decides when its workers end.
process.on("SIGINT", () => undefined);
process.on("disconnect", () => process.exit(1));
process.send?.("ready");
