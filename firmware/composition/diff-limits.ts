/** Which limit of a run strikes, and which would strike under other limits. */
import type { JsonObject } from "../core/json.ts";
import { schemaCheck } from "../runs/index.ts";
import { LIMIT_NAMES, type Limits, shadowRun, type VerifiedProgram } from "../vm/index.ts";
import { ALLOW, unrecordedAt, type Verdict } from "./diff-verdicts.ts";
import type { ExportedRun } from "./state-export.ts";

const QUOTAS: Readonly<Record<string, keyof Limits>> = {
  cpu_steps_exceeded: "cpuSteps",
  mem_exceeded: "memKb",
  io_calls_exceeded: "ioCalls",
  sleep_too_long: "sleepMs",
  sleep_total_exceeded: "sleepTotalMs",
  tasks_exceeded: "tasks",
  call_depth_exceeded: "callDepth",
  claims_exceeded: "claims",
  output_bytes_exceeded: "outputBytes",
  io_read_bytes_exceeded: "ioReadBytes",
  io_write_bytes_exceeded: "ioWriteBytes",
  net_out_bytes_exceeded: "netOutBytes",
  wall_exceeded: "wallMs",
};

/** The limit a run ended at, null if it did not. */
export function limitOf(
  error: { readonly code: string; readonly reason: string } | null,
): keyof Limits | null {
  return error?.code === "quota_exceeded" ? (QUOTAS[error.reason] ?? null) : null;
}

/** A limit under which the run would have ended otherwise, or might have. */
export interface LimitChange {
  readonly name: keyof Limits;
  readonly recorded: Verdict;
  readonly given: Verdict;
  /** Both limits and what the run used; null where the record has no figure of it. */
  readonly figures: JsonObject;
}

/** Limits of what happens outside the machine: only the sums of the record tell. */
const OUTSIDE: Partial<Record<keyof Limits, "wallMs" | "ioReadBytes" | "ioWriteBytes" | "netOutBytes">> = {
  wallMs: "wallMs",
  ioReadBytes: "ioReadBytes",
  ioWriteBytes: "ioWriteBytes",
  netOutBytes: "netOutBytes",
};

/** The limit that the machine itself would have met first, null for none. */
function machineLimit(run: ExportedRun, program: VerifiedProgram, limits: Limits): keyof Limits | null {
  const { journal, payload, trigger } = run.record;
  const { result } = shadowRun(program, { journal, payload, trigger, limits }, schemaCheck, "interpreter");
  return limitOf(result.outcome.error);
}

const quota = (name: string): Verdict => ({
  outcome: "deny",
  step: "limit",
  code: "quota_exceeded",
  reason: name,
});

/**
 * Lower limits that the run would have met. Where the run met one of its own, what it would have done with more is not
 * in the record.
 */
export function limitChanges(
  run: ExportedRun,
  program: VerifiedProgram,
  limits: Limits,
): readonly LimitChange[] {
  const { record } = run;
  const lower = LIMIT_NAMES.filter((name) => limits[name] < record.limits[name]);
  const isCut = record.journal.at(-1)?.t === "cut";
  const strikes = lower.length > 0 && !isCut ? machineLimit(run, program, limits) : null;
  const usedOf = (name: keyof Limits): number | null => {
    const metric = OUTSIDE[name];
    return metric === undefined ? null : record.metrics[metric];
  };
  const change = (name: keyof Limits, recorded: Verdict, given: Verdict): LimitChange => ({
    name,
    recorded,
    given,
    figures: { recorded: record.limits[name], given: limits[name], used: usedOf(name) },
  });
  const struck = lower.filter((name) => name === strikes || (usedOf(name) ?? 0) > limits[name]);
  const changes = struck.map((name) => change(name, ALLOW, quota(name)));
  const met = limitOf(record.outcome.error);
  return met === null || limits[met] <= record.limits[met]
    ? changes
    : [...changes, change(met, quota(met), unrecordedAt("limit"))];
}
