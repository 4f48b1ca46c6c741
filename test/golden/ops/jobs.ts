import {
  backoff,
  firstFiring,
  type Job,
  JobQueue,
  jobKey,
  tickSchedule,
  type WalRecord,
} from "../../../firmware/capabilities/index.ts";
import type { Given, OpModule } from "../registry.ts";

const view = ({ jobId, attempt, leaseUntil, leaseToken }: Job) => ({
  jobId,
  attempt,
  leaseUntil,
  leaseToken,
});

function script(given: Given): unknown {
  let accepted = 0;
  const options = {
    newId: () => `j${++accepted}`,
    random: () => 0.5,
    ...(given.maxAttempts === undefined ? {} : { maxAttempts: given.maxAttempts }),
    ...(given.maxOpen === undefined ? {} : { maxOpen: given.maxOpen }),
  };
  const queue = new JobQueue("q", options);
  const wal: WalRecord[] = [];
  const results = given.script.map((line: Given) => step(queue, line, wal));
  // The state is read from the rebuilt queue, so that log and state cannot tell two stories.
  const rebuilt = JobQueue.rebuild("q", options, wal);
  const states = Object.fromEntries(rebuilt.jobs.map(({ jobId, state }) => [jobId, state]));
  return { results, wal: rebuilt.counts, states };
}

function step(queue: JobQueue, line: Given, wal: WalRecord[]): unknown {
  const { jobId, leaseToken, now } = line;
  const run = () => {
    switch (line.do) {
      case "put":
        return queue.put(line, now);
      case "get":
        return queue.reserve(line.leaseMs ?? 10_000, now);
      case "ack":
        return queue.ack(jobId, leaseToken, now, line.result);
      case "nack":
        return queue.nack(jobId, leaseToken, now, line);
      case "extend":
        return queue.extend(jobId, leaseToken, now, line.leaseMs);
      case "compensate":
        return queue.compensate(jobId, leaseToken, line.compensation);
      default:
        throw new Error(`unknown operation ${line.do}`);
    }
  };
  const answer = run();
  if (!answer.ok) return answer;
  wal.push(...answer.wal);
  if (line.do === "get") return { job: answer.value === null ? null : view(answer.value as Job) };
  return answer.value;
}

export const modules: readonly OpModule[] = [
  {
    area: "jobs",
    ops: {
      "queue.script": script,
      "queue.key": (given) => ({ key: jobKey(given.payload) }),
      backoff: ({ attempts, base, cap, random }) => ({
        delays: attempts.map((attempt: number) => backoff(attempt, { baseMs: base, capMs: cap }, random)),
      }),
      "schedule.tick": (given) => {
        const { fires, schedule } = tickSchedule(given.schedule, given.now);
        return { ...schedule, fires };
      },
      "schedule.create": ({ request, programs, now }) => firstFiring(request, programs, now),
    },
  },
];
