/** What a run hands down to every call: identity, rights, evidence and what it has staged so far. */
import type { DsseEnvelope } from "../core/dsse.ts";
import type { Refusal } from "../core/errors.ts";
import type { RequirementLayer } from "../evidence/index.ts";
import type { CompiledPolicy } from "../policy/types.ts";
import type { StoreOp } from "../ports/store.ts";
import type { Limits, Tier } from "../vm/types.ts";
import { OpenIntents } from "./open-intents.ts";
import type { EvidenceSink } from "./ports.ts";

/** Counters of one run; every refused and failed call counts. */
export interface CallCounters {
  readBytes: number;
  writtenBytes: number;
  netBytes: number;
  refusals: number;
  chargedMilli: number;
  /** Uses of grants that an operator gave. */
  grants: number;
  /** Calls refused by the allow-list (capabilities.md 13). */
  blocked: number;
}

/** A write of this run to a key-value space; `null` is a deletion. */
export interface StagedValue {
  readonly bytes: Uint8Array | null;
  readonly expiresAt: number | null;
}

export type RunMode = "normal" | "strict";

export interface EffectIntent {
  readonly effectId: string;
  readonly ok: boolean;
  readonly reason?: string;
}

export interface RunContext {
  readonly runId: string;
  readonly subject: string;
  readonly tier: Tier;
  /** Null for operators and the daemon's own work. */
  readonly program: {
    readonly name: string;
    readonly outputs: readonly string[];
    readonly capabilities: readonly string[];
  } | null;
  /** The program drives an output to its safe state: no guard, no budget, only this output. */
  readonly safeProgram: boolean;
  readonly policy: CompiledPolicy;
  readonly limits: Limits;
  readonly evidence: EvidenceSink;
  /** Verifies a signed statement that a call has brought; without it none is looked at (evidence.md 11). */
  readonly official?: (statement: DsseEnvelope) => Refusal | null;
  /** What the subject's own entry in the policy adds to every requirement; it can only tighten. */
  readonly demands: RequirementLayer;
  /** Everything is judged, nothing acts, is charged or becomes durable (rollout.md 7, 9). */
  readonly dry: boolean;
  /** Effects whose intent was recorded before they were made, for the run's entries (ledger.md 2). */
  readonly intents: EffectIntent[];
  /** Those whose calls have not ended. */
  readonly openIntents: OpenIntents;
  /** Counts one I/O call; false when the run's quota is used up (vm.md 7). */
  readonly countCall: () => boolean;
  readonly counters: CallCounters;
  /** Writes of this run by `<space>\n<key>`; visible to it at once, to others with its settlement. */
  readonly kv: Map<string, StagedValue>;
  /** Jobs, outbox items and shared values that become durable with the settlement. */
  readonly staged: StoreOp[];
  mode: RunMode;
}

/** The parts of a context that its maker chooses. */
export type RunContextInit = Pick<
  RunContext,
  "runId" | "subject" | "tier" | "program" | "policy" | "limits" | "evidence" | "countCall"
> &
  Partial<Pick<RunContext, "safeProgram" | "dry" | "demands" | "official">>;

/** A fresh context for one run or command. */
export function createRunContext(init: RunContextInit): RunContext {
  return {
    ...init,
    safeProgram: init.safeProgram ?? false,
    dry: init.dry ?? false,
    demands: init.demands ?? {},
    intents: [],
    openIntents: new OpenIntents(),
    counters: {
      readBytes: 0,
      writtenBytes: 0,
      netBytes: 0,
      refusals: 0,
      chargedMilli: 0,
      grants: 0,
      blocked: 0,
    },
    kv: new Map(),
    staged: [],
    mode: "normal",
  };
}
