/** One update on this device, as it is stored (rollout.md 2). */
import type { KpiStats } from "../firmware/phi/index.ts";
import type { GateResult } from "./gates/runner.ts";
import type { OtaState } from "./machine.ts";
import type { HoldState } from "./rules/hold.ts";
import type { OtaSettings } from "./settings.ts";

export interface OtaRun {
  readonly v: 1;
  readonly runId: string;
  /** Null while no publisher's rollout stands behind it. */
  readonly rolloutId: string | null;
  readonly kind: "policy";
  readonly releaseId: string;
  readonly version: number;
  /** Hashes of bundles. */
  readonly candidate: string;
  readonly from: string;
  readonly state: OtaState;
  /** Wall ms. */
  readonly startedAt: number;
  readonly enteredAt: number;
  readonly trialRestarts: number;
  /** Powered, running ms of the hold, of the guard period once committed. */
  readonly heldMs: number;
  readonly hold: HoldState | null;
  /** Wall ms; runs since then belong to the trial. */
  readonly activatedAt: number | null;
  readonly reason: string | null;
  /** What a rollback went to: a hash, null for safe mode or none. */
  readonly to: string | null;
  readonly gateResults: readonly GateResult[];
  readonly baseline: KpiStats | null;
  /** Of the policy in force when the run began. */
  readonly settings: OtaSettings;
  readonly repairs: readonly string[];
  /** The first release after the factory's has no history to be judged by: that is waived, the hold doubles. */
  readonly isHistoryWaived: boolean;
  /** True if the run was undone by a hard reason: outputs go safe first. */
  readonly isUnsafe: boolean;
}
