/** Shapes of programs, limits, journals and run records (vm.md 2, 8, 11, 12). */
import type { Json, JsonObject } from "../core/json.ts";

export const VM_VERSION = "imu-vm/1.0";
export const ISA = 1;

export type Tier = "low" | "medium" | "high" | "system";

/** The fifteen limits of one run; units in vm.md 8. */
export interface Limits {
  readonly cpuSteps: number;
  readonly memKb: number;
  readonly ioCalls: number;
  readonly wallMs: number;
  readonly sleepMs: number;
  readonly sleepTotalMs: number;
  readonly tasks: number;
  readonly outputBytes: number;
  readonly ioReadBytes: number;
  readonly ioWriteBytes: number;
  readonly netOutBytes: number;
  readonly claims: number;
  readonly callDepth: number;
  readonly inputBytes: number;
  readonly valueBytes: number;
}

export type TriggerDeclaration =
  | { readonly on: "interval"; readonly everyMs: number }
  | { readonly on: "at"; readonly atMs: number }
  | { readonly on: "cron"; readonly expr: string; readonly tz?: string }
  | {
      readonly on: "gpio";
      readonly line: string;
      readonly edge: "rising" | "falling" | "both";
      readonly debounceMs?: number;
    }
  | { readonly on: "command"; readonly name: string }
  | { readonly on: "mqtt"; readonly topic: string }
  | { readonly on: "signal"; readonly name: string; readonly above?: number }
  | { readonly on: "queue"; readonly queue: string }
  | { readonly on: "boot" };

export interface Instr {
  readonly op: string;
  readonly note?: string;
  readonly [field: string]: unknown;
}

export interface ProgramDocument {
  readonly format: "imu.program/1";
  readonly name: string;
  readonly version: string;
  readonly isa: 1;
  readonly description?: string;
  readonly capabilities?: readonly string[];
  readonly outputs?: readonly string[];
  readonly triggers?: readonly TriggerDeclaration[];
  readonly payload?: JsonObject;
  readonly response?: JsonObject;
  readonly constants?: Readonly<Record<string, Json>>;
  readonly claims?: Readonly<
    Record<
      string,
      { readonly schema?: JsonObject; readonly sources?: readonly string[]; readonly minTrust?: number }
    >
  >;
  readonly limits?: Partial<Limits>;
  readonly intents?: readonly string[];
  readonly overlap?: "skip" | "queue" | "restart";
  readonly code: readonly Instr[];
}

export interface CallError {
  readonly code: string;
  readonly reason: string;
  readonly status: number;
  readonly details: JsonObject;
}

export type JournalEntry =
  | {
      readonly t: "call";
      readonly turn: number;
      readonly task: number;
      readonly capability: string;
      readonly args: Json;
      readonly ok: boolean;
      readonly result?: Json;
      readonly error?: CallError;
      readonly evidence: readonly string[];
    }
  | { readonly t: "wake"; readonly turn: number; readonly task: number }
  | { readonly t: "elapsed"; readonly task: number; readonly value: number }
  | { readonly t: "cut"; readonly reason: string; readonly steps: number };

/** One claim in normal form: all keys present (vm.md 10). */
export interface ProgramClaim {
  readonly id: string;
  readonly type: string;
  readonly text: string | null;
  readonly schema: Json;
  readonly value: Json;
  readonly evidence: readonly string[];
  readonly sources: readonly string[];
  readonly from: Json;
  readonly predicate: Json;
  readonly group: string | null;
  readonly quantile: string | null;
  readonly minTrust: number | null;
}

export interface Outcome {
  readonly status: number;
  readonly body: Json;
  readonly claims: readonly ProgramClaim[];
  readonly effects: readonly {
    readonly capability: string;
    readonly args: Json;
    readonly outcome: "ok" | "refused" | "failed";
  }[];
  readonly error: { readonly code: string; readonly reason: string } | null;
}

export interface Metrics {
  readonly cpuSteps: number;
  readonly memBytes: number;
  readonly memKb: number;
  readonly ioCalls: number;
  readonly sleptMs: number;
  readonly wallMs: number;
  readonly tasks: number;
  readonly claims: number;
  readonly outputBytes: number;
  readonly ioReadBytes: number;
  readonly ioWriteBytes: number;
  readonly netOutBytes: number;
  readonly refusals: number;
  readonly phiChargedMilli: number;
}

export type RunState = "responded" | "halted" | "refused" | "failed" | "cut";

export interface RunRecord {
  readonly v: 1;
  readonly runId: string;
  readonly program: { readonly name: string; readonly version: string; readonly programHash: string };
  readonly subject: string;
  readonly tier: Tier;
  readonly policyHash: string;
  readonly trigger: Json;
  readonly limits: Limits;
  readonly startedAt: number;
  readonly wallMs: number;
  readonly payload: Json;
  readonly journal: readonly JournalEntry[] | { readonly sha256: string };
  readonly outcome: Outcome;
  readonly release: { readonly ok: boolean; readonly status: number; readonly reason: string | null };
  readonly vmVersion: string;
  readonly inputHash: string;
  readonly outputHash: string;
  readonly metrics: Metrics;
  readonly evidence: readonly string[];
  readonly safeStates: readonly string[];
  readonly state: RunState;
  readonly sim?: true;
}
