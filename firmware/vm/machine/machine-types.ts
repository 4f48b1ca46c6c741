/** What goes into a machine and what comes out of it (vm.md 5, 9, 11). */
import type { Json } from "../../core/json.ts";
import type { SchemaCheck } from "../capability-view.ts";
import type { CallError, JournalEntry, Limits, Metrics, Outcome } from "../types.ts";
import type { MachineRequest } from "./task.ts";

export type CutReason =
  | "cancelled_by_operator"
  | "overlap_restart"
  | "shutdown"
  | "quarantined"
  | "power_lost"
  | "wall_exceeded";

export const CUT_STATUS: Readonly<Record<CutReason, number>> = {
  cancelled_by_operator: 409,
  overlap_restart: 409,
  shutdown: 503,
  quarantined: 503,
  power_lost: 503,
  wall_exceeded: 429,
};

export const isCutReason = (reason: string): reason is CutReason => Object.hasOwn(CUT_STATUS, reason);

/** What a capability call came to. Byte counts meter the run (vm.md 7). */
export type CallAnswer =
  | {
      readonly ok: true;
      readonly result: Json;
      readonly evidence: readonly string[];
      readonly readBytes?: number;
      readonly writtenBytes?: number;
      readonly netBytes?: number;
    }
  | { readonly ok: false; readonly error: CallError; readonly evidence: readonly string[] };

/** A completion in the order it reached the machine; `request` is the id it answers. */
export type Completion =
  | { readonly kind: "call"; readonly request: number; readonly answer: CallAnswer }
  | { readonly kind: "wake"; readonly request: number };

/** What a supplier of completions may see of the machine. */
export interface WaitingView {
  waitingOf(task: number): MachineRequest | null;
}

/** Where the machine gets what the program does not determine; replay supplies its own. */
export interface MachineInputs {
  /** Whole milliseconds since the run began. */
  elapsedMs(task: number): number;
  /** Completions to be taken before `turn`; asked between turns only. */
  take?(turn: number, machine: WaitingView): readonly Completion[];
}

/**
 * Who executes: the reference interpreter; the compiler from the first instruction; or the interpreter until a place is
 * hot (`tiered`). Results, steps, memory figures and errors are the same.
 */
export type Executor = "interpreter" | "compiled" | "tiered";

/** The state of the task that runs, for tools; values that cannot leave the machine are shown as text. */
export interface MachineView {
  readonly task: number;
  readonly turn: number;
  readonly at: { readonly unit: string; readonly index: number; readonly fn: string | null };
  readonly stack: readonly Json[];
  readonly registers: Readonly<Record<string, Json>>;
  readonly steps: number;
  readonly memoryBytes: number;
}

export interface MachineOptions {
  readonly payload: Json;
  readonly trigger: Json;
  readonly limits: Limits;
  readonly inputs: MachineInputs;
  /** Checks the document's `payload` and `response` contracts; needed if the document has one. */
  readonly checkSchema?: SchemaCheck;
  /** Values on the stack before the first instruction; the program must be verified with that depth. */
  readonly entryStack?: readonly Json[];
  /** Default `tiered`. */
  readonly executor?: Executor;
}

export interface MachineError extends CallError {
  readonly at: { readonly unit: string; readonly index: number; readonly fn: string | null } | null;
}

export interface MachineResult {
  readonly ended: "responded" | "halted" | "failed" | "cut";
  readonly status: number;
  readonly outcome: Outcome;
  readonly journal: readonly JournalEntry[];
  readonly limits: Limits;
  readonly payload: Json;
  readonly trigger: Json;
  /** `wallMs` and `phiChargedMilli` are filled in by whoever ran the machine. */
  readonly metrics: Metrics;
  readonly error: MachineError | null;
  readonly programHash: string;
  readonly inputHash: string;
  readonly outputHash: string;
  /** The same with the wall time that whoever ran the machine has measured. */
  withWall(wallMs: number): MachineResult;
}

export type SliceState = "ready" | "waiting" | "ended";
