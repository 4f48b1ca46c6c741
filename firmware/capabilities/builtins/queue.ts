/** queue.put, get, ack, nack and extend (capabilities.md 11 and 12). */
import { canonicalize } from "../../core/canonical-json.ts";
import { refusal } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Capability, Invocation, Target } from "../capability.ts";
import type { Committed, JobHandle, JobService } from "../jobs/job-service.ts";
import { DEFAULT_LEASE_MS } from "../jobs/queue.ts";
import { kvEvidence } from "./clock.ts";
import {
  boolean,
  contract,
  integer,
  json,
  name,
  numberArg,
  object,
  plainTarget,
  text,
  textArg,
} from "./define.ts";

const DAY_MS = 86_400_000;
const lease = integer(1000, 600_000);
const token = integer(1, Number.MAX_SAFE_INTEGER);
const jobId = text(64, "^[A-Za-z0-9_-]+$");
const common = { class: "local", costMilli: 500, timeoutMs: 1000 } as const;

const putContract = contract({
  ...common,
  id: "queue.put",
  title: "Add a job",
  params: object({ queue: name, payload: json, idempotencyKey: text(128), delayMs: integer(0, DAY_MS) }, [
    "idempotencyKey",
    "delayMs",
  ]),
  result: object({ jobId, state: { enum: ["queued", "reserved", "done", "failed"] }, idempotent: boolean }),
  topic: "queue:{queue}",
  action: "write",
  errors: ["queue_full"],
});
const getContract = contract({
  ...common,
  id: "queue.get",
  title: "Reserve the oldest job",
  params: object({ queue: name, leaseMs: { ...lease, default: DEFAULT_LEASE_MS } }, ["leaseMs"]),
  result: object({ job: json }),
  topic: "queue:{queue}",
  action: "read",
  evidence: [{ kind: "kv_read", source: "local://queue/{queue}" }],
  maxResultBytes: 131_072,
});

const held = { jobId, leaseToken: token };
const heldContract = (id: string, title: string, params: ReturnType<typeof object>) =>
  contract({
    ...common,
    id,
    title,
    params,
    result: object({}),
    topic: "queue:{jobId}",
    action: "write",
    errors: ["job_not_reserved", "lease_lost"],
  });
const ackContract = heldContract("queue.ack", "Finish a job", object({ ...held, result: json }, ["result"]));
const nackContract = heldContract(
  "queue.nack",
  "Give a job back or fail it",
  object({ ...held, reason: text(200), retry: { ...boolean, default: true } }, ["retry"]),
);
const extendContract = heldContract("queue.extend", "Hold a job longer", object({ ...held, leaseMs: lease }));

/** What is not durable yet leaves with the run's settlement: an ack and the effects of its run are one batch. */
function stage<T>(call: Invocation, answer: Committed<T>, result: (value: T) => JsonObject) {
  if (!answer.ok) return answer;
  call.ctx.staged.push(...answer.ops);
  return { result: result(answer.value), evidence: [], writtenBytes: call.target.writeBytes };
}

export function queueCapabilities(jobs: JobService): readonly Capability[] {
  const byName = (args: JsonObject, action: "read" | "write", writeBytes: number): Target =>
    plainTarget({ uri: `queue:${textArg(args, "queue") ?? ""}`, action, class: "local", writeBytes });
  const byJob = (_: unknown, args: JsonObject): Target => {
    const queue = jobs.queueOf(textArg(args, "jobId") ?? "");
    return plainTarget({
      uri: `queue:${queue ?? "?"}`,
      action: "write",
      class: "local",
      problem: queue === null ? refusal("job_not_reserved", 409) : null,
    });
  };
  const handle = (args: JsonObject): JobHandle => {
    const id = textArg(args, "jobId") ?? "";
    return { queue: jobs.queueOf(id) ?? "", jobId: id, leaseToken: numberArg(args, "leaseToken") ?? 0 };
  };
  return [
    {
      contract: putContract,
      resolve: (_, args) => byName(args, "write", Buffer.byteLength(canonicalize(args.payload ?? null))),
      rehearse: () => ({ jobId: "dry-run", state: "queued", idempotent: false }),
      async perform(call) {
        const key = textArg(call.args, "idempotencyKey");
        const delayMs = numberArg(call.args, "delayMs");
        const request = {
          payload: call.args.payload ?? null,
          ...(key === undefined ? {} : { key }),
          ...(delayMs === undefined ? {} : { delayMs }),
        };
        const answer = await jobs.committed(jobs.put(textArg(call.args, "queue") ?? "", request));
        return stage(call, answer, (value) => ({ ...value }));
      },
    },
    {
      contract: getContract,
      resolve: (_, args) => byName(args, "read", 0),
      rehearse: () => ({ job: null }),
      async perform(call) {
        const queue = textArg(call.args, "queue") ?? "";
        const leaseMs = numberArg(call.args, "leaseMs") ?? DEFAULT_LEASE_MS;
        const answer = await jobs.committed(jobs.reserve(queue, leaseMs));
        if (!answer.ok) return answer;
        const found = answer.value;
        const job = found
          ? {
              jobId: found.jobId,
              payload: found.payload,
              attempt: found.attempt,
              leaseToken: found.leaseToken,
            }
          : null;
        return {
          result: { job },
          evidence: [kvEvidence(`local://queue/${queue}`, found?.jobId ?? queue, job)],
          readBytes: Buffer.byteLength(canonicalize(job)),
        };
      },
    },
    {
      contract: ackContract,
      resolve: byJob,
      rehearse: () => ({}),
      perform: async (call) => stage(call, jobs.ack(handle(call.args), call.args.result), () => ({})),
    },
    {
      contract: nackContract,
      resolve: byJob,
      rehearse: () => ({}),
      perform: async (call) => {
        const answer = { reason: textArg(call.args, "reason") ?? "failed", retry: call.args.retry !== false };
        return stage(call, jobs.nack(handle(call.args), answer), () => ({}));
      },
    },
    {
      contract: extendContract,
      resolve: byJob,
      rehearse: () => ({}),
      perform: async (call) => {
        const leaseMs = numberArg(call.args, "leaseMs") ?? DEFAULT_LEASE_MS;
        return stage(call, await jobs.committed(jobs.extend(handle(call.args), leaseMs)), () => ({}));
      },
    },
  ];
}
