/** What a capability call answers (capabilities.md 4). */
import type { Json } from "../core/json.ts";
import type { ResourceRequirement } from "../core/resource-required.ts";

export interface CallSuccess {
  readonly ok: true;
  readonly result: Json;
  /** Ids of the evidence that the call recorded. */
  readonly evidence: readonly string[];
  readonly chargedMilli: number;
  readonly tookMs: number;
}

export interface CallFailure {
  readonly ok: false;
  readonly code: string;
  readonly status: number;
  readonly reason: string;
  readonly details: Json;
  readonly retryAfterMs?: number;
  readonly resource?: ResourceRequirement;
  /** What the safe state of the output was driven to, when it was. */
  readonly safeState?: Json;
}

export type CallResult = CallSuccess | CallFailure;
