/** Rollups of uneventful runs (ledger.md 8). */
import { jcs } from "../core/canonical-json.ts";
import type { JsonObject } from "../core/json.ts";
import { LEDGER_LIMITS } from "../core/limits.ts";
import { rootOf } from "./tree.ts";

export const ROLLUP_RUNS = LEDGER_LIMITS.rollupRuns;
export const ROLLUP_MS = LEDGER_LIMITS.rollupMs;
/** Every run whose ordinal is a multiple of this is recorded in full. */
export const ROLLUP_FULL_EVERY = LEDGER_LIMITS.rollupFullEvery;
const QUOTA_LIMIT = 0.8;

/** What a run was, as far as its rollup goes. Counts are of this run. */
export interface RunOutline {
  readonly status: string;
  /** Effects that left an output other than it was. */
  readonly effectsChanged: number;
  readonly refusals: number;
  readonly fallbacks: number;
  readonly nearMisses: number;
  readonly alerts: number;
  /** Consent and resource events. */
  readonly consentEvents?: number;
  readonly resourceEvents?: number;
  /** The largest used share of any quota, 0 to 1. */
  readonly quotaUse: number;
  readonly trigger: string;
  /** First run of this (programHash, policyHash) since boot. */
  readonly firstOfHashSinceBoot: boolean;
  /** A canary, shadow or trial is in progress. */
  readonly trial: boolean;
  /** The highest risk of any output the program may touch. */
  readonly outputRisk: string;
  /** False if the policy says `rollup: false`. */
  readonly rollupAllowed: boolean;
  /** 1 for the first run. */
  readonly ordinal: number;
}

/** True iff the run may share a `run_rollup` instead of having its own entry. A value it does not know is eventful. */
export function isUneventful(run: RunOutline, fullEvery = ROLLUP_FULL_EVERY): boolean {
  const events = [
    run.effectsChanged,
    run.refusals,
    run.fallbacks,
    run.nearMisses,
    run.alerts,
    run.consentEvents ?? 0,
    run.resourceEvents ?? 0,
  ];
  return (
    run.status === "ok" &&
    events.every((count) => count === 0) &&
    run.quotaUse < QUOTA_LIMIT &&
    (run.trigger === "schedule" || run.trigger === "event") &&
    run.firstOfHashSinceBoot === false &&
    run.trial === false &&
    (run.outputRisk === "low" || run.outputRisk === "medium") &&
    run.rollupAllowed === true &&
    run.ordinal % fullEvery !== 0
  );
}

/** `runsRoot`: MTH over JCS(run record), in start order, so that each run stays provable. 32 bytes. */
export const runsRoot = (records: readonly JsonObject[]): Uint8Array => rootOf(records.map(jcs));
