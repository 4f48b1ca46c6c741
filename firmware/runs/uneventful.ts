/** Whether a run was uneventful, so that a rollup may stand for it (ledger.md 8). */
import { type CallResult, parseUri } from "../capabilities/index.ts";
import { isJsonObject, type JsonObject } from "../core/json.ts";
import { isUneventful } from "../ledger/index.ts";
import type { CompiledPolicy, Subject } from "../policy/types.ts";
import type { Limits, Metrics } from "../vm/types.ts";
import type { NotedCall } from "./call-log.ts";
import type { FullRunRecord } from "./run-store.ts";

/** What the daemon around a run knows about its circumstances. */
export interface Circumstances {
  readonly ordinals: RunOrdinals;
  /** Alerts raised so far, of whatever cause: one that is raised while a run runs makes it eventful. */
  readonly alerts: () => number;
  /** A canary, shadow or trial is in progress. */
  readonly trial: () => boolean;
}

/** Counts runs since this boot. */
export class RunOrdinals {
  readonly #byProgram = new Map<string, number>();
  readonly #seen = new Set<string>();

  /** @returns the ordinal of this run of its program, from 1, and whether its program and policy were not seen before. */
  next({ program, policyHash }: FullRunRecord): { readonly ordinal: number; readonly isFirst: boolean } {
    const ordinal = (this.#byProgram.get(program.name) ?? 0) + 1;
    this.#byProgram.set(program.name, ordinal);
    const pair = `${program.programHash} ${policyHash}`;
    const isFirst = !this.#seen.has(pair);
    this.#seen.add(pair);
    return { ordinal, isFirst };
  }
}

const TRIGGERS: Readonly<Record<string, string>> = {
  interval: "schedule",
  at: "schedule",
  cron: "schedule",
  gpio: "event",
  mqtt: "event",
  signal: "event",
  queue: "event",
};

/** Used share of the quota that was used most. The main task is no use of `tasks`. */
export function quotaUse(used: Metrics, limits: Limits): number {
  const pairs: readonly (readonly [number, number])[] = [
    [used.cpuSteps, limits.cpuSteps],
    [used.memKb, limits.memKb],
    [used.ioCalls, limits.ioCalls],
    [used.wallMs, limits.wallMs],
    [used.sleptMs, limits.sleepTotalMs],
    [used.tasks - 1, limits.tasks - 1],
    [used.claims, limits.claims],
    [used.outputBytes, limits.outputBytes],
    [used.ioReadBytes, limits.ioReadBytes],
    [used.ioWriteBytes, limits.ioWriteBytes],
    [used.netOutBytes, limits.netOutBytes],
  ];
  return Math.max(...pairs.map(([n, limit]) => (n <= 0 ? 0 : n / Math.max(limit, 1))));
}

/** A level that was commanded and had been driven before: the world is as it was. */
const leftLevel = (result: CallResult): boolean =>
  result.ok && isJsonObject(result.result) && result.result.previous === result.result.value;

/**
 * Effects that changed something, or may have: a bus write tells nothing about what it found. A reading that goes out as
 * telemetry drives no output.
 */
export function changedEffects(calls: readonly NotedCall[], policy: CompiledPolicy): number {
  const isQuiet = ({ capability, output, acts, result }: NotedCall): boolean => {
    // What the fleet shares may still be refused when the run settles.
    if (!acts) return capability !== "shared.put";
    if (capability === "gpio.write") return leftLevel(result);
    const uri = policy.outputs.find(({ name }) => name === output)?.uri ?? "";
    const address = parseUri(uri);
    return capability === "mqtt.publish" && address?.scheme === "mqtt" && isTelemetry(address.topic);
  };
  return calls.filter((call) => !isQuiet(call)).length;
}

const isTelemetry = (topic: string): boolean => topic.split("/").includes("telemetry");

export interface FinishedRun {
  readonly record: FullRunRecord;
  readonly policy: CompiledPolicy;
  readonly rights: Subject;
  readonly calls: readonly NotedCall[];
  /** Entries that the run leaves besides its own. */
  readonly events: number;
  readonly fallbacks: number;
  /** Alerts raised while it ran. */
  readonly alerts: number;
  readonly trial: boolean;
  /** Outputs that its document names. */
  readonly outputs: readonly string[];
  /** Grants that it used. */
  readonly consents: number;
}

function outputRisk(policy: CompiledPolicy, names: readonly string[]): string {
  const risks = policy.outputs.filter(({ name }) => names.includes(name)).map(({ risk }) => risk);
  return risks.find((risk) => risk !== "low" && risk !== "medium") ?? "medium";
}

function statusText({ state, release, outcome }: FullRunRecord): string {
  const isOk = release.ok && outcome.error === null && (state === "halted" || state === "responded");
  return isOk && outcome.status < 400 ? "ok" : state;
}

/** Judges a run by all conditions of ledger.md 8. */
export function mayShare(
  run: FinishedRun,
  count: { readonly ordinal: number; readonly isFirst: boolean },
): boolean {
  const { record, policy } = run;
  const kind: unknown = (record.trigger as JsonObject | null)?.kind;
  return isUneventful({
    status: statusText(record),
    effectsChanged: changedEffects(run.calls, policy),
    // An entry of its own tells of something; what it tells of must not lose its run's entry.
    refusals: record.metrics.refusals + run.events,
    fallbacks: run.fallbacks + record.safeStates.length,
    nearMisses: 0,
    alerts: run.alerts,
    consentEvents: run.consents,
    quotaUse: quotaUse(record.metrics, record.limits),
    trigger: typeof kind === "string" ? (TRIGGERS[kind] ?? kind) : "",
    firstOfHashSinceBoot: count.isFirst,
    trial: run.trial,
    outputRisk: outputRisk(policy, run.outputs),
    rollupAllowed: run.rights.rollup ?? true,
    ordinal: count.ordinal,
  });
}
