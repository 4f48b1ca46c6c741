import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { JobQueue, type WalRecord } from "../../firmware/capabilities/index.ts";

const options = () => {
  let n = 0;
  return { newId: () => `j${++n}`, random: () => 0.5, maxAttempts: 3, maxOpen: 20 };
};

describe("a queue", () => {
  test("is exactly what its log says, never gives one job to two, and keeps its order", () => {
    const step = fc.record({
      do: fc.constantFrom("put", "get", "ack", "nack", "late"),
      n: fc.nat(5),
      dt: fc.constantFrom(0, 1, 500, 20_000),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const queue = new JobQueue("q", options());
        const wal: WalRecord[] = [];
        const held = new Map<string, number>();
        let now = 0;
        for (const { do: act, n, dt } of steps) {
          now += dt;
          const [jobId = "", token = 0] = [...held][n % Math.max(1, held.size)] ?? [];
          const answer =
            act === "put"
              ? queue.put({ payload: { n: now, k: wal.length } }, now)
              : act === "get"
                ? queue.reserve(10_000, now)
                : act === "ack"
                  ? queue.ack(jobId, token, now)
                  : queue.nack(jobId, act === "late" ? token - 1 : token, now, {
                      reason: "failed",
                      retry: true,
                    });
          if (!answer.ok) continue;
          wal.push(...answer.wal);
          for (const { kind, job } of answer.wal) {
            if (kind === "reserve") held.set(job.jobId, job.leaseToken ?? 0);
          }
          const reserved = answer.wal.find(({ kind }) => kind === "reserve")?.job;
          const older = queue.jobs.filter(
            (job) => reserved && job.seq < reserved.seq && job.state === "queued" && job.availableAt <= now,
          );
          expect(older).toEqual([]);
        }
        const rebuilt = JobQueue.rebuild("q", options(), wal);
        expect(rebuilt.jobs).toEqual(queue.jobs);
        expect(rebuilt.counts).toEqual(queue.counts);
      }),
    );
  });

  test("fails a job whose lease has run out at its last attempt", () => {
    const queue = new JobQueue("q", { ...options(), maxAttempts: 1 });
    queue.put({ payload: 1 }, 0);
    queue.reserve(1000, 0);

    expect(queue.reserve(1000, 1001)).toMatchObject({ value: null });
    expect(queue.jobs[0]).toMatchObject({ state: "failed", reason: "lease_expired" });
  });
});
