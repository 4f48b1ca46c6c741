/** What the capabilities need from the rest of the daemon; the composition root hands the real parts in. */
import type { Refusal } from "../core/errors.ts";
import type { Json, JsonObject } from "../core/json.ts";
import type { ResourceRequirement } from "../core/resource-required.ts";
import type { GroundedWitness } from "../evidence/index.ts";
import type { Evidence, GuardVerdict, Requirement, RiskLevel } from "../evidence/types.ts";
import type { LedgerEvent } from "../ledger/types.ts";
import type { DecisionResult } from "../policy/types.ts";
import type { SerialOptions, SpiOptions } from "../ports/hardware.ts";
import type { StoreOp } from "../ports/store.ts";

/** One piece of evidence before it is sealed. */
export interface EvidenceDraft {
  readonly kind: string;
  readonly source: string;
  readonly payload: Json;
  /** 0..1; can only lower the trust of the source. */
  readonly declaredTrust?: number;
  readonly ttlMs?: number;
}

/** The evidence of one run. Only what is in here can justify an effect of this run. */
export interface EvidenceSink {
  /** How many more records fit; without it there is no bound. */
  readonly room?: number;
  /** In order of recording. */
  readonly list: readonly Evidence[];
  /** Seals and keeps a record. @throws CodedError when it cannot be kept. */
  record(draft: EvidenceDraft): { readonly id: string };
  /** What a record of this run proves to the reader of a message, undefined for what proves nothing (evidence.md 14). */
  witness(id: string): GroundedWitness | undefined;
  /** Counts a successful call; folded to one record per capability at settlement. */
  tally(capability: string, chargedMilli: number, tookMs: number): void;
  /** Judges the run's evidence and claims against a requirement and records the verdict as bookkeeping. */
  guard(request: {
    readonly effect: string;
    readonly requirement: Requirement;
    readonly requirementHash?: string;
    readonly claims?: readonly unknown[];
    readonly risk?: RiskLevel;
  }): GuardVerdict;
}

/** policy.md 5 for one subject, topic and action. */
export interface Decider {
  /** Decides and counts the call for the rule's rate. */
  decide(subject: string, topic: string, action: string): DecisionResult;
  /** The same answer without counting anything. */
  explain(subject: string, topic: string, action: string): DecisionResult;
  /** Marks a grant as used once, when the driver is about to act; the operations belong to the settlement. */
  useGrant(grantId: string): readonly StoreOp[];
}

/** phi.md 11, as `BudgetLedger` offers it. Amounts in mΦ. */
export interface Budget {
  /** Charges a call to a run: what policy prices it at, else `contractMilli`. Refusal `budget_exceeded` (429). */
  charge(
    run: string,
    subject: string,
    capability: string,
    contractMilli?: number,
  ): { readonly ok: true; readonly chargedMilli: number } | { readonly ok: false; readonly refusal: Refusal };
  /** Gives a charge of this run back. @throws CodedError for more than it was charged. */
  refund(run: string, chargedMilli: number): unknown;
}

export type HomeostasisClass = "sense" | "actuate" | "publish" | "learn";

/** What homeostasis says at this moment (homeostasis.md 4, 6, 12). */
export interface Standing {
  /** False until the boot states are locked: no effects before. */
  bootLocked(): boolean;
  /** False after two failed group commits in a row: what cannot be recorded is not done (ledger.md 2). */
  canRecord?(): boolean;
  /** The block of a capability target, or null. */
  quarantine(
    capability: string,
    target: string,
  ): {
    readonly key: string;
    readonly untilMs: number;
    readonly cause: string;
    readonly level: string;
  } | null;
  /** Classes that the present mode has withdrawn from this subject. */
  withdrawn(subject: string): readonly HomeostasisClass[];
}

/** Operator's kill switch; the policy's own switch is read from the compiled policy. */
export interface KillSwitch {
  killed(capability: string): boolean;
}

/** Passive: does the node exist, may it be opened (capabilities.md 5, 8). */
export interface ResourceProbe {
  probe(resource: string): Promise<ResourceRequirement | null>;
}

/** Writes the intent of an effect of durability `before`; resolves only after it is synced. */
export interface IntentCommitter {
  commit(event: LedgerEvent): Promise<void>;
}

/** Where the one wrapper tells what happened; none of it can fail a call. */
export interface Observer {
  usage(record: UsageRecord): void;
  incident(record: IncidentRecord): void;
  alert(code: string, details: JsonObject): void;
  /** A missing resource or consent of a call, for the asks. */
  asked(question: {
    readonly program: string;
    readonly kind: "resource" | "consent";
    readonly subject: string;
    readonly about: string;
    readonly details: JsonObject;
  }): void;
}

export interface UsageRecord {
  readonly ts: number;
  readonly runId: string;
  readonly subject: string;
  readonly capability: string;
  readonly target: string;
  readonly status: "ok" | "refused" | "error";
  readonly code: string;
  readonly durationMs: number;
  readonly costMilli: number;
  readonly argsSummary: string;
}

export interface IncidentRecord {
  readonly ts: number;
  readonly runId: string;
  readonly subject: string;
  readonly capability: string;
  readonly reason: string;
  readonly mode: "strict";
  readonly argsHash: string;
}

/** Channel data of the board for the lines and devices that policy binds. */
export interface ChannelDirectory {
  /** Null for a line that this board does not have. */
  gpio(
    chip: string,
    line: number,
  ): { readonly activeLow: boolean; readonly bias: "none" | "pull-up" | "pull-down" } | null;
  i2c(bus: number, address: number): { readonly known: boolean } | null;
  spi(bus: number, chipSelect: number): SpiChannel | null;
  serial(port: string): SerialOptions | null;
}

export interface SpiChannel {
  readonly options: SpiOptions;
  /** Frames that only ask: `(data & mask) === value`, byte by byte, of equal length. */
  readonly requestFrames: readonly { readonly value: Uint8Array; readonly mask: Uint8Array }[];
}

export interface SensorReading {
  readonly value: Json;
  readonly unit: string | null;
  readonly raw?: Json;
  readonly quality: string;
}

/** The device drivers: compensation, range, step and frozen-value checks are theirs. */
export interface SensorPort {
  /** @throws CodedError `sensor_fault`, `reading_out_of_range` or a bus fault; ResourceRequired. */
  read(uri: string, signal: AbortSignal): Promise<SensorReading>;
}

/** The outbox towards the broker; what is staged under a run becomes durable with its settlement. */
export interface OutboxPort {
  stage(
    runId: string,
    message: {
      readonly topic: string;
      readonly payload: Json;
      readonly qos: 0 | 1;
      readonly retain: boolean;
    },
  ): { readonly outboxId: string; readonly ops: readonly StoreOp[] } | Refusal;
}

/** The replicated settings map of the site. */
export interface SharedStatePort {
  get(key: string): { readonly value: Json; readonly writer: string } | null;
  /** The write itself happens when the run settles: `ops` go into its batch. */
  put(runId: string, key: string, value: Json): { readonly ops: readonly StoreOp[] } | Refusal;
}

/** Runs the safe program of an output (capabilities.md 9); rejects if it failed. */
export interface SafeProgramRunner {
  run(program: string, output: string, signal: AbortSignal): Promise<void>;
}
